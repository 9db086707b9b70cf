/* SPDX-License-Identifier: MIT */
#include "core/reload.h"

#include <assert.h>

#include "core/backoff.h"
#include "core/canary.h"
#include "core/due.h"
#include "core/guest.h"
#include "core/pace.h"
#include "core/pool.h"
#include "core/retire.h"
#include "core/roll.h"
#include "core/settle.h"
#include "core/wakeup.h"

#define START_TIME_FIRST_NS NS_PER_S

void reload_row(struct core *core, const struct event *event)
{
	struct pool *pool = &core->pools[event->service];

	/* Zero would mean a deadline that never moves; conf refuses it. */
	assert(event->policy.deaf_time_ns > 0);
	assert(event->policy.start_rate > 0 && event->policy.start_burst > 0);
	/* Those who leave under stress count; nobody comes in their place. */
	assert(event->policy.stress_time_ns == 0 ||
		(event->policy.surge == 0 && !event->policy.replace_first));
	pool->row = true;
	pool->row_change = event->change;
	pool->row_trial = event->trial;
	pool->row_policy = event->policy;
	if (event->service >= core->pools_high)
		core->pools_high = event->service + 1;
}

void reload_retire_old(struct core *core, struct pool *pool, uint64_t time_ns)
{
	uint32_t slot = pool->first;

	while (slot != NO_SLOT) {
		struct worker *worker = &core->workers[slot];

		slot = worker->next;
		if (worker->epoch != pool->epoch)
			worker_retire(core, worker, time_ns);
	}
	guests_retire_old(core, pool, time_ns);
	core_ask(core, ACTION_LEFTOVERS, core_service_of(core, pool));
}

static void pool_begin(struct core *core, struct pool *pool)
{
	if (pool->row_trial)
		core_ask(core, ACTION_PROMOTE, core_service_of(core, pool));
	*pool = (struct pool){
		.state = POOL_UP,
		.policy = pool->row_policy,
		.epoch = 1,
		.first = NO_SLOT,
		.guests = NO_SLOT,
		.start_time_ns = START_TIME_FIRST_NS,
		.share = pool->share,
		.deficit = pool->deficit,
	};
	wakeup_restart(core, pool);
}

/* Of the table, whether it serves or rests. */
static bool is_in_force(const struct pool *pool)
{
	return pool->state == POOL_UP || pool->state == POOL_DRAINED;
}

/* Workers know the time limits that they were started with. */
static bool limits_time(const struct policy *a, const struct policy *b)
{
	return a->request_time_ns != b->request_time_ns ||
	       a->liveness_ns != b->liveness_ns;
}

static void pool_change(struct core *core, struct pool *pool)
{
	bool was_up = pool->state == POOL_UP;
	bool replace = pool->row_change >= ROW_CHANGED || !is_in_force(pool);
	bool other = limits_time(&pool->row_policy, &pool->policy);

	pool->policy = pool->row_policy;
	if (pool->state != POOL_DRAINED)
		pool->state = POOL_UP;
	backoff_limit(core, pool);
	if (!replace) {
		wakeup_adjust(core, pool);
		due_arm_all(core, pool);
		return;
	}
	wakeup_restart(core, pool);
	pool_renew(pool);
	if (other)
		pool->timed = pool->epoch;
	pool->start_time_ns = START_TIME_FIRST_NS;
	pace_reset(pool);
	backoff_reset(pool);
	pool->mold = (struct mold){.refused = false};
	if (was_up && pool->row_change == ROW_CHANGED && roll_can(pool))
		roll_begin(core, pool);
	else
		reload_retire_old(core, pool, pool->policy.drain_time_ns);
	roll_cap(core, pool);
}

void reload_promote(struct core *core, struct pool *pool)
{
	pool->row_change = ROW_CHANGED;
	pool_change(core, pool);
}

/* It is from the row in force that it differs. */
static void promote_untried(struct core *core, struct pool *pool)
{
	core_ask(core, ACTION_PROMOTE, core_service_of(core, pool));
	pool->row_change = ROW_CHANGED;
}

