/* SPDX-License-Identifier: MIT */
#include <ostler.h>

#include "chores.h"

/*
 * serve - a worker of libostler that does next to nothing, or what chores.h has
 *
 * It reads up to 32 bytes and writes them back. How many clients it serves
 * before it leaves is its master's to say.
 */
static struct chores chores;

static int begin(struct ostler_worker *worker, void *context)
{
	(void)worker;
	(void)context;
	chores_begin(&chores);
	return 0;
}

static int serve(int client, void *context)
{
	(void)context;
	chores_serve(&chores, client);
	return 0;
}

int main(int argc, char **argv)
{
	struct ostler_options options = OSTLER_OPTIONS_INIT;

	chores_read(&chores, argc, argv);
	options.init = begin;
	options.serve = serve;
	return ostler_single_main(argc, argv, &options);
}
