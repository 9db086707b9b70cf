/* SPDX-License-Identifier: MIT */
#include "core/slots.h"

#include <stddef.h>

#include "core/guest.h"
#include "core/pool.h"
#include "core/retire.h"
#include "core/settle.h"
#include "core/state.h"

/*
 * Taken for ready, but never heard of, while clients of its own wait: as likely
 * as not it is still starting, and they would wait for ever if each of its kind
 * had to go before it was up. (One that is silent for too long is suspect.)
 */
static bool is_coming(const struct pool *pool, const struct worker *worker)
{
	return pool->depth > 0 && !worker->spoke && !worker->suspect;
}

/* The newest that can be spared: it is the coldest (MECHANISMS B14). */
static struct worker *spare_of(struct core *core, const struct pool *pool)
{
	uint32_t slot = pool->first;

	for (; slot != NO_SLOT; slot = core->workers[slot].next)
		if (core->workers[slot].state == WORKER_READY &&
			!is_coming(pool, &core->workers[slot]))
			return &core->workers[slot];
	return NULL;
}

/* Of the service that has most idle ones. */
static struct worker *find_spare(struct core *core)
{
	struct worker *found = NULL;
	uint32_t most = 0;

	for (uint32_t i = 0; i < core->pools_high; i++) {
		const struct pool *pool = &core->pools[i];
		struct worker *spare;

		if (pool->state != POOL_UP || pool->count[WORKER_READY] <= most)
			continue;
		spare = spare_of(core, pool);
		if (spare == NULL)
			continue;
		found = spare;
		most = pool->count[WORKER_READY];
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

static void feed_all(struct core *core)
{
	for (uint32_t i = 0; i < core->pools_high; i++) {
		if (!core->pools[i].starved)
			continue;
		pool_starve(core, &core->pools[i], false);
		pool_settle(core, &core->pools[i]);
	}
}

void slots_give(struct core *core)
{
	struct worker *spare;

	if (core->starved_n == 0)
		return;
	if (pool_slots(core) > 0) {
		feed_all(core);
		return;
	}
	if (core->reclaimed_n > 0)
		return;
	/* A mold only saves time; a worker serves. */
	spare = guest_spare(core);
	if (spare == NULL && core->ready_n > 0)
		spare = find_spare(core);
	if (spare != NULL)
		reclaim(core, spare);
}
