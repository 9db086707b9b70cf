/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_LIB_SOLO_H
#define OSTLER_LIB_SOLO_H

#include "lib/skeleton.h"

/*
 * solo - the loop of all workers that do one thing at a time
 *
 * Knows:   that single, trigger and dgram differ in what they do with what
 *          came, and in nothing else.
 * Decides: when to wait, and under which lock.
 * Never:   looks at a client.
 */

/*
 * Be a worker of KIND, whose function is called for each client: a connection
 * that it closes or, on fifo and unix-dgram, the listener, which it reads
 * from. If that returns anything but 0, the worker leaves with this status.
 */
int ostler__solo_main(int argc, char **argv,
	const struct ostler_options *options, const struct kind *kind);

#endif
