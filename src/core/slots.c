/* SPDX-License-Identifier: MIT */
#include "core/slots.h"

#include <stddef.h>

#include "core/guest.h"
#include "core/pool.h"
#include "core/retire.h"
#include "core/settle.h"
#include "core/spare.h"
#include "core/state.h"

/* The newest that can be spared: it is the coldest (MECHANISMS B14). */
static struct worker *spare_of(struct core *core, const struct pool *pool)
{
	struct worker *found = NULL;
	uint32_t slot = pool->first;

	for (; slot != NO_SLOT; slot = core->workers[slot].next) {
		struct worker *worker = &core->workers[slot];

		if (worker->state != WORKER_READY || pool_awaits(pool, worker))
			continue;
		/* One that a roll is about to replace is missed least. */
		if (pool->old_n == 0 || pool_is_old(pool, worker))
			return worker;
		if (found == NULL)
			found = worker;
	}
	return found;
}

/* Whoever has more idle ones than spare_min is asked before all others. */
static uint32_t rank_of(const struct core *core, const struct pool *pool)
{
	uint32_t ready = pool->count[WORKER_READY];
	uint32_t live = pool_live(pool);

	if (pool->state != POOL_UP || live <= pool->share)
		return 0;
	return ready > pool->policy.spare_min ? ready + core->limits.workers_max
					      : ready;
}

/* Of the service that has most idle ones, and more than its share. */
static struct worker *find_spare(struct core *core)
{
	struct worker *found = NULL;
	uint32_t most = 0;

	for (uint32_t i = 0; i < core->pools_high; i++) {
		const struct pool *pool = &core->pools[i];
		uint32_t rank = rank_of(core, pool);
		struct worker *spare;

		if (rank <= most)
			continue;
		spare = spare_of(core, pool);
		if (spare == NULL)
			continue;
		found = spare;
		most = rank;
	}
	return found;
}

static void reclaim(struct core *core, struct worker *worker)
{
	struct pool *pool = &core->pools[worker->service];

	worker->reclaimed = true;
	core->reclaimed_n++;
	worker_retire(core, worker, pool->policy.drain_time_ns);
	pool_settle(core, pool);
}

/* Their watch tells whether a client is still there. */
static void feed_starved(struct core *core)
{
	for (uint32_t i = 0; i < core->pools_high; i++) {
		struct pool *pool = &core->pools[i];

		if (!pool->starved || pool_slots(core, pool) == 0)
			continue;
		pool_starve(core, pool, false);
		pool_settle(core, pool);
	}
}

/* Spares come last: if clients were waiting, not at once. */
static void feed_lacking(struct core *core, bool later)
{
	for (uint32_t i = 0; i < core->pools_high; i++) {
		struct pool *pool = &core->pools[i];

		if (!pool->lacking)
			continue;
		if (later && pool->deficit == 0)
			spare_wait(core, pool);
		pool_settle(core, pool);
	}
}

static void feed(struct core *core)
{
	bool waited = core->starved_n > 0;

	core->freed = false;
	if (waited)
		feed_starved(core);
	if (core->lacking_n > 0)
		feed_lacking(core, waited);
}

void slots_give(struct core *core)
{
	struct worker *spare;

	if (core->freed)
		feed(core);
	if (core->starved_n == 0 || core->reclaimed_n > 0)
		return;
	/* A mold only saves time; a worker serves. */
	spare = guest_spare(core);
	if (spare == NULL && core->ready_n > 0)
		spare = find_spare(core);
	if (spare != NULL)
		reclaim(core, spare);
}
