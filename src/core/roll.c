/* SPDX-License-Identifier: MIT */
#include "core/roll.h"

#include <assert.h>
#include <stddef.h>

#include "core/backoff.h"
#include "core/guest.h"
#include "core/mold.h"
#include "core/pool.h"
#include "core/retire.h"

#define CALM_NS (10 * NS_PER_S) /* no client for so long: it is calm */
#define PAUSES_MAX 3		/* in a row, and it is stalled */
#define RETRY_NS NS_PER_S	/* no slot: look again */

/* The new ones: those that have come, and those that are awaited. */
struct tally {
	uint32_t up;
	uint32_t idle; /* of those that are up */
	uint32_t coming;
	uint64_t next_ns; /* when the next of these is up by itself */
};

bool roll_can(const struct pool *pool)
{
	const struct policy *policy = &pool->policy;

	return policy->roll_batch > 0 && policy->stress_time_ns == 0 &&
	       policy->process_limit != 1 &&
	       (policy->process_limit == 0 || policy->surge > 0);
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t batch(const struct pool *pool)
{
	uint64_t n = pool->policy.roll_batch;

	if (pool->policy.roll_percent)
		n = pool->roll.was * n / 100;
	return n == 0 ? 1 : n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

/* From when on it is taken for one that can serve. */
static uint64_t up_ns(const struct pool *pool, const struct worker *worker)
{
	if (worker->spoke)
		return 0;
	if (worker->state == WORKER_STARTING || !worker->executed ||
		pool->policy.ready_notify)
		return DEADLINE_NONE;
	return worker->executed_ns + pool->policy.roll_alive_ns;
}

/* Most are at the head of the list; but canaries came before some others. */
static struct tally count_new(const struct core *core, const struct pool *pool)
{
	struct tally tally = {.next_ns = DEADLINE_NONE};
	uint32_t slot = pool->first;

	for (; slot != NO_SLOT; slot = core->workers[slot].next) {
		const struct worker *worker = &core->workers[slot];
		uint64_t at_ns = up_ns(pool, worker);

		if (pool_is_old(pool, worker) || worker->suspect ||
			worker->state == WORKER_RETIRING)
			continue;
		if (at_ns > core->now_ns) {
			tally.coming++;
			tally.next_ns = deadline_earlier(tally.next_ns, at_ns);
			continue;
		}
		tally.up++;
		tally.idle += worker->state == WORKER_READY;
	}
	return tally;
}

/*
 * How many new ones there are to be before the last old one goes. Where clients
 * came lately all that there were are what that took; elsewhere the spares are,
 * or one that shows that it can be had.
 */
static uint32_t goal(const struct core *core, const struct pool *pool)
{
	bool calm = pool->depth == 0 && pool->count[WORKER_TAKEN] == 0 &&
		    core->now_ns >= pool->client_ns + CALM_NS;
	uint32_t n = pool->roll.was;

	if (calm)
		n = pool->policy.spare_min == 0 ? 1 : pool->policy.spare_min;
	n = smaller(n, pool->roll.was);
	if (pool->policy.process_limit != 0)
		n = smaller(n, pool->policy.process_limit);
	return n;
}

/* ---- the old ones ----------------------------------------------------------- */

/* Who starts serves nobody, who is idle is free; then who has been long at it. */
static uint32_t rank(const struct worker *worker)
{
	return worker->state == WORKER_STARTING ? 0
	       : worker->state == WORKER_READY	? 1
						: 2;
}

static struct worker *next_of(struct core *core, const struct pool *pool)
{
	struct worker *found = NULL;
	uint32_t slot = pool->first;

	for (; slot != NO_SLOT; slot = core->workers[slot].next) {
		struct worker *worker = &core->workers[slot];

		if (!pool_is_old(pool, worker) ||
			worker->state == WORKER_RETIRING)
			continue;
		if (found == NULL || rank(worker) < rank(found) ||
			(rank(worker) == 2 && rank(found) == 2 &&
				worker->since_ns < found->since_ns))
			found = worker;
		if (rank(found) == 0)
			break;
	}
	return found;
}

static void retire_old(struct core *core, struct pool *pool, uint32_t n)
{
	for (; n > 0; n--) {
		struct worker *worker = next_of(core, pool);

		assert(worker != NULL);
		worker_retire(core, worker, pool->policy.drain_time_ns);
		pool->roll.replaced++;
	}
}

struct worker *roll_coldest(struct core *core, const struct pool *pool)
{
	struct worker *found = NULL;
	struct worker *canary = NULL;
	uint32_t slot = pool->first;

	for (; slot != NO_SLOT; slot = core->workers[slot].next) {
		struct worker *worker = &core->workers[slot];

		if (worker->state != WORKER_READY)
			continue;
		if (worker->canary) {
			canary = worker;
			continue;
		}
		if (pool->old_n == 0 || pool_is_old(pool, worker))
			return worker;
		if (found == NULL)
			found = worker;
	}
	return found != NULL ? found : canary;
}

/* ---- one step --------------------------------------------------------------- */

static uint32_t old_ready(const struct core *core, const struct pool *pool)
{
	uint32_t slot = pool->first;
	uint32_t n = 0;

	for (; slot != NO_SLOT; slot = core->workers[slot].next)
		n += core->workers[slot].state == WORKER_READY &&
		     pool_is_old(pool, &core->workers[slot]);
	return n;
}

/* How many of the old ones have somebody in their place. */
static uint32_t replaced(const struct core *core, const struct pool *pool,
	const struct tally *tally)
{
	uint32_t want = goal(core, pool);
	uint32_t kept = want > tally->up ? want - tally->up : 0;

	if (tally->up == 0 || pool->old_n <= kept)
		return 0;
	return pool->old_n - kept;
}

/*
 * New ones that are missing. The last idle old one stays until a new one is
 * idle: if all of those have clients, one more is started.
 */
static uint32_t missing(const struct core *core, const struct pool *pool,
	const struct tally *tally)
{
	uint32_t want = goal(core, pool);
	uint32_t most = batch(pool);
	uint32_t n = tally->up + tally->coming;

	if (tally->coming >= most)
		return 0;
	if (n < want)
		return smaller(want - n, most - tally->coming);
	return tally->coming == 0 && tally->idle == 0 ? 1 : 0;
}

/* Somebody is on the way out, and will be gone. */
static bool is_leaving(const struct core *core, const struct pool *pool)
{
	uint32_t slot = pool->first;

	for (; slot != NO_SLOT; slot = core->workers[slot].next)
		if (core->workers[slot].state == WORKER_RETIRING &&
			core->workers[slot].rung != RUNG_STUCK)
			return true;
	return false;
}

/* Not even a slot for one more: then one old one has to go before. */
static void make_room(
	struct core *core, struct pool *pool, const struct tally *tally)
{
	if (tally->coming > 0 || is_leaving(core, pool))
		return;
	if (tally->up + pool->old_n >= goal(core, pool))
		retire_old(core, pool, 1);
	else
		pool->roll.next_ns = core->now_ns + RETRY_NS;
}

/* A mold makes them sooner: it is waited for, but no longer than it may take. */
static bool awaits_mold(const struct core *core, const struct pool *pool)
{
	return mold_view(core, pool) == VIEW_MOLD_STARTING;
}

static void start_new(
	struct core *core, struct pool *pool, const struct tally *tally)
{
	uint32_t n = missing(core, pool, tally);
	uint64_t until_ns = backoff_until(pool, core->now_ns);

	if (n == 0 || awaits_mold(core, pool))
		return;
	if (pool_room(core, pool) == 0) {
		make_room(core, pool, tally);
		return;
	}
	/* Others' clients wait for a slot, and come first. */
	if (core->starved_n > 0 && pool->deficit == 0) {
		pool->roll.next_ns = core->now_ns + RETRY_NS;
		return;
	}
	if (pool_spawn(core, pool, n) < n) {
		until_ns = backoff_until(pool, core->now_ns);
		if (until_ns > core->now_ns)
			pool->roll.next_ns = until_ns;
	}
}

/* Idle ones stay as long as no new one is: unless there can be none. */
static uint32_t may_go(const struct core *core, const struct pool *pool,
	const struct tally *tally)
{
	uint32_t n = replaced(core, pool, tally);
	uint32_t idle;

	if (n == 0 || tally->idle > 0)
		return n;
	idle = old_ready(core, pool);
	if (idle == 0 || n < idle ||
		(tally->coming == 0 && pool_room(core, pool) == 0 &&
			!is_leaving(core, pool)))
		return n;
	return idle - 1;
}

static void end(struct core *core, struct pool *pool)
{
	pool->roll.on = pool->roll.stalled = false;
	pool->roll.next_ns = 0;
	pool->roll.took_ns = core->now_ns - pool->roll.since_ns;
	core_notice(core, NOTICE_ROLLED, core_service_of(core, pool), NULL,
		pool->roll.took_ns);
	core_ask(core, ACTION_LEFTOVERS, core_service_of(core, pool));
	roll_cap(core, pool);
}

void roll_settle(struct core *core, struct pool *pool)
{
	struct tally tally;
	uint32_t n;

	if (!pool->roll.on)
		return;
	pool->roll.next_ns = 0;
	tally = count_new(core, pool);
	n = may_go(core, pool, &tally);
	if (n > 0) {
		retire_old(core, pool, n);
		pool->roll.pauses = 0;
		pool->roll.stalled = false;
	}
	if (pool->old_n > 0)
		start_new(core, pool, &tally);
	if (pool->old_n == 0) {
		end(core, pool);
		return;
	}
	if (tally.next_ns != DEADLINE_NONE &&
		(pool->roll.next_ns == 0 || tally.next_ns < pool->roll.next_ns))
		pool->roll.next_ns = tally.next_ns;
}

/* ---- begin and failures ----------------------------------------------------- */

/*
 * A program that does not run yet would be the new one, or none; and nothing
 * but its word tells of one that has no deadline, which need not come.
 */
static void retire_unborn(struct core *core, struct pool *pool)
{
	uint32_t slot = pool->first;

	for (; slot != NO_SLOT; slot = core->workers[slot].next) {
		struct worker *worker = &core->workers[slot];

		if (worker->state != WORKER_STARTING ||
			!pool_is_old(pool, worker) ||
			(worker->executed &&
				worker_deadline(core, worker) != DEADLINE_NONE))
			continue;
		worker_retire(core, worker, pool->policy.drain_time_ns);
		pool->roll.replaced++;
	}
}

void roll_begin(struct core *core, struct pool *pool)
{
	assert(pool->state == POOL_UP && roll_can(pool) && !pool->roll.on);
	pool->roll = (struct roll){
		.on = pool->old_n > 0,
		.was = pool->old_n,
		.since_ns = core->now_ns,
	};
	retire_unborn(core, pool);
	guests_retire_old(core, pool, pool->policy.drain_time_ns);
	core_ask(core, ACTION_LEFTOVERS, core_service_of(core, pool));
	mold_settle(core, pool);
}

void roll_paused(struct core *core, struct pool *pool)
{
	struct roll *roll = &pool->roll;

	if (!roll->on || roll->stalled || ++roll->pauses < PAUSES_MAX)
		return;
	roll->stalled = true;
	core_notice(core, NOTICE_ROLL_STALLED, core_service_of(core, pool),
		NULL, pool->old_n);
}

/* ---- generations ------------------------------------------------------------ */

/* It leaves, and was not told so by a signal. */
static bool is_asked(const struct pool *pool, const struct worker *worker)
{
	return pool_is_old(pool, worker) && worker->state == WORKER_RETIRING &&
	       worker->rung < RUNG_TERM;
}

/* How many old generations are leaving; the list has the youngest first. */
static uint32_t generations(
	const struct core *core, const struct pool *pool, uint32_t *out_oldest)
{
	uint32_t slot = pool->first;
	uint32_t n = 0;

	for (; slot != NO_SLOT; slot = core->workers[slot].next) {
		const struct worker *worker = &core->workers[slot];

		if (!is_asked(pool, worker) ||
			(n > 0 && worker->epoch == *out_oldest))
			continue;
		*out_oldest = worker->epoch;
		n++;
	}
	return n;
}

void roll_cap(struct core *core, struct pool *pool)
{
	uint32_t max = pool->policy.generations_max;
	uint32_t oldest = 0;

	while (max > 0 && generations(core, pool, &oldest) > max) {
		uint32_t slot = pool->first;

		for (; slot != NO_SLOT; slot = core->workers[slot].next) {
			struct worker *worker = &core->workers[slot];

			if (worker->epoch == oldest && is_asked(pool, worker))
				worker_term(core, worker);
		}
	}
}

/* ---- audit ------------------------------------------------------------------ */

const char *roll_audit(
	const struct core *core, const struct pool *pool, uint64_t now_ns)
{
	uint64_t at_ns =
		deadline_get(&core->deadlines, core_service_of(core, pool));
	struct tally tally;

	if (!pool->roll.on)
		return NULL;
	if (pool->old_n == 0)
		return "I50: a roll without old workers goes on";
	if (pool->roll.next_ns != 0 && at_ns > pool->roll.next_ns)
		return "I50: a roll without its timer";
	tally = count_new(core, pool);
	if (at_ns <= now_ns || tally.coming > 0 || is_leaving(core, pool) ||
		awaits_mold(core, pool))
		return NULL;
	/* A start that failures keep off waits for the one under way. */
	if (pool->count[WORKER_STARTING] > 0)
		return NULL;
	if (may_go(core, pool, &tally) > 0)
		return "I50: an old worker could go, and is not asked";
	if (missing(core, pool, &tally) > 0 && pool->roll.next_ns == 0)
		return "I50: a roll that nothing will go on with";
	return NULL;
}
