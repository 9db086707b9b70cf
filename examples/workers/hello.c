/* SPDX-License-Identifier: MIT */
#include <ostler.h>
#include <stdio.h>

static int serve(int client, void *context)
{
	(void)context;
	(void)dprintf(client, "hello from C\n");
	return 0;
}

int main(int argc, char **argv)
{
	struct ostler_options options = {
		.size = sizeof options, .serve = serve};

	return ostler_single_main(argc, argv, &options);
}
