/* SPDX-License-Identifier: MIT */
#include "core/slots.h"

#include <assert.h>
#include <stddef.h>

#include "core/pool.h"
#include "core/retire.h"
#include "core/settle.h"
#include "core/state.h"

static struct pool *richest(struct core *core)
{
	struct pool *found = NULL;

	for (uint32_t i = 0; i < core->pools_high; i++) {
		struct pool *pool = &core->pools[i];

		if (pool->state != POOL_UP || pool->count[WORKER_READY] == 0)
			continue;
		if (found == NULL ||
			pool->count[WORKER_READY] > found->count[WORKER_READY])
			found = pool;
	}
	return found;
}

/* The newest: it is the coldest (MECHANISMS B14). */
static void reclaim(struct core *core, struct pool *pool)
{
	uint32_t slot = pool->first;

	while (slot != NO_SLOT && core->workers[slot].state != WORKER_READY)
		slot = core->workers[slot].next;
	assert(slot != NO_SLOT);
	core->workers[slot].reclaimed = true;
	core->reclaimed_n++;
	worker_retire(core, &core->workers[slot], pool->policy.drain_time_ns);
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
	struct pool *pool;

	if (core->starved_n == 0)
		return;
	if (pool_slots(core) > 0) {
		feed_all(core);
		return;
	}
	if (core->reclaimed_n > 0 || core->ready_n == 0)
		return;
	pool = richest(core);
	if (pool != NULL)
		reclaim(core, pool);
}
