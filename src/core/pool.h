/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CORE_POOL_H
#define OSTLER_CORE_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/state.h"

/*
 * pool - the workers of one service, as the core sees them
 *
 * Knows:   which slots are starting, ready, taken or retiring, how many may
 *          be, and how many clients were last seen waiting.
 * Decides: whether one more may be started.
 * Never:   judges a worker's end (worker.c) or a queue that rests (lease.c).
 */

/* Between two complaints that clients of a service must wait. */
#define POOL_LIMIT_NOTICE_NS (60 * NS_PER_S)

/* Workers that can take a client, or soon will. */
uint32_t pool_available(const struct pool *pool);

uint32_t pool_total(const struct pool *pool);
uint32_t pool_live(const struct pool *pool); /* but for those that leave */

/*
 * Taken for ready, but never heard of, while clients of its own wait: as likely
 * as not it is still starting, and they would wait for ever if each of its kind
 * had to go before it was up. (One that is silent for too long is suspect.)
 */
bool pool_awaits(const struct pool *pool, const struct worker *worker);

/* How many more the limit and the surge allow; slots are another matter. */
uint32_t pool_limit_room(const struct pool *pool);

/*
 * Slots that POOL may have: those that are free but for what others lack of
 * their shares; of its own share, any that is free.
 */
uint32_t pool_slots(const struct core *core, const struct pool *pool);

/* Slots that are free and nobody's. */
uint32_t pool_slots_open(const struct core *core);

/* SHARE slots are POOL's from here on, in use or not. */
void pool_reserve(struct core *core, struct pool *pool, uint32_t share);

/* All that are there are old from here on; to ask them is the caller's. */
void pool_renew(struct pool *pool);

/* Of an older epoch than POOL's. */
bool pool_is_old(const struct pool *pool, const struct worker *worker);

/*
 * How many more than the limit may stay: those that a roll will have leave, as
 * far as they are surge.
 */
uint32_t pool_over(const struct pool *pool);

/* Clients of POOL wait for a slot (slots.h sees to it), or no longer do. */
void pool_starve(struct core *core, struct pool *pool, bool starved);

/* How many more may be started: limit, surge and free slots, not pauses. */
uint32_t pool_room(const struct core *core, const struct pool *pool);

/* Move a worker to STATE; counts, marks and times follow. */
void pool_move(
	struct core *core, struct worker *worker, enum worker_state state);

/* A new process of POOL in a free slot, on the list of its kind. */
struct worker *pool_add(
	struct core *core, struct pool *pool, enum worker_kind kind);

/* Start up to WANT workers, as room and pauses allow; how many it did. */
uint32_t pool_spawn(struct core *core, struct pool *pool, uint32_t want);

/* Start one beside a worn worker: room and pauses are the caller's. */
void pool_replace(struct core *core, struct pool *pool);

/* Start one by the row on trial. (The same.) */
void pool_start_canary(struct core *core, struct pool *pool);

/*
 * Start what the waiting clients ask for beyond who is coming anyway, as fast
 * as it helps them (pace.h).
 */
void pool_answer(
	struct core *core, struct pool *pool, const struct event *event);

/* It has shown that it lives: no suspect any more. */
void pool_trust(struct pool *pool, struct worker *worker);

/* Give the slot back; the worker is gone. */
void pool_free_worker(struct core *core, struct worker *worker);

#endif
