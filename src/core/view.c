/* SPDX-License-Identifier: MIT */
#include "core/view.h"

#include "core/backoff.h"
#include "core/bounce.h"
#include "core/mold.h"
#include "core/pool.h"
#include "core/state.h"
#include "core/stress.h"

static uint64_t throttled_ns(const struct pool *pool, uint64_t now_ns)
{
	if (pool->state != POOL_UP)
		return 0;
	return backoff_until(pool, now_ns) - now_ns;
}

static uint64_t limit_ns(const struct pool *pool, uint64_t now_ns)
{
	if (pool->limit_since_ns == 0)
		return pool->limit_ns;
	return pool->limit_ns + (now_ns - pool->limit_since_ns);
}

static uint32_t count_in(const struct core *core, uint32_t slot)
{
	uint32_t n = 0;

	for (; slot != NO_SLOT; slot = core->workers[slot].next)
		n += core->workers[slot].rung == RUNG_STUCK;
	return n;
}

/* Next to never there is one: then nothing has to be counted. */
static uint32_t count_stuck(const struct core *core, const struct pool *pool)
{
	if (core->stuck_n == 0)
		return 0;
	return count_in(core, pool->first) + count_in(core, pool->guests);
}

bool core_view_service(const struct core *core, uint32_t service,
	uint64_t now_ns, struct view_service *out)
{
	const struct pool *pool;
	const struct backoff *b;

	if (service >= core->pools_high ||
		core->pools[service].state == POOL_FREE)
		return false;
	pool = &core->pools[service];
	b = &pool->backoff;
	*out = (struct view_service){
		.state = pool->state,
		.starting = pool->count[WORKER_STARTING],
		.ready = pool->count[WORKER_READY],
		.taken = pool->count[WORKER_TAKEN],
		.retiring = pool->count[WORKER_RETIRING],
		.suspect = pool->suspects,
		.mute = pool->mutes,
		.worn = pool->worn,
		.old = pool->old_n,
		.stalled = pool->roll.on && pool->roll.stalled,
		.replaced = pool->roll.replaced,
		.roll_ns = pool->roll.on ? now_ns - pool->roll.since_ns
					 : pool->roll.took_ns,
		.total = pool_total(pool),
		.guests = pool->guests_n,
		.stuck = count_stuck(core, pool),
		.mold = mold_view(core, pool),
		.molded = pool->molded,
		.limit = pool->policy.process_limit,
		.spare_min = pool->policy.spare_min,
		.spare_max = pool->policy.spare_max,
		.share = pool->policy.share,
		.depth = pool->depth,
		.watching = pool->watching,
		.starved = pool->starved,
		.deaf = pool->deaf,
		.held = pool->pace.held,
		.stress = stress_lasts(pool, now_ns),
		.full = bounce_is_full(pool),
		.bouncing = bounce_serves(core, pool),
		.throttled_ns = throttled_ns(pool, now_ns),
		.cause = b->cause,
		.stage = b->stage,
		.error = b->error,
		.code = b->code,
		.signal = b->signal,
		.failures = pool->failures,
		.starts = pool->starts,
		.served = pool->served,
		.exits = pool->exits,
		.redundant = pool->redundant,
		.recycled = pool->recycled,
		.timeouts = pool->timeouts,
		.hangs = pool->hangs,
		.refused = pool->refused,
		.limit_hits = pool->limit_hits,
		.limit_ns = limit_ns(pool, now_ns),
		.trimmed = pool->trimmed,
		.start_time_ns = pool->start_time_ns,
		.start_cpu_ns = pool->pace.cpu_ns,
	};
	for (unsigned i = 0; i < WEARS; i++)
		out->recycled_for[i] = pool->recycled_for[i];
	return true;
}

bool core_view_trial(const struct core *core, uint32_t service, uint64_t now_ns,
	struct view_trial *out)
{
	const struct canary *canary;

	if (service >= core->pools_high ||
		core->pools[service].state == POOL_FREE)
		return false;
	canary = &core->pools[service].canary;
	*out = (struct view_trial){
		.runs = canary->runs,
		.canaries = canary->n,
		.served = canary->served,
		.least = canary->policy.canary_min,
		.verdict = canary->verdict,
		.cause = canary->cause,
		.stage = canary->stage,
		.error = canary->error,
		.code = canary->code,
		.signal = canary->signal,
	};
	if (canary->runs && canary->until_ns > now_ns)
		out->left_ns = canary->until_ns - now_ns;
	return true;
}

bool core_view_worker(const struct core *core, uint32_t slot, uint64_t now_ns,
	struct view_worker *out)
{
	const struct worker *worker;

	if (slot >= core->workers_high ||
		core->workers[slot].state == WORKER_FREE)
		return false;
	worker = &core->workers[slot];
	*out = (struct view_worker){
		.state = worker->state,
		.kind = worker->kind,
		.service = worker->service,
		.serial = worker->serial,
		.suspect = worker->suspect,
		.mute = worker->mute,
		.asked = worker->asked,
		.stuck = worker->rung == RUNG_STUCK,
		.canary = worker->canary,
		.wear = worker->wear,
		.age_ns = now_ns - worker->started_ns,
		.since_ns = now_ns - worker->since_ns,
	};
	return true;
}

uint32_t core_view_starting(
	const struct core *core, uint32_t service, uint32_t *out)
{
	const struct pool *pool;
	uint32_t slot;
	uint32_t n = 0;

	if (core->limits.cpus == 0 || service >= core->pools_high)
		return 0;
	pool = &core->pools[service];
	if (!pool->pace.held || pool->pace.cpu_ns != 0)
		return 0;
	slot = pool->first;
	for (unsigned i = 0; slot != NO_SLOT && i < VIEW_STARTING_MAX;
		i++, slot = core->workers[slot].next)
		if (core->workers[slot].state == WORKER_STARTING)
			out[n++] = slot;
	return n;
}

uint32_t core_view_workers(const struct core *core)
{
	return core->workers_n;
}
