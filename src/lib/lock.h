/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_LIB_LOCK_H
#define OSTLER_LIB_LOCK_H

#include "lib/worker.h"

/*
 * lock - whose turn it is to watch the listeners, under Postfix's master
 *
 * Knows:   the file pid/TYPE.SERVICE, on which Postfix's own workers of one
 *          client at a time take turns.
 * Decides: nothing. Correctness does not rest on it: a listener is
 *          non-blocking, so whoever accepts in vain has lost nothing.
 * Never:   held while a client is served, or while nothing is watched.
 *
 * A worker that waits for its turn hears nothing, as Postfix's own: not its
 * master, not its idle time. Whoever has the turn hears both, and by leaving
 * passes the turn on to the next one, who looks in its turn. Nothing but a
 * signal to oneself could end the wait sooner, and signals are the program's.
 */

/* From the queue directory, with the rights to. 0 or -errno, problem said. */
int ostler__lock_open(struct ostler_worker *w);

/* Wait for our turn, if there are turns. 0, -EINTR or another -errno. */
int ostler__lock_take(struct ostler_worker *w);
void ostler__lock_release(struct ostler_worker *w);

#endif
