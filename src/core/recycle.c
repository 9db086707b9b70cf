/* SPDX-License-Identifier: MIT */
#include "core/recycle.h"

#include <assert.h>
#include <stddef.h>

#include "core/backoff.h"
#include "core/pool.h"
#include "core/retire.h"

#define FOREVER_NS DEADLINE_NONE
#define ANSWER_NS NS_PER_S	/* a look unanswered: ask again */
#define CALM_NS (10 * NS_PER_S) /* no client for so long: it is calm */

void recycle_wear(
	struct core *core, const struct worker *worker, enum wear wear)
{
	uint32_t slot = core_slot_of(core, worker);

	assert(wear != WEAR_NONE && worker->state != WORKER_RETIRING);
	if (worker->wear != WEAR_NONE)
		return;
	core->workers[slot].wear = wear;
	core->pools[worker->service].worn++;
}

/* The one with this serial, if it is there and nobody asked it to leave. */
static struct worker *staying(
	const struct core *core, uint32_t slot, uint32_t serial)
{
	struct worker *worker = &core->workers[slot];

	return serial != 0 && worker->state != WORKER_FREE &&
			       worker->serial == serial &&
			       worker->state != WORKER_RETIRING
		       ? worker
		       : NULL;
}

/*
 * The oldest that is idle, or else the oldest: those with a client leave when
 * it is done. One that cannot be heard cannot be asked, a suspect is the
 * lease's, and one that is awaited shall have come first.
 */
static struct worker *next_of(struct core *core, const struct pool *pool)
{
	struct worker *found = NULL;
	uint32_t slot = pool->first;

	for (; slot != NO_SLOT; slot = core->workers[slot].next) {
		struct worker *worker = &core->workers[slot];
		bool idle = worker->state == WORKER_READY;

		if (worker->wear == WEAR_NONE || worker->mute ||
			worker->suspect || pool_awaits(pool, worker) ||
			(!idle && worker->state != WORKER_TAKEN))
			continue;
		if (found == NULL || idle || found->state != WORKER_READY)
			found = worker;
	}
	return found;
}

/*
 * Would it be missed? Where clients came lately all are what that took, even if
 * they are idle at this moment; and elsewhere the spares are to be there.
 */
static bool is_needed(const struct core *core, const struct pool *pool,
	const struct worker *worker)
{
	uint32_t idle = pool->count[WORKER_READY] - pool->suspects;

	if (worker->state == WORKER_READY)
		idle--;
	return pool->depth > 0 || pool->count[WORKER_TAKEN] > 0 || idle == 0 ||
	       idle < pool->policy.spare_min ||
	       core->now_ns < pool->client_ns + CALM_NS;
}

/* Room for one that comes before another goes. */
static bool has_room(const struct core *core, const struct pool *pool)
{
	uint32_t limit = pool->policy.process_limit;

	/*
	 * Others' clients may wait for a slot, and come first. And where stress
	 * is told of, one more would be the beginning of it.
	 */
	if (core->starved_n > 0 || pool->policy.stress_time_ns != 0)
		return false;
	if (pool_slots(core, pool) == 0)
		return false;
	if (pool_limit_room(pool) > 0)
		return true;
	return pool->policy.replace_first && limit != 1 &&
	       pool_total(pool) <= limit;
}

/*
 * Its client is served to its end, and so is one that it may take before it
 * hears us: so long it has, and no signal before.
 */
static uint64_t patience_ns(const struct pool *pool)
{
	uint64_t limit_ns = pool->policy.request_time_ns;

	return limit_ns != 0 && limit_ns < FOREVER_NS / 2 ? 2 * limit_ns
							  : FOREVER_NS;
}

static void ask(struct core *core, struct pool *pool, struct worker *worker)
{
	struct recycle *token = &pool->recycle;

	token->phase = RECYCLE_LEAVING;
	token->slot = core_slot_of(core, worker);
	token->serial = worker->serial;
	pool->recycled++;
	pool->recycled_for[worker->wear]++;
	worker_retire(core, worker, patience_ns(pool));
}

/* Up by its own word; or it has been running for as long as that takes. */
static uint64_t up_ns(const struct pool *pool, const struct worker *worker)
{
	if (worker->suspect || worker->state == WORKER_STARTING)
		return DEADLINE_NONE;
	return worker->spoke ? 0 : worker->executed_ns + pool->start_time_ns;
}

