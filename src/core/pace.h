/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CORE_PACE_H
#define OSTLER_CORE_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/state.h"

/*
 * pace - how many workers are worth starting at once
 *
 * Knows:   what a start of the pool takes, in time and in processor time, how
 *          long its workers stay with a client, and how many processors there
 *          are.
 * Decides: how many of those that the queue asks for are started now.
 * Never:   starts anybody, or lets a queue rest: whoever is held back is asked
 *          about again soon, and who does not move is not counted on.
 *
 * Starts that need processors get in each other's way: of fifty at once the
 * first is ready when the last one is, and by then the clients could have been
 * served by two. Starts that wait for something else do not, and all of them
 * are worth it. Which kind a service has is learned; until it is, a few are
 * started, and twice as many every few moments as long as those who start leave
 * processors idle.
 */

/* A worker that was starting said its first word. */
void pace_started(struct core *core, struct pool *pool,
	const struct worker *worker, const struct event *event);

/* A worker is free again, SERVE_NS after it was taken. */
void pace_served(struct pool *pool, uint64_t serve_ns);

/* A worker went with its client: it may be that none takes a second one. */
void pace_left(struct pool *pool);

/* One that had served left by itself: it was worth its start. */
void pace_gone(struct core *core, struct pool *pool);

/* How many of the NEED that clients ask for to start now; EVENT told of them. */
uint32_t pace_allowed(struct core *core, struct pool *pool, uint32_t need,
	const struct event *event);

/* How long to wait before asking again for those who were held back. */
uint64_t pace_look_ns(struct pool *pool);

/* Forget: the service has a new command. */
void pace_reset(struct pool *pool);

#endif
