/* SPDX-License-Identifier: MIT */
#include "core/spare.h"

#include <stddef.h>

#include "core/backoff.h"
#include "core/deadline.h"
#include "core/lease.h"
#include "core/pool.h"
#include "core/retire.h"
#include "core/roll.h"

#define EXCESS_NS NS_PER_S /* that many over spare_max, and they go */
#define ANSWER_NS NS_PER_S /* a look unanswered: ask again */
#define WAIT_NS NS_PER_S   /* others needed the slot */

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* ---- enough of them -------------------------------------------------------- */

/*
 * The last one below a limit that is told of as stress is for a client: idle
 * workers are no load.
 */
static uint32_t limit_room(const struct pool *pool)
{
	uint32_t room = pool_limit_room(pool);

	if (pool->policy.stress_time_ns != 0 &&
		pool->policy.process_limit != 0 && room > 0)
		room--;
	return room;
}

uint32_t spare_missing(const struct pool *pool)
{
	uint32_t kept =
		pool->count[WORKER_READY] + pool->count[WORKER_STARTING];
	uint32_t least = pool->policy.spare_min;

	return kept < least ? smaller(least - kept, limit_room(pool)) : 0;
}

/*
 * After a failure one at a time is tried, as ever; and with spares nobody waits
 * for the next one, so this one first shows that it does not fail as well.
 */
uint64_t spare_from(const struct core *core, const struct pool *pool)
{
	const struct worker *newest;
	uint64_t at_ns;

	if (pool->first == NO_SLOT || !backoff_is_fresh(pool, core->now_ns))
		return pool->spares_ns;
	newest = &core->workers[pool->first];
	if (newest->spoke || newest->asked)
		return pool->spares_ns;
	at_ns = deadline_earlier(
		newest->started_ns + pool->policy.quick_exit_ns,
		backoff_fresh_until(pool));
	return at_ns > pool->spares_ns ? at_ns : pool->spares_ns;
}

static void set_lacking(struct core *core, struct pool *pool, bool lacking)
{
	if (pool->lacking == lacking)
		return;
	pool->lacking = lacking;
	if (lacking)
		core->lacking_n++;
	else
		core->lacking_n--;
}

static void fill(struct core *core, struct pool *pool)
{
	uint32_t want = spare_missing(pool);
	uint32_t started;

	set_lacking(core, pool, false);
	if (want == 0 || core->now_ns < spare_from(core, pool))
		return;
	if (pool_slots(core, pool) == 0) {
		set_lacking(core, pool, true);
		return;
	}
	/* Clients come before spares, but for what is its own. */
	if (core->starved_n > 0 && want > pool->deficit) {
		set_lacking(core, pool, true);
		want = pool->deficit;
	}
	started = pool_spawn(core, pool, want);
	/* More may wait than were idle, and no watch tells beside those. */
	if (started > 0 && pool->count[WORKER_READY] == 0 &&
		pool->count[WORKER_TAKEN] > 0 && pool->look_ns == 0)
		lease_look_soon(core, pool);
	if (started < want && pool_slots(core, pool) == 0)
		set_lacking(core, pool, true);
}

void spare_wait(struct core *core, struct pool *pool)
{
	pool->spares_ns = core->now_ns + WAIT_NS;
}

/* ---- not too many ----------------------------------------------------------- */

/* The last worker of all leaves by its own max_idle. */
static bool is_last(const struct pool *pool)
{
	return pool_live(pool) <= 1;
}

static uint32_t excess_floor(const struct pool *pool)
{
	return pool->policy.spare_max > pool->policy.spare_min
		       ? pool->policy.spare_max
		       : pool->policy.spare_min;
}

/* While more than FLOOR are idle, the lowest number of them. */
static void watch_idle(const struct core *core, struct interval *interval,
	uint32_t ready, uint32_t floor)
{
	if (ready <= floor)
		interval->since_ns = 0;
	else if (interval->since_ns == 0)
		*interval = (struct interval){core->now_ns, ready};
	else
		interval->low = smaller(interval->low, ready);
}

static uint64_t interval_end(const struct interval *interval, uint64_t time_ns)
{
	if (interval->since_ns == 0)
		return DEADLINE_NONE;
	return time_ns < DEADLINE_NONE - interval->since_ns
		       ? interval->since_ns + time_ns
		       : DEADLINE_NONE;
}

