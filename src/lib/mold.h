/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_LIB_MOLD_H
#define OSTLER_LIB_MOLD_H

#include "lib/worker.h"

/*
 * mold - a program that is ready to be a worker, and is copied instead
 *
 * Knows:   how to make a sibling: a child of the master that begins where
 *          this process is.
 * Decides: whether this process can be a mold at all.
 * Never:   serves a client, or goes on after its master has hung up.
 */

/*
 * Not 0 in a process that was started as a mold; asked once. What it is born
 * with in the listeners' places, and up to this number, is nothing to listen
 * on.
 */
unsigned ostler__mold_is_asked(void);

/*
 * Say that we are ready, and make workers as they are ordered. Returns 0 in
 * each of those, as one who is about to say its first AVAIL; in the mold
 * -ESHUTDOWN, at its end. Another -errno: such a worker cannot go on.
 */
int ostler__mold_serve(struct ostler_worker *w);

#endif
