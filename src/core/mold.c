/* SPDX-License-Identifier: MIT */
#include "core/mold.h"

#include <assert.h>
#include <stddef.h>

#include "core/backoff.h"
#include "core/guest.h"
#include "core/pool.h"
#include "core/retire.h"

#define FAILED_MAX 3	 /* times in a row: then it is ended */
#define REST_NS NS_PER_S /* after an order that failed */
#define PAUSE_MIN_NS NS_PER_S
#define PAUSE_MAX_NS (60 * NS_PER_S)
#define START_MAX_NS (60 * NS_PER_S) /* where start_time_limit is none */

const struct worker *mold_ready(
	const struct core *core, const struct pool *pool)
{
	const struct worker *mold = guest_find(core, pool, KIND_MOLD);

	if (mold == NULL || mold->state != WORKER_READY ||
		core->now_ns < pool->mold.rest_ns)
		return NULL;
	return mold;
}

/* Another one may do better, but not at once. */
static void pause_molds(struct core *core, struct pool *pool)
{
	uint64_t pause_ns =
		backoff_grown(pool->mold.pause_ns, PAUSE_MIN_NS, PAUSE_MAX_NS);

	pool->mold.pause_ns = pause_ns;
	pool->mold.until_ns = core->now_ns + pause_ns;
	core_notice(core, NOTICE_MOLD_FAILED, core_service_of(core, pool), NULL,
		pause_ns);
}

void mold_lost(struct core *core, const struct worker *guest)
{
	struct pool *pool = &core->pools[guest->service];

	if (pool->state != POOL_UP || guest->epoch != pool->epoch)
		return;
	/* One that was good for long is not yet known for bad. */
	if (core->now_ns - guest->started_ns > PAUSE_MAX_NS)
		pool->mold.pause_ns = 0;
	pause_molds(core, pool);
}

void mold_made(struct core *core, const struct worker *worker)
{
	struct pool *pool = &core->pools[worker->service];

	pool->molded++;
	pool->mold.failed = 0;
}

void mold_failed(struct core *core, const struct worker *worker)
{
	struct pool *pool = &core->pools[worker->service];
	struct worker *mold = guest_find(core, pool, KIND_MOLD);

	if (mold == NULL || mold->serial != worker->mold || worker->asked)
		return;
	/* All that were out when it stood still fail together: once. */
	if (core->now_ns < pool->mold.rest_ns)
		return;
	pool->mold.rest_ns = core->now_ns + REST_NS;
	if (++pool->mold.failed < FAILED_MAX)
		return;
	mold_lost(core, mold);
	worker_kill(core, mold);
}

/* It need not be given time: it serves nobody. */
static void let_go(struct core *core, struct worker *mold)
{
	worker_retire(
		core, mold, core->pools[mold->service].policy.retire_grace_ns);
}

void mold_heard(struct core *core, struct worker *guest, bool ready)
{
	assert(guest->state != WORKER_RETIRING);
	worker_set_deadline(core, guest, DEADLINE_NONE);
	if (ready) {
		pool_move(core, guest, WORKER_READY);
		return;
	}
	core->pools[guest->service].mold.refused = true;
	core_notice(core, NOTICE_NO_MOLD, guest->service, guest, 0);
	let_go(core, guest);
}

void mold_late(struct core *core, struct worker *guest)
{
	mold_lost(core, guest);
	worker_kill(core, guest);
}

/* Should there be one, but for pauses? Not for a service that rests. */
static bool is_wanted(const struct core *core, const struct pool *pool)
{
	return pool->policy.mold && !pool->mold.refused &&
	       pool_total(pool) > 0 &&
	       guest_find(core, pool, KIND_MOLD) == NULL;
}

void mold_settle(struct core *core, struct pool *pool)
{
	struct worker *mold = guest_find(core, pool, KIND_MOLD);
	uint64_t limit_ns = pool->policy.start_time_limit_ns;

	if (mold != NULL && !pool->policy.mold)
		let_go(core, mold);
	if (!is_wanted(core, pool) || core->now_ns < pool->mold.until_ns)
		return;
	mold = guest_start(core, pool, KIND_MOLD);
	if (mold == NULL)
		return;
	if (limit_ns == 0 || limit_ns > START_MAX_NS)
		limit_ns = START_MAX_NS;
	pool->mold.failed = 0;
	pool->mold.rest_ns = 0;
	worker_set_deadline(core, mold, core->now_ns + limit_ns);
}

uint64_t mold_deadline(const struct core *core, const struct pool *pool)
{
	if (!is_wanted(core, pool) || core->now_ns >= pool->mold.until_ns)
		return DEADLINE_NONE;
	return pool->mold.until_ns;
}

void mold_renew(struct core *core, struct pool *pool)
{
	struct worker *mold = guest_find(core, pool, KIND_MOLD);

	if (pool->state != POOL_UP)
		return;
	pool->mold = (struct mold){.refused = false};
	if (mold != NULL)
		let_go(core, mold);
}

enum view_mold mold_view(const struct core *core, const struct pool *pool)
{
	const struct worker *mold = guest_find(core, pool, KIND_MOLD);

	if (!pool->policy.mold)
		return VIEW_MOLD_OFF;
	if (pool->mold.refused)
		return VIEW_MOLD_REFUSED;
	if (mold == NULL)
		return core->now_ns < pool->mold.until_ns ? VIEW_MOLD_PAUSED
							  : VIEW_MOLD_NONE;
	return mold->state == WORKER_READY ? VIEW_MOLD_READY
					   : VIEW_MOLD_STARTING;
}