static uint64_t trim_ns(const struct pool *pool)
{
	return deadline_earlier(
		interval_end(&pool->idle, pool->policy.trim_interval_ns),
		interval_end(&pool->excess, EXCESS_NS));
}

/* Those that were idle at the end only because nobody told of their clients. */
static uint32_t count_unseen(
	const struct core *core, const struct pool *pool, uint64_t since_ns)
{
	uint32_t slot = pool->first;
	uint32_t n = 0;

	for (; slot != NO_SLOT; slot = core->workers[slot].next)
		n += core->workers[slot].state == WORKER_READY &&
		     core->workers[slot].unseen_ns > since_ns;
	return n;
}

/* The newest are the coldest (MECHANISMS B14). */
static void retire_idle(struct core *core, struct pool *pool, uint32_t n)
{
	while (n > 0 && !is_last(pool)) {
		struct worker *worker = roll_coldest(core, pool);

		if (worker == NULL)
			return;
		worker_retire(core, worker, pool->policy.drain_time_ns);
		pool->trimmed++;
		n--;
	}
}

static void end_interval(struct core *core, struct pool *pool,
	struct interval *interval, uint64_t time_ns, uint32_t floor)
{
	uint32_t ready = pool->count[WORKER_READY];
	uint32_t low = smaller(interval->low, ready);
	uint32_t unseen;

	if (interval_end(interval, time_ns) > core->now_ns)
		return;
	unseen = count_unseen(core, pool, interval->since_ns);
	low = smaller(low, ready - unseen);
	interval->since_ns = 0;
	floor += pool->canary.n;
	/* Who waits would have to wait for another to be started. */
	if (pool->depth == 0 && low > floor)
		retire_idle(core, pool, low - floor);
}

void spare_time(struct core *core, struct pool *pool)
{
	uint64_t at_ns = pool->trim_asked ? pool->trim_ask_ns : trim_ns(pool);

	if (core->now_ns < at_ns)
		return;
	pool->trim_asked = true;
	pool->trim_ask_ns = core->now_ns + ANSWER_NS;
	core_ask(core, ACTION_LOOK, core_service_of(core, pool));
}

void spare_looked(struct core *core, struct pool *pool)
{
	if (!pool->trim_asked)
		return;
	pool->trim_asked = false;
	end_interval(core, pool, &pool->excess, EXCESS_NS, excess_floor(pool));
	end_interval(core, pool, &pool->idle, pool->policy.trim_interval_ns,
		pool->policy.spare_min);
}

/* ---- both ------------------------------------------------------------------- */

void spare_settle(struct core *core, struct pool *pool)
{
	uint32_t ready = pool->count[WORKER_READY];
	bool rolls = pool->old_n > 0; /* two for one are idle then, at times */

	fill(core, pool);
	watch_idle(core, &pool->idle, ready,
		pool->policy.trim_interval_ns == 0 || is_last(pool) || rolls
			? UINT32_MAX
			: pool->policy.spare_min);
	watch_idle(core, &pool->excess, ready,
		pool->policy.spare_max == 0 || rolls ? UINT32_MAX
						     : excess_floor(pool));
	if (trim_ns(pool) == DEADLINE_NONE)
		pool->trim_asked = false;
}

void spare_stop(struct core *core, struct pool *pool)
{
	set_lacking(core, pool, false);
	pool->trim_asked = false;
	pool->idle.since_ns = pool->excess.since_ns = 0;
}

uint64_t spare_deadline(const struct core *core, const struct pool *pool)
{
	uint64_t at_ns = pool->trim_asked ? pool->trim_ask_ns : trim_ns(pool);
	uint64_t fill_ns = backoff_until(pool, core->now_ns);
	uint64_t from_ns = spare_from(core, pool);

	/* Others' clients keep off all but what is left of its own share. */
	if (spare_missing(pool) == 0 || (pool->lacking && pool->deficit == 0))
		return at_ns;
	if (fill_ns < from_ns)
		fill_ns = from_ns;
	/* Not held up by time, but by a start that is under way. */
	return fill_ns <= core->now_ns ? at_ns
				       : deadline_earlier(at_ns, fill_ns);
}
