/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CORE_SPARE_H
#define OSTLER_CORE_SPARE_H

#include <stdint.h>

#include "core/state.h"

/*
 * spare - idle workers: started before anybody knocks, and trimmed when they
 * were too many for long
 *
 * Knows:   how few were idle at once, at any time of an interval.
 * Decides: when a spare is started, and how many idle ones go.
 * Never:   goes by how long one worker was idle: where they are woken in turns
 *          each has a client now and then, however many there are. And never
 *          takes a slot that clients of another service wait for.
 */

/* Workers have come or gone, or changed: the last of it before a watch. */
void spare_settle(struct core *core, struct pool *pool);

/* An interval may be over: look first, for who served and did not say so. */
void spare_time(struct core *core, struct pool *pool);

/* That look was answered. */
void spare_looked(struct core *core, struct pool *pool);

/* The pool is not up any more. */
void spare_stop(struct core *core, struct pool *pool);

/* Somebody needed a slot more: no spare for a while. */
void spare_wait(struct core *core, struct pool *pool);

/* How many more spares there should be, and may be by the limit. */
uint32_t spare_missing(const struct pool *pool);

/* No spare is started before this. */
uint64_t spare_from(const struct core *core, const struct pool *pool);

uint64_t spare_deadline(const struct core *core, const struct pool *pool);

#endif
