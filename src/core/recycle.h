/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CORE_RECYCLE_H
#define OSTLER_CORE_RECYCLE_H

#include <stdint.h>

#include "core/state.h"

/*
 * recycle - workers that are worn make room for new ones, one at a time
 *
 * Knows:   each pool's token: who is being replaced, and by whom.
 * Decides: who is next, whether another is started first, and when the worn
 *          one is asked to leave.
 * Never:   ends a worker that has a client, or lets two leave at once for
 *          whom nobody has come: a pool is never more than one worker short.
 */

/* WORKER is to be replaced when its turn comes. */
void recycle_wear(
	struct core *core, const struct worker *worker, enum wear wear);

/* Go on with the token: before the limit is looked at. */
void recycle_settle(struct core *core, struct pool *pool);

/* A look was answered, and what workers had to say was heard before. */
void recycle_looked(struct core *core, struct pool *pool);

/* How many more than the limit may be there, until the worn one is asked. */
uint32_t recycle_over(const struct pool *pool);

/* When recycle_settle() has something to do by itself. */
uint64_t recycle_deadline(const struct core *core, const struct pool *pool);

#endif
