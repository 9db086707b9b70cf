/* SPDX-License-Identifier: MIT */
#include "core/pool.h"

#include <assert.h>
#include <string.h>

#include "core/backoff.h"
#include "core/canary.h"
#include "core/due.h"
#include "core/mold.h"
#include "core/pace.h"
#include "core/stress.h"
#include "core/wakeup.h"

uint32_t pool_available(const struct pool *pool)
{
	assert(pool->suspects <= pool->count[WORKER_READY]);
	return pool->count[WORKER_READY] - pool->suspects +
	       pool->count[WORKER_STARTING];
}

uint32_t pool_total(const struct pool *pool)
{
	return pool->count[WORKER_STARTING] + pool->count[WORKER_READY] +
	       pool->count[WORKER_TAKEN] + pool->count[WORKER_RETIRING];
}

uint32_t pool_live(const struct pool *pool)
{
	return pool_total(pool) - pool->count[WORKER_RETIRING];
}

static uint32_t free_slots(const struct core *core)
{
	return core->limits.workers_max - core->workers_n;
}

uint32_t pool_slots_open(const struct core *core)
{
	uint32_t n = free_slots(core);

	return core->reserved < n ? n - (uint32_t)core->reserved : 0;
}

uint32_t pool_slots(const struct core *core, const struct pool *pool)
{
	uint32_t n = free_slots(core);
	uint64_t others = core->reserved - pool->deficit;
	uint32_t open = others < n ? n - (uint32_t)others : 0;
	uint32_t own = pool->deficit < n ? pool->deficit : n;

	return open > own ? open : own;
}

/* What is missing of its share counts as in use. */
static void share_changed(struct core *core, struct pool *pool)
{
	uint32_t total = pool_total(pool);
	uint32_t deficit = pool->share > total ? pool->share - total : 0;

	core->reserved -= pool->deficit;
	core->reserved += deficit;
	pool->deficit = deficit;
}

void pool_reserve(struct core *core, struct pool *pool, uint32_t share)
{
	pool->share = share;
	share_changed(core, pool);
	core->freed = true;
}

bool pool_awaits(const struct pool *pool, const struct worker *worker)
{
	return pool->depth > 0 && !worker->spoke && !worker->suspect;
}

/*
 * RETIRING workers count, so that a limit means processes and not hopes. Only
 * a reload may go over it, by as many as are leaving, or will when others have
 * come, and no more than surge: then the new generation need not wait for the
 * old one's last client.
 */
uint32_t pool_limit_room(const struct pool *pool)
{
	uint32_t total = pool_total(pool);
	uint32_t limit = pool->policy.process_limit;
	uint32_t surge = pool->count[WORKER_RETIRING] + pool->old_n;

	if (pool->state != POOL_UP)
		return 0;
	if (limit == 0)
		return UINT32_MAX;
	/* A lone worker is never two: whoever scaled it down means one. */
	if (limit == 1)
		return total == 0;
	if (surge > pool->policy.surge)
		surge = pool->policy.surge;
	limit += surge;
	limit += canary_over(pool);
	return total >= limit ? 0 : limit - total;
}

uint32_t pool_over(const struct pool *pool)
{
	return pool->old_n < pool->policy.surge ? pool->old_n
						: pool->policy.surge;
}

bool pool_is_old(const struct pool *pool, const struct worker *worker)
{
	return worker->epoch != pool->epoch && !worker->canary;
}

void pool_renew(struct pool *pool)
{
	pool->epoch++;
	/* Canaries are ahead of their time: it has come. */
	pool->old_n = pool_live(pool) - pool->canary.n;
	pool->roll = (struct roll){.on = false};
}

uint32_t pool_room(const struct core *core, const struct pool *pool)
{
	uint32_t room = pool_limit_room(pool);
	uint32_t slots = pool_slots(core, pool);

	return room < slots ? room : slots;
}

void pool_starve(struct core *core, struct pool *pool, bool starved)
{
	if (pool->starved == starved)
		return;
	pool->starved = starved;
	if (starved)
		core->starved_n++;
	else
		core->starved_n--;
	core->freed = core->freed || !starved;
	if (!starved || core->now_ns < pool->slots_told_ns)
		return;
	pool->slots_told_ns = core->now_ns + POOL_LIMIT_NOTICE_NS;
	core_notice(core, NOTICE_NO_SLOTS, core_service_of(core, pool), NULL,
		core->limits.workers_max);
}

