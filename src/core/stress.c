/* SPDX-License-Identifier: MIT */
#include "core/stress.h"

#include <assert.h>
#include <stddef.h>

#include "core/pool.h"
#include "core/reload.h"
#include "core/wakeup.h"

bool stress_lasts(const struct pool *pool, uint64_t now_ns)
{
	return pool->state == POOL_UP && pool->policy.stress_time_ns != 0 &&
	       now_ns < pool->stress_until_ns;
}

/* No surge for those who leave: a service under stress is at its limit. */
static void begin(struct core *core, struct pool *pool)
{
	assert(pool->policy.surge == 0);
	pool_renew(pool);
	wakeup_restart(core, pool);
	core_notice(core, NOTICE_STRESS, core_service_of(core, pool), NULL,
		pool->policy.stress_time_ns);
	reload_retire_old(core, pool, pool->policy.drain_time_ns);
}

void stress_before_start(struct core *core, struct pool *pool, uint32_t n)
{
	const struct policy *policy = &pool->policy;

	if (policy->stress_time_ns == 0 || policy->process_limit == 0 ||
		n == 0 || pool_total(pool) + n < policy->process_limit)
		return;
	if (!stress_lasts(pool, core->now_ns))
		begin(core, pool);
	pool->stress_until_ns = core->now_ns + policy->stress_time_ns;
}