/* One that can be tried changes nothing that runs, until there is a verdict. */
static void pool_adopt(struct core *core, struct pool *pool)
{
	bool fits = pool->row_trial && canary_can(pool);

	if (fits && (pool->row_change >= ROW_CHANGED || !pool->canary.runs)) {
		canary_begin(core, pool);
	} else if (fits) {
		canary_adjust(core, pool);
	} else {
		if (pool->row_trial)
			promote_untried(core, pool);
		canary_withdraw(core, pool);
		pool_change(core, pool);
	}
}

void reload_scale(struct pool *pool, const struct event *event)
{
	if (!is_in_force(pool))
		return;
	pool->policy.process_limit = event->policy.process_limit;
	pool->policy.spare_min = event->policy.spare_min;
	pool->policy.spare_max = event->policy.spare_max;
}

/* Those who are given no time need not be asked. */
static void term_all(struct core *core, struct pool *pool)
{
	uint32_t slot = pool->first;

	for (; slot != NO_SLOT; slot = core->workers[slot].next)
		worker_term(core, &core->workers[slot]);
	guests_term(core, pool);
}

static void pool_leave(struct core *core, struct pool *pool)
{
	if (!is_in_force(pool))
		return;
	pool->state = POOL_LEAVING;
	canary_drop(core, pool);
	pool_reserve(core, pool, 0);
	pool_renew(pool);
	if (pool->policy.leave_time_ns == 0)
		term_all(core, pool);
	reload_retire_old(core, pool, pool->policy.leave_time_ns);
}

static uint32_t share_of(const struct pool *pool)
{
	if (!pool->row)
		return 0;
	return pool->row_trial && canary_can(pool) ? pool->policy.share
						   : pool->row_policy.share;
}

/* Before the first of them starts anybody. */
static void reserve_all(struct core *core)
{
	for (uint32_t i = 0; i < core->pools_high; i++)
		pool_reserve(core, &core->pools[i], share_of(&core->pools[i]));
}

void reload_table(struct core *core)
{
	if (!core->stopping)
		reserve_all(core);
	for (uint32_t i = 0; i < core->pools_high; i++) {
		struct pool *pool = &core->pools[i];
		bool row = pool->row;

		pool->row = false;
		if (core->stopping)
			continue;
		if (row && pool->state == POOL_FREE)
			pool_begin(core, pool);
		else if (row)
			pool_adopt(core, pool);
		else
			pool_leave(core, pool);
		pool_settle(core, pool);
	}
}

static void stop_pool(struct core *core, struct pool *pool)
{
	if (pool->state == POOL_FREE)
		return;
	pool->state = POOL_STOPPING;
	canary_drop(core, pool);
	pool_reserve(core, pool, 0);
	pool_renew(pool);
	/* Who was asked before, with less time, keeps to that. */
	reload_retire_old(core, pool, pool->policy.stop_time_ns);
	pool_settle(core, pool);
}

void stop_begin(struct core *core)
{
	if (core->stopping)
		return;
	core->stopping = true;
	for (uint32_t i = 0; i < core->pools_high; i++)
		stop_pool(core, &core->pools[i]);
}

static void push_all(struct core *core,
	void (*push)(struct core *core, struct worker *worker))
{
	stop_begin(core);
	for (uint32_t slot = 0; slot < core->workers_high; slot++)
		if (core->workers[slot].state != WORKER_FREE)
			push(core, &core->workers[slot]);
}

void stop_hurry(struct core *core)
{
	push_all(core, worker_term);
}

void stop_now(struct core *core)
{
	push_all(core, worker_kill);
}

void reload_listener_lost(struct core *core, struct pool *pool)
{
	if (pool->state == POOL_DRAINED)
		core_ask(core, ACTION_REOPEN, core_service_of(core, pool));
	if (pool->state != POOL_UP)
		return;
	pool->watching = false;
	canary_lost(core, pool);
	pool_renew(pool);
	core_ask(core, ACTION_REOPEN, core_service_of(core, pool));
	backoff_failed(
		core, pool, (struct failure){.cause = CAUSE_LISTENER_LOST});
	reload_retire_old(core, pool, pool->policy.drain_time_ns);
}
