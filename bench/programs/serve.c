/* SPDX-License-Identifier: MIT */
#include <ostler.h>
#include <unistd.h>

/*
 * serve - a worker of libostler that does next to nothing
 *
 * It reads up to 32 bytes and writes them back. How many clients it serves
 * before it leaves is its master's to say.
 */
static int serve(int client, void *context)
{
	char bytes[32];
	ssize_t n = read(client, bytes, sizeof(bytes));

	(void)context;
	if (n > 0)
		(void)!write(client, bytes, (size_t)n);
	return 0;
}

int main(int argc, char **argv)
{
	struct ostler_options options = OSTLER_OPTIONS_INIT;

	options.serve = serve;
	return ostler_single_main(argc, argv, &options);
}
