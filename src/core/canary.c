/* SPDX-License-Identifier: MIT */
#include "core/canary.h"

#include <assert.h>

#include "core/backoff.h"
#include "core/pool.h"
#include "core/reload.h"
#include "core/retire.h"
#include "core/save.h"

#define ANSWER_NS NS_PER_S /* a look unanswered: go by what is known */
#define AGAIN_NS NS_PER_S  /* no room for a canary: try again */

/*
 * One that is to be alone stays so; stress makes all workers anew; and what is
 * only on its way into force is nothing to go back to.
 */
bool canary_can(const struct pool *pool)
{
	return pool->state == POOL_UP && pool->policy.process_limit != 1 &&
	       pool->policy.stress_time_ns == 0 &&
	       pool->row_policy.stress_time_ns == 0 &&
	       pool->row_policy.canary != 0 && !pool->roll.on;
}

uint32_t canary_share(const struct pool *pool)
{
	const struct canary *canary = &pool->canary;
	uint64_t part = (uint64_t)pool_live(pool) * canary->policy.canary / 100;

	if (!canary->runs)
		return 0;
	if (!canary->policy.canary_percent)
		return canary->policy.canary;
	return part > 0 ? (uint32_t)part : 1;
}

/* Nobody of the others has to make room for them; one scaled to 1 is alone. */
static uint32_t over_most(const struct pool *pool)
{
	if (pool->policy.process_limit == 1)
		return 0;
	return pool->policy.surge > 0 ? pool->policy.surge : 1;
}

uint32_t canary_over(const struct pool *pool)
{
	uint32_t most = over_most(pool);

	return pool->canary.n < most ? pool->canary.n : most;
}

const struct policy *canary_policy(
	const struct core *core, const struct worker *worker)
{
	const struct pool *pool = &core->pools[worker->service];

	return worker->canary ? &pool->canary.policy : &pool->policy;
}

/* ---- beginning and end ---------------------------------------------------------- */

/* Those of the row in force are younger than any canary from now on. */
static void renew(struct core *core, const struct pool *pool, uint32_t slot)
{
	for (; slot != NO_SLOT; slot = core->workers[slot].next) {
		struct worker *worker = &core->workers[slot];

		if (!worker->canary && worker->epoch == pool->epoch)
			worker->epoch += 2;
		worker->canary = false;
	}
}

void canary_drop(struct core *core, struct pool *pool)
{
	struct canary *canary = &pool->canary;

	if (!canary->runs)
		return;
	renew(core, pool, pool->first);
	renew(core, pool, pool->guests);
	pool->epoch += 2;
	pool->old_n += canary->n;
	canary->n = 0;
	canary->runs = false;
	if (canary->verdict == VERDICT_NONE)
		canary->verdict = VERDICT_WITHDRAWN;
}

/* None of them is any other's, so they leave as after a reload. */
static void retire_all(struct core *core, struct pool *pool)
{
	uint32_t slot = pool->first;

	while (slot != NO_SLOT) {
		struct worker *worker = &core->workers[slot];

		slot = worker->next;
		if (worker->canary && worker->state != WORKER_RETIRING)
			worker_retire(core, worker, pool->policy.drain_time_ns);
	}
	canary_drop(core, pool);
}

void canary_withdraw(struct core *core, struct pool *pool)
{
	if (!pool->canary.runs)
		return;
	pool->canary.verdict = VERDICT_WITHDRAWN;
	retire_all(core, pool);
}

void canary_begin(struct core *core, struct pool *pool)
{
	const struct policy *policy = &pool->row_policy;

	assert(pool->state == POOL_UP);
	canary_withdraw(core, pool);
	pool->canary = (struct canary){
		.runs = true,
		.policy = *policy,
		.until_ns = core->now_ns + policy->canary_time_ns,
	};
}

void canary_adjust(struct core *core, struct pool *pool)
{
	struct canary *canary = &pool->canary;
	uint64_t begun_ns = canary->until_ns - canary->policy.canary_time_ns;

	assert(canary->runs);
	(void)core;
	canary->policy = pool->row_policy;
	canary->until_ns = begun_ns + canary->policy.canary_time_ns;
}

/* They are of the epoch that begins now. */
static void promote(struct core *core, struct pool *pool)
{
	uint32_t slot;

	pool->canary.verdict = VERDICT_GOOD;
	pool->canary.runs = false;
	pool->row_policy = pool->canary.policy;
	core_ask(core, ACTION_PROMOTE, core_service_of(core, pool));
	pool_reserve(core, pool, pool->row_policy.share);
	reload_promote(core, pool);
	pool->canary.n = 0;
	for (slot = pool->first; slot != NO_SLOT;
		slot = core->workers[slot].next)
		core->workers[slot].canary = false;
}

static void roll_back(
	struct core *core, struct pool *pool, enum verdict verdict)
{
	struct canary *canary = &pool->canary;

