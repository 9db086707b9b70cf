/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CORE_ROLL_H
#define OSTLER_CORE_ROLL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/state.h"

/*
 * roll - after a reload new workers take the place of the old ones, a few at a
 * time, and both serve meanwhile
 *
 * Knows:   how many of the old ones are left, and who of the new ones is up:
 *          by its own word, or because it has been running for a while.
 * Decides: when another new one is started, and which old one is asked to
 *          leave.
 * Never:   lets an old worker go before a new one is up, or leaves a service
 *          to new ones that cannot be started: then it is stalled, and the old
 *          ones go on. (One only leaves first where there is no slot for two.)
 */

/* Whether POOL's policy has its workers replaced that way. */
bool roll_can(const struct pool *pool);

/* All that are there are old (pool_renew()): replace them. */
void roll_begin(struct core *core, struct pool *pool);

/* Go on with it. */
void roll_settle(struct core *core, struct pool *pool);

/* Starts are paused: a new worker has failed. */
void roll_paused(struct core *core, struct pool *pool);

/* Too many generations are leaving: the oldest of them by signal. */
void roll_cap(struct core *core, struct pool *pool);

/* The idle one that is missed least: the newest, but old ones first, and
 * canaries last. */
struct worker *roll_coldest(struct core *core, const struct pool *pool);

/* For core_audit(). */
const char *roll_audit(
	const struct core *core, const struct pool *pool, uint64_t now_ns);

#endif
