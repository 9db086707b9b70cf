/* SPDX-License-Identifier: MIT */
#include "core/wakeup.h"

#include "core/backoff.h"

static bool is_dormant(const struct pool *pool)
{
	return pool->policy.wakeup_conditional && !pool->begun;
}

void wakeup_restart(const struct core *core, struct pool *pool)
{
	pool->begun = false;
	pool->wakeup_ns = 0;
	if (pool->policy.wakeup_ns != 0 && !is_dormant(pool))
		pool->wakeup_ns = core->now_ns;
}

void wakeup_adjust(const struct core *core, struct pool *pool)
{
	uint64_t next_ns = core->now_ns + pool->policy.wakeup_ns;

	if (pool->policy.wakeup_ns == 0 || is_dormant(pool))
		pool->wakeup_ns = 0;
	else if (pool->wakeup_ns == 0 || pool->wakeup_ns > next_ns)
		pool->wakeup_ns = next_ns;
}

void wakeup_started(const struct core *core, struct pool *pool)
{
	if (is_dormant(pool) && pool->policy.wakeup_ns != 0)
		pool->wakeup_ns = core->now_ns;
	pool->begun = true;
}

void wakeup_time(struct core *core, struct pool *pool)
{
	if (pool->wakeup_ns == 0 || core->now_ns < pool->wakeup_ns)
		return;
	/* However late it is, it comes once (a stopped master, a long gap). */
	pool->wakeup_ns = core->now_ns + pool->policy.wakeup_ns;
	if (!backoff_pauses(pool, core->now_ns))
		core_ask(core, ACTION_WAKE, core_service_of(core, pool));
}
