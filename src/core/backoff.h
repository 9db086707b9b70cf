/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CORE_BACKOFF_H
#define OSTLER_CORE_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

#include "core/state.h"

/*
 * backoff - pauses after failures, and the rate that bounds all starts
 *
 * Knows:   how long the last pause was, what for, and how many tokens the
 *          start rate has left.
 * Decides: whether a worker may be started now, and if not, when.
 * Never:   ends anybody: healthy workers of a throttled service go on, and
 *          after each pause one start is always tried.
 */
struct failure {
	enum cause cause;
	int stage, error, code, signal;
	bool temporary; /* for want of a resource: the pause stays short */
};

/* May a worker be started at NOW_NS? (Room is another question.) */
bool backoff_allows(const struct pool *pool, uint64_t now_ns);

/* Does a pause last, whatever else keeps a start off? */
bool backoff_pauses(const struct pool *pool, uint64_t now_ns);

/* Has one failed lately, and none served since? */
bool backoff_is_fresh(const struct pool *pool, uint64_t now_ns);

/* If nothing else fails: until then. */
uint64_t backoff_fresh_until(const struct pool *pool);

/* How many may be started at once. (The same.) */
uint32_t backoff_room(const struct pool *pool, uint64_t now_ns);

/* When backoff_allows() can next change to true; NOW_NS if it is. */
uint64_t backoff_until(const struct pool *pool, uint64_t now_ns);

/* The pause after one of PAUSE_NS (0: none): twice that, within bounds. */
uint64_t backoff_grown(uint64_t pause_ns, uint64_t min_ns, uint64_t max_ns);

/* A worker is being started: a token is gone. */
void backoff_started(struct pool *pool, uint64_t now_ns);

/* A start failed, or a worker ended before its first client. */
void backoff_failed(
	struct core *core, struct pool *pool, struct failure failure);

/* A worker that had served ended badly. */
void backoff_crashed(
	struct core *core, struct pool *pool, struct failure failure);

/* A client was served: the next failure starts from the shortest pause. */
void backoff_served(struct core *core, struct pool *pool);

/* throttle_time may be lower now: no pause is longer. */
void backoff_limit(const struct core *core, struct pool *pool);

/* Forget all pauses: the service has a new command. The rate stays. */
void backoff_reset(struct pool *pool);

#endif