static void start_another(
	struct core *core, struct pool *pool, const struct worker *worn)
{
	struct recycle *token = &pool->recycle;

	token->slot = core_slot_of(core, worn);
	token->serial = worn->serial;
	pool_replace(core, pool);
	token->phase = RECYCLE_STARTING;
	token->new_slot = pool->first;
	token->new_serial = core->workers[pool->first].serial;
}

/* What has become of the one that was started? */
static void while_starting(struct core *core, struct pool *pool)
{
	struct recycle *token = &pool->recycle;
	struct worker *worn = staying(core, token->slot, token->serial);
	const struct worker *fresh =
		staying(core, token->new_slot, token->new_serial);

	if (worn == NULL || fresh == NULL)
		*token = (struct recycle){.phase = RECYCLE_NONE};
	else if (up_ns(pool, fresh) <= core->now_ns)
		ask(core, pool, worn);
}

/*
 * The next one may go when this one has gone; or at once, if it was replaced
 * and is not over the limit.
 */
static void while_leaving(const struct core *core, struct pool *pool)
{
	struct recycle *token = &pool->recycle;
	const struct worker *worn = &core->workers[token->slot];
	uint32_t limit = pool->policy.process_limit;
	bool gone = worn->state == WORKER_FREE || worn->serial != token->serial;
	bool fits = limit == 0 || pool_total(pool) <= limit;

	if (gone || (token->new_serial != 0 && fits))
		*token = (struct recycle){.phase = RECYCLE_NONE};
}

static void replace(struct core *core, struct pool *pool, struct worker *worn)
{
	if (!backoff_allows(pool, core->now_ns))
		return;
	if (has_room(core, pool))
		start_another(core, pool, worn);
	else if (pool->count[WORKER_RETIRING] == 0)
		ask(core, pool, worn);
}

/* Who seems idle may be so no more: the shell looks first. */
static void begin(struct core *core, struct pool *pool)
{
	struct recycle *token = &pool->recycle;
	struct worker *worn = next_of(core, pool);

	if (worn == NULL)
		return;
	if (is_needed(core, pool, worn)) {
		replace(core, pool, worn);
		return;
	}
	token->phase = RECYCLE_LOOKING;
	token->look_ns = core->now_ns + ANSWER_NS;
	core_ask(core, ACTION_LOOK, core_service_of(core, pool));
}

void recycle_looked(struct core *core, struct pool *pool)
{
	struct worker *worn;

	if (pool->recycle.phase != RECYCLE_LOOKING)
		return;
	pool->recycle.phase = RECYCLE_NONE;
	worn = next_of(core, pool);
	if (worn != NULL && !is_needed(core, pool, worn))
		ask(core, pool, worn);
}

void recycle_settle(struct core *core, struct pool *pool)
{
	if (pool->recycle.phase == RECYCLE_LOOKING &&
		core->now_ns >= pool->recycle.look_ns)
		pool->recycle.phase = RECYCLE_NONE;
	if (pool->recycle.phase == RECYCLE_STARTING)
		while_starting(core, pool);
	if (pool->recycle.phase == RECYCLE_LEAVING)
		while_leaving(core, pool);
	/* A roll replaces all that are worn, and those that come are new. */
	if (pool->recycle.phase == RECYCLE_NONE && pool->worn > 0 &&
		pool->old_n == 0)
		begin(core, pool);
}

uint32_t recycle_over(const struct pool *pool)
{
	return pool->recycle.phase == RECYCLE_STARTING ? 1 : 0;
}

uint64_t recycle_deadline(const struct core *core, const struct pool *pool)
{
	const struct recycle *token = &pool->recycle;
	const struct worker *fresh;

	/* A pause ends by itself; what else keeps a start off is an event. */
	if (token->phase == RECYCLE_NONE && pool->worn > 0 &&
		pool->old_n == 0 &&
		backoff_until(pool, core->now_ns) > core->now_ns)
		return backoff_until(pool, core->now_ns);
	if (token->phase == RECYCLE_LOOKING)
		return token->look_ns;
	if (token->phase != RECYCLE_STARTING)
		return DEADLINE_NONE;
	fresh = staying(core, token->new_slot, token->new_serial);
	return fresh != NULL ? up_ns(pool, fresh) : DEADLINE_NONE;
}
