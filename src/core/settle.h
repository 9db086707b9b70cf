/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CORE_SETTLE_H
#define OSTLER_CORE_SETTLE_H

#include "core/state.h"

/*
 * settle - the end of every event: what a pool needs now
 *
 * Knows:   everything about one pool.
 * Decides: whether the master watches, who is over the limit, when to look
 *          at the pool again.
 * Never:   leaves a pool with clients, room and no pause unwatched.
 */

/*
 * Say what the pool needs now. Every event that touches a pool ends here, so
 * this is the only place that moves the watch, closes a pool that is empty
 * and sets the pool's deadline.
 */
void pool_settle(struct core *core, struct pool *pool);

/* Something of the pool's own is due. */
void pool_time(struct core *core, struct pool *pool);

#endif