void pool_trust(struct pool *pool, struct worker *worker)
{
	if (!worker->suspect)
		return;
	worker->suspect = false;
	pool->suspects--;
}

static void recount(struct core *core, struct pool *pool, struct worker *worker,
	enum worker_state state)
{
	assert(pool->count[worker->state] > 0);
	pool_trust(pool, worker);
	core->ready_n += state == WORKER_READY;
	core->ready_n -= worker->state == WORKER_READY;
	if (state == WORKER_RETIRING && worker->wear != WEAR_NONE)
		pool->worn--;
	if (state == WORKER_RETIRING && pool_is_old(pool, worker))
		pool->old_n--;
	if (state == WORKER_RETIRING && worker->canary)
		pool->canary.n--;
	pool->count[worker->state]--;
	pool->count[state]++;
}

void pool_move(
	struct core *core, struct worker *worker, enum worker_state state)
{
	struct pool *pool = &core->pools[worker->service];

	assert(worker->state != WORKER_FREE && state != WORKER_FREE);
	if (worker->state == state)
		return;
	if (worker->kind == KIND_WORKER)
		recount(core, pool, worker, state);
	if (worker->state == WORKER_STARTING)
		worker->heard_ns = core->now_ns;
	worker->state = state;
	worker->since_ns = core->now_ns;
	if (worker->kind == KIND_WORKER && state != WORKER_RETIRING)
		due_arm(core, worker);
}

static uint32_t fresh_serial(struct core *core)
{
	for (;;) {
		uint32_t serial = ++core->last_serial;
		uint32_t slot = 0;

		if (serial == 0) {
			core->serials_wrapped = true;
			continue;
		}
		if (!core->serials_wrapped)
			return serial;
		/* Once in four thousand million starts: nobody may share. */
		while (slot < core->workers_high &&
			(core->workers[slot].state == WORKER_FREE ||
				core->workers[slot].serial != serial))
			slot++;
		if (slot == core->workers_high)
			return serial;
	}
}

static struct worker *take_slot(struct core *core)
{
	struct worker *worker;

	assert(core->workers_n < core->limits.workers_max);
	if (core->workers_free != NO_SLOT) {
		worker = &core->workers[core->workers_free];
		core->workers_free = worker->next;
	} else {
		assert(core->workers_high < core->limits.workers_max);
		worker = &core->workers[core->workers_high++];
	}
	core->workers_n++;
	assert(worker->state == WORKER_FREE);
	*worker = (struct worker){.state = WORKER_STARTING};
	return worker;
}

static uint32_t *list_of(struct pool *pool, enum worker_kind kind)
{
	return kind == KIND_WORKER ? &pool->first : &pool->guests;
}

static void pool_link(
	struct core *core, struct pool *pool, struct worker *worker)
{
	uint32_t *list = list_of(pool, worker->kind);
	uint32_t slot = core_slot_of(core, worker);

	worker->prev = NO_SLOT;
	worker->next = *list;
	if (*list != NO_SLOT)
		core->workers[*list].prev = slot;
	*list = slot;
	if (worker->kind == KIND_WORKER)
		pool->count[WORKER_STARTING]++;
	else
		pool->guests_n++;
}

static void pool_unlink(
	struct core *core, struct pool *pool, const struct worker *worker)
{
	if (worker->prev != NO_SLOT)
		core->workers[worker->prev].next = worker->next;
	else
		*list_of(pool, worker->kind) = worker->next;
	if (worker->next != NO_SLOT)
		core->workers[worker->next].prev = worker->prev;
}

struct worker *pool_add(
	struct core *core, struct pool *pool, enum worker_kind kind)
{
	struct worker *worker = take_slot(core);

	worker->kind = kind;
	worker->serial = fresh_serial(core);
	worker->service = core_service_of(core, pool);
	worker->epoch = pool->epoch;
	worker->idle = true;
	worker->started_ns = worker->since_ns = core->now_ns;
	worker->heard_ns = core->now_ns;
	pool_link(core, pool, worker);
	share_changed(core, pool);
	return worker;
}

