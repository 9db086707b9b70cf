/* SPDX-License-Identifier: MIT */
#include "core/drain.h"

#include "core/pool.h"
#include "core/canary.h"
#include "core/reload.h"

/*
 * Its share of the slots stays its own: a service that was promised some is to
 * have them when it goes on.
 */
void drain_begin(struct core *core, struct pool *pool)
{
	if (pool->state != POOL_UP)
		return;
	canary_lost(core, pool);
	pool->state = POOL_DRAINED;
	pool_renew(pool);
	reload_retire_old(core, pool, pool->policy.drain_time_ns);
}

/* A wake-up that was due meanwhile comes now, and once. */
void drain_end(struct pool *pool)
{
	if (pool->state == POOL_DRAINED)
		pool->state = POOL_UP;
}
