/* SPDX-License-Identifier: MIT */
#include "core/settle.h"

#include <assert.h>
#include <stddef.h>

#include "core/backoff.h"
#include "core/bounce.h"
#include "core/canary.h"
#include "core/due.h"
#include "core/deadline.h"
#include "core/lease.h"
#include "core/mold.h"
#include "core/pool.h"
#include "core/recycle.h"
#include "core/retire.h"
#include "core/roll.h"
#include "core/spare.h"
#include "core/wakeup.h"

/* The limit was lowered: the newest idle ones go, the taken when free. */
static void trim(struct core *core, struct pool *pool)
{
	uint32_t limit = pool->policy.process_limit;
	uint32_t live = pool_live(pool);

	if (limit == 0)
		return;
	limit += recycle_over(pool) + canary_over(pool);
	/* Surge is for old ones, and goes with them. */
	while (live > limit + pool_over(pool)) {
		struct worker *worker = roll_coldest(core, pool);

		if (worker == NULL)
			return;
		worker_retire(core, worker, pool->policy.drain_time_ns);
		live--;
	}
}

/* All are taken, and there may be no more. */
static bool is_at_limit(const struct pool *pool)
{
	return pool->state == POOL_UP && pool->policy.process_limit > 0 &&
	       pool_available(pool) == 0 && pool_limit_room(pool) == 0;
}

static void count_limit(const struct core *core, struct pool *pool)
{
	bool now = is_at_limit(pool);
	bool before = pool->limit_since_ns != 0;

	if (now == before)
		return;
	if (before)
		pool->limit_ns += core->now_ns - pool->limit_since_ns;
	else
		pool->limit_hits++;
	pool->limit_since_ns = now ? core->now_ns : 0;
}

/* Where stress is told of, this is told no more often. */
static uint64_t limit_notice_ns(const struct pool *pool)
{
	uint64_t stress_ns = pool->policy.stress_time_ns;

	return stress_ns != 0 ? stress_ns : POOL_LIMIT_NOTICE_NS;
}

static void say_limit(struct core *core, struct pool *pool)
{
	if (pool->policy.process_limit < 2 || !is_at_limit(pool))
		return;
	if (pool->limit_told_ns != 0 && core->now_ns < pool->limit_told_ns)
		return;
	pool->limit_told_ns = core->now_ns + limit_notice_ns(pool);
	core_notice(core, NOTICE_AT_LIMIT, core_service_of(core, pool), NULL,
		pool->policy.process_limit);
}

static void move_watch(struct core *core, struct pool *pool, bool want)
{
	if (pool->watching == want)
		return;
	pool->watching = want;
	core_ask(core, want ? ACTION_WATCH : ACTION_IGNORE,
		core_service_of(core, pool));
}

/* It has no workers, or they are to leave; clients may wait, or may not. */
static void settle_resting(struct core *core, struct pool *pool)
{
	uint32_t service = core_service_of(core, pool);

	pool->pace.held = false;
	spare_stop(core, pool);
	move_watch(core, pool, false);
	pool_starve(core, pool, false);
	deadline_set(&core->deadlines, service, DEADLINE_NONE);
}

/* A removed service closes when its last worker is gone; so does the whole. */
static void settle_leaving(struct core *core, struct pool *pool)
{
	uint32_t service = core_service_of(core, pool);

	settle_resting(core, pool);
	if (pool->state == POOL_DRAINED)
		return;
	if (pool_total(pool) > 0 || pool->guests_n > 0)
		return;
	core_ask(core, ACTION_CLOSE, service);
	*pool = (struct pool){.state = POOL_FREE,
		.row = pool->row,
		.row_trial = pool->row_trial,
		.row_change = pool->row_change,
		.row_policy = pool->row_policy};
}

static void set_pool_deadline(struct core *core, struct pool *pool)
{
	uint64_t at_ns = deadline_earlier(
		lease_deadline(core, pool), mold_deadline(core, pool));

	at_ns = deadline_earlier(at_ns, spare_deadline(core, pool));
	at_ns = deadline_earlier(at_ns, bounce_deadline(core, pool));
	at_ns = deadline_earlier(at_ns, canary_deadline(core, pool));

	if (pool->look_ns != 0)
		at_ns = deadline_earlier(at_ns, pool->look_ns);
	if (pool->taken_look_ns != 0)
		at_ns = deadline_earlier(at_ns, pool->taken_look_ns);
	at_ns = deadline_earlier(at_ns, recycle_deadline(core, pool));
	if (pool->roll.next_ns != 0)
		at_ns = deadline_earlier(at_ns, pool->roll.next_ns);
	if (pool->wakeup_ns != 0)
		at_ns = deadline_earlier(at_ns, pool->wakeup_ns);
	/* A pause matters only to a pool that would watch but for it. */
	if (pool_available(pool) == 0 && pool_limit_room(pool) > 0 &&
		!backoff_allows(pool, core->now_ns))
		at_ns = deadline_earlier(
			at_ns, backoff_until(pool, core->now_ns));
	deadline_set(&core->deadlines, core_service_of(core, pool), at_ns);
}

void pool_settle(struct core *core, struct pool *pool)
{
	if (pool->state == POOL_FREE)
		return;
	if (pool->state != POOL_UP) {
		count_limit(core, pool);
		settle_leaving(core, pool);
		return;
	}
	canary_settle(core, pool);
	recycle_settle(core, pool);
	trim(core, pool);
	roll_settle(core, pool);
	due_settle(core, pool);
	spare_settle(core, pool);
	count_limit(core, pool);
	say_limit(core, pool);
	lease_settle(core, pool);
	mold_settle(core, pool);
	bounce_settle(core, pool);
	move_watch(core, pool,
		lease_wants_watch(core, pool) ||
			bounce_wants_watch(core, pool));
	set_pool_deadline(core, pool);
}

void pool_time(struct core *core, struct pool *pool)
{
	if (pool->state == POOL_UP) {
		wakeup_time(core, pool);
		lease_time(core, pool);
		due_look(core, pool);
		spare_time(core, pool);
		canary_time(core, pool);
	}
	pool_settle(core, pool);
}