	canary->verdict = verdict;
	actions_push(
		&core->actions, (struct action){.kind = ACTION_ROLLBACK,
					.service = core_service_of(core, pool),
					.slot = canary->slot,
					.serial = canary->serial,
					.number = verdict});
	retire_all(core, pool);
}

void canary_lost(struct core *core, struct pool *pool)
{
	if (pool->canary.runs)
		roll_back(core, pool, VERDICT_LOST);
}

/* ---- what is seen of them ------------------------------------------------------- */

void canary_served(
	struct core *core, const struct worker *worker, uint32_t clients)
{
	struct canary *canary = &core->pools[worker->service].canary;

	if (worker->canary)
		canary->served += clients > 0 ? clients : 1;
}

/* For each of them more went wrong than for each of the others. */
static bool is_worse(const struct pool *pool)
{
	const struct canary *canary = &pool->canary;
	uint64_t canaries = canary->n > 0 ? canary->n : 1;
	uint64_t others = pool_live(pool) - canary->n;

	if (others == 0)
		others = 1; /* the last of them may have just died */
	return canary->faults * others > canary->others_faults * canaries;
}

bool canary_failed(struct core *core, const struct worker *worker,
	enum verdict verdict, const struct failure *failure)
{
	struct pool *pool = &core->pools[worker->service];
	struct canary *canary = &pool->canary;

	if (!canary->runs || failure->temporary)
		return false;
	if (!worker->canary) {
		canary->others_faults++;
		return false;
	}
	canary->faults++;
	if (canary->failed != VERDICT_NONE || !is_worse(pool))
		return canary->failed != VERDICT_NONE;
	canary->failed = verdict;
	canary->slot = core_slot_of(core, worker);
	canary->serial = worker->serial;
	canary->cause = failure->cause;
	canary->stage = failure->stage;
	canary->error = failure->error;
	canary->code = failure->code;
	canary->signal = failure->signal;
	return true;
}

/* ---- the verdict ---------------------------------------------------------------- */

static void judge(struct core *core, struct pool *pool)
{
	if (pool->canary.served < pool->canary.policy.canary_min)
		roll_back(core, pool, VERDICT_FEW);
	else
		promote(core, pool);
}

void canary_looked(struct core *core, struct pool *pool)
{
	if (pool->canary.runs && pool->canary.asked_ns != 0 &&
		pool->canary.failed == VERDICT_NONE)
		judge(core, pool);
}

/* Who has served without a word is found out by looking. */
void canary_time(struct core *core, struct pool *pool)
{
	struct canary *canary = &pool->canary;

	if (!canary->runs || core->now_ns < canary->until_ns)
		return;
	if (canary->asked_ns == 0) {
		canary->asked_ns = core->now_ns;
		core_ask(core, ACTION_LOOK, core_service_of(core, pool));
	} else if (core->now_ns >= canary->asked_ns + ANSWER_NS) {
		judge(core, pool);
	}
}

/* One more of them fits, beside all others. */
static bool has_room(const struct core *core, const struct pool *pool)
{
	uint64_t limit = pool->policy.process_limit;
	uint32_t over = pool->canary.n + 1;
	uint64_t surge = pool->count[WORKER_RETIRING];

	if (core->starved_n > 0 || pool_slots(core, pool) == 0)
		return false;
	if (limit < 2)
		return limit == 0;
	if (over > over_most(pool))
		over = over_most(pool);
	limit += surge < pool->policy.surge ? surge : pool->policy.surge;
	return pool_total(pool) < limit + over;
}

static bool is_missing(const struct pool *pool)
{
	return pool->canary.asked_ns == 0 &&
	       pool->canary.n < canary_share(pool);
}

void canary_settle(struct core *core, struct pool *pool)
{
	struct canary *canary = &pool->canary;

	if (canary->runs && canary->failed != VERDICT_NONE)
		roll_back(core, pool, canary->failed);
	while (canary->runs && is_missing(pool) && has_room(core, pool) &&
		backoff_allows(pool, core->now_ns))
		pool_start_canary(core, pool);
}

uint64_t canary_deadline(const struct core *core, const struct pool *pool)
{
	const struct canary *canary = &pool->canary;
	uint64_t at_ns = canary->until_ns;

	if (!canary->runs)
		return DEADLINE_NONE;
	if (canary->asked_ns != 0)
		return canary->asked_ns + ANSWER_NS;
	if (!is_missing(pool))
		return at_ns;
	if (!backoff_allows(pool, core->now_ns) &&
		backoff_until(pool, core->now_ns) > core->now_ns)
		return deadline_earlier(
			at_ns, backoff_until(pool, core->now_ns));
	return deadline_earlier(at_ns, core->now_ns + AGAIN_NS);
}

void core_end_trials(struct core *core)
{
	for (uint32_t i = 0; i < core->pools_high; i++) {
		if (!core->pools[i].canary.runs)
			continue;
		core->pools[i].canary.failed = VERDICT_LOST;
		deadline_set(&core->deadlines, i, core->now_ns);
	}
}