static void limit_start(struct core *core, const struct worker *worker)
{
	const struct policy *policy = canary_policy(core, worker);

	if (policy->ready_notify && policy->start_time_limit_ns != 0)
		worker_set_deadline(core, worker,
			core->now_ns + policy->start_time_limit_ns);
}

static void start(struct core *core, struct pool *pool,
	const struct worker *mold, struct worker *worker)
{
	worker->mold = mold == NULL ? 0 : mold->serial;
	limit_start(core, worker);
	pool->starts++;
	backoff_started(pool, core->now_ns);
	wakeup_started(core, pool);
	actions_push(&core->actions,
		(struct action){.kind = ACTION_SPAWN,
			.service = worker->service,
			.slot = core_slot_of(core, worker),
			.serial = worker->serial,
			.mold_slot =
				mold == NULL ? 0 : core_slot_of(core, mold),
			.mold_serial = worker->mold,
			.canary = worker->canary,
			.number = stress_lasts(pool, core->now_ns)});
}

static void start_one(struct core *core, struct pool *pool)
{
	const struct worker *mold = mold_ready(core, pool);

	start(core, pool, mold, pool_add(core, pool, KIND_WORKER));
}

void pool_start_canary(struct core *core, struct pool *pool)
{
	struct worker *worker = pool_add(core, pool, KIND_WORKER);

	worker->canary = true;
	worker->epoch++;
	pool->canary.n++;
	start(core, pool, NULL, worker);
}

uint32_t pool_spawn(struct core *core, struct pool *pool, uint32_t want)
{
	uint32_t n = pool_room(core, pool);
	uint32_t allowed = backoff_room(pool, core->now_ns);

	if (n > want)
		n = want;
	if (n > allowed)
		n = allowed;
	stress_before_start(core, pool, n);
	for (uint32_t i = 0; i < n; i++)
		start_one(core, pool);
	return n;
}

void pool_replace(struct core *core, struct pool *pool)
{
	assert(pool_slots(core, pool) > 0);
	start_one(core, pool);
}

void pool_answer(
	struct core *core, struct pool *pool, const struct event *event)
{
	uint32_t coming = pool_available(pool);
	uint32_t need = pool->depth > coming ? pool->depth - coming : 0;
	uint32_t allowed = pace_allowed(core, pool, need, event);

	if (allowed > 0)
		(void)pool_spawn(core, pool, allowed);
	/* Where nobody may be started anyway the pace holds nobody back. */
	pool->pace.held = allowed < need && pool_room(core, pool) > 0 &&
			  backoff_allows(pool, core->now_ns);
}

/* What is counted of workers alone, and not of guests. */
static void discount(
	struct core *core, struct pool *pool, struct worker *worker)
{
	if (worker->kind != KIND_WORKER) {
		pool->guests_n--;
		return;
	}
	pool_trust(pool, worker);
	if (worker->mute)
		pool->mutes--;
	if (worker->wear != WEAR_NONE && worker->state != WORKER_RETIRING)
		pool->worn--;
	if (worker->state != WORKER_RETIRING && pool_is_old(pool, worker))
		pool->old_n--;
	if (worker->canary && worker->state != WORKER_RETIRING)
		pool->canary.n--;
	if (worker->state == WORKER_READY)
		core->ready_n--;
	pool->count[worker->state]--;
}

void pool_free_worker(struct core *core, struct worker *worker)
{
	struct pool *pool = &core->pools[worker->service];
	uint32_t slot = core_slot_of(core, worker);

	assert(worker->state != WORKER_FREE);
	assert(core->workers_n > 0);
	discount(core, pool, worker);
	if (worker->rung == RUNG_STUCK)
		core->stuck_n--;
	if (worker->reclaimed)
		core->reclaimed_n--;
	pool_unlink(core, pool, worker);
	worker_set_deadline(core, worker, DEADLINE_NONE);
	worker->state = WORKER_FREE;
	worker->next = core->workers_free;
	core->workers_free = slot;
	core->workers_n--;
	core->freed = true;
	share_changed(core, pool);
}
