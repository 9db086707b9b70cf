/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "core/backoff.h"
#include "core/bounce.h"
#include "core/canary.h"
#include "core/lease.h"
#include "core/pool.h"
#include "core/recycle.h"
#include "core/roll.h"
#include "core/spare.h"
#include "core/state.h"
#include "core/view.h"

/*
 * audit - the promises of the core, counted again from nothing
 *
 * The numbers behind them are those of docs/failures.md.
 */

struct recount {
	uint32_t count[WORKER_STATES];
	uint32_t suspects, mutes, worn, old, old_guests, canaries, n, guests;
};

/* One list of a pool: is it whole, and are only such as belong there on it? */
static bool recount_list(const struct core *core, const struct pool *pool,
	uint32_t slot, struct recount *out)
{
	bool guests = slot == pool->guests;
	uint32_t prev = NO_SLOT;

	for (; slot != NO_SLOT; slot = core->workers[slot].next) {
		const struct worker *worker = &core->workers[slot];
		bool is_guest = worker->kind != KIND_WORKER;

		if (worker->prev != prev || worker->state == WORKER_FREE ||
			&core->pools[worker->service] != pool ||
			is_guest != guests || out->n >= core->workers_n)
			return false;
		out->count[worker->state] += !guests;
		out->suspects += worker->suspect;
		out->mutes += worker->mute && !guests;
		out->worn += worker->wear != WEAR_NONE &&
			     worker->state != WORKER_RETIRING;
		out->old += pool_is_old(pool, worker) && !guests &&
			    worker->state != WORKER_RETIRING;
		out->old_guests += pool_is_old(pool, worker) && guests &&
				   worker->state != WORKER_RETIRING;
		out->canaries +=
			worker->canary && worker->state != WORKER_RETIRING;
		out->guests += guests;
		out->n++;
		prev = slot;
	}
	return true;
}

static bool recount(
	const struct core *core, const struct pool *pool, struct recount *out)
{
	*out = (struct recount){.n = 0};
	return recount_list(core, pool, pool->first, out) &&
	       recount_list(core, pool, pool->guests, out);
}

static const char *audit_counts(
	const struct core *core, const struct pool *pool, struct recount *r)
{
	if (!recount(core, pool, r))
		return "I1: a pool's list of workers is broken";
	for (unsigned i = 0; i < WORKER_STATES; i++)
		if (r->count[i] != pool->count[i])
			return "I1: a pool's count differs from its workers";
	if (r->guests != pool->guests_n)
		return "I1: a pool's count of guests differs from them";
	if (r->suspects != pool->suspects || r->mutes != pool->mutes)
		return "I1: suspects or mutes differ from the workers";
	if (r->worn != pool->worn)
		return "I1: worn workers differ from the workers";
	if (r->canaries != pool->canary.n ||
		(!pool->canary.runs && pool->canary.n > 0))
		return "I51: canaries differ from the workers";
	if (r->suspects > r->count[WORKER_READY])
		return "I2: more suspects than ready workers";
	if (r->old != pool->old_n)
		return "I1: workers of older epochs differ from the workers";
	if (r->old_guests != 0)
		return "I9: a guest of an old epoch is not retiring";
	if (r->old != 0 && !pool->roll.on)
		return "I9: a worker of an old epoch is not retiring";
	return NULL;
}

/* The limit may just have been lowered; then nothing was started since. */
static const char *audit_limit(const struct pool *pool)
{
	uint32_t live = pool_live(pool);

	if (pool->policy.process_limit != 0 &&
		live > pool->policy.process_limit + recycle_over(pool) +
				pool_over(pool) + canary_over(pool) &&
		pool->count[WORKER_READY] > 0)
		return "I2: more workers than the limit, and idle ones stay";
	return NULL;
}

/*
 * No watch can be armed then, so they must be looked after. (One that is still
 * armed, from before others took the last slot, will fire and see to it.)
 */
static const char *audit_suspects(
	const struct core *core, const struct pool *pool)
{
	uint64_t at_ns =
		deadline_get(&core->deadlines, core_service_of(core, pool));

	if (pool->suspects > 0 && pool_available(pool) == 0 &&
		pool_room(core, pool) == 0 && !pool->watching &&
		at_ns == DEADLINE_NONE)
		return "I3: suspects fill the pool, and nobody looks";
	return NULL;
}

/* B2: the promise that keeps a client from waiting for ever. */
static const char *audit_watch(
	const struct core *core, const struct pool *pool, uint64_t now_ns)
{
	if (pool->watching || pool->lease.pending || pool->look_ns != 0)
		return NULL;
	/* Its time has come, and EVENT_TIME comes with it. */
	if (deadline_get(&core->deadlines, core_service_of(core, pool)) <=
		now_ns)
		return NULL;
	if (pool_available(pool) == 0 && pool_room(core, pool) > 0 &&
		backoff_allows(pool, now_ns))
		return "I3: room and no pause, but nobody listens";
	if (pool_available(pool) > 0 &&
		lease_deadline(core, pool) == DEADLINE_NONE)
		return "I3: ready workers are believed without a lease";
	return NULL;
}

/* Nobody is turned away who could be served; and somebody sees to the rest. */
static const char *audit_bounce(
	const struct core *core, const struct pool *pool, uint64_t now_ns)
{
	bool due = pool->policy.bounces && bounce_is_full(pool);
	uint64_t at_ns =
		deadline_get(&core->deadlines, core_service_of(core, pool));

	if (bounce_serves(core, pool))
		return due || (pool->bounce.stays_ns != 0 &&
				      at_ns <= pool->bounce.stays_ns)
			       ? NULL
			       : "I40: a bouncer, but the service is not full";
	if (due && !pool->watching && at_ns == DEADLINE_NONE)
		return "I40: full, and nobody looks who is to be turned away";
	if (due && !pool->watching && pool->bounce.next_ns > now_ns &&
		at_ns > pool->bounce.next_ns)
		return "I40: a bouncer is to come, but without a timer";
	return NULL;
}

static const char *audit_timer(
	const struct core *core, const struct pool *pool, uint64_t now_ns)
{
	uint64_t at_ns =
		deadline_get(&core->deadlines, core_service_of(core, pool));

	if (pool->wakeup_ns != 0 && at_ns > pool->wakeup_ns)
		return "I18: a wake-up without a timer";
	if (pool->look_ns != 0 && at_ns > pool->look_ns)
		return "I18: a look without a timer";
	if (pool->lease.pending && at_ns > pool->lease.due_ns)
		return "I18: a verdict without a timer";
	if (pool_available(pool) == 0 && pool_room(core, pool) > 0 &&
		!backoff_allows(pool, now_ns) &&
		at_ns > backoff_until(pool, now_ns))
		return "I17: a throttled service without a timer";
	return NULL;
}

static const char *audit_pause(const struct pool *pool)
{
	uint64_t max_ns = pool->policy.throttle_time_ns;

	if (pool->backoff.pause_ns > max_ns && max_ns != 0)
		return "I17: a pause longer than throttle_time";
	return NULL;
}

/* Of slots, too: nobody may count on what another was promised. */
static const char *audit_spares(
	const struct core *core, const struct pool *pool, uint64_t now_ns)
{
	uint32_t total = pool_total(pool);
	uint32_t deficit = pool->share > total ? pool->share - total : 0;
	uint64_t at_ns =
		deadline_get(&core->deadlines, core_service_of(core, pool));

	if (pool->deficit != deficit)
		return "I42: a share is not counted";
	if (spare_missing(pool) == 0 || pool->count[WORKER_STARTING] > 0 ||
		pool->lacking || at_ns <= now_ns)
		return NULL;
	if (now_ns >= spare_from(core, pool) && pool_slots(core, pool) > 0 &&
		backoff_allows(pool, now_ns))
		return "I41: spares are missing, and nothing keeps them off";
	if (at_ns == DEADLINE_NONE)
		return "I41: spares are missing for ever";
	return NULL;
}

static const char *audit_pool(const struct core *core, const struct pool *pool,
	uint64_t now_ns, uint32_t *workers)
{
	struct recount r;
	const char *broken = audit_counts(core, pool, &r);

	*workers += r.n;
	if (broken != NULL)
		return broken;
	if (pool->state != POOL_UP)
		return pool->watching ? "I12: a leaving pool is watched" : NULL;
	broken = audit_limit(pool);
	if (broken == NULL)
		broken = audit_watch(core, pool, now_ns);
	if (broken == NULL)
		broken = audit_suspects(core, pool);
	if (broken == NULL)
		broken = audit_timer(core, pool, now_ns);
	if (broken == NULL)
		broken = audit_pause(pool);
	if (broken == NULL)
		broken = audit_bounce(core, pool, now_ns);
	if (broken == NULL)
		broken = audit_spares(core, pool, now_ns);
	if (broken == NULL)
		broken = roll_audit(core, pool, now_ns);
	return broken;
}

static const char *audit_worker(
	const struct core *core, const struct worker *worker)
{
	if (worker->serial == 0)
		return "I6: a worker without a serial";
	if (worker->state == WORKER_RETIRING && !worker->asked)
		return "I13: retiring, but nobody asked it to";
	if (worker->state == WORKER_RETIRING && worker->rung != RUNG_STUCK &&
		worker_deadline(core, worker) == DEADLINE_NONE)
		return "I14: a retiring worker without a deadline";
	if (worker->state != WORKER_RETIRING && worker->rung != RUNG_NONE)
		return "I13: pushed to leave, but not retiring";
	return NULL;
}

const char *core_audit(const struct core *core, uint64_t now_ns)
{
	const char *broken = NULL;
	uint32_t workers = 0;
	uint32_t used = 0;

	for (uint32_t i = 0; i < core->pools_high && broken == NULL; i++)
		if (core->pools[i].state != POOL_FREE)
			broken = audit_pool(
				core, &core->pools[i], now_ns, &workers);
	for (uint32_t i = 0; i < core->workers_high && broken == NULL; i++) {
		if (core->workers[i].state == WORKER_FREE)
			continue;
		used++;
		broken = audit_worker(core, &core->workers[i]);
	}
	if (broken == NULL && (workers != used || used != core->workers_n))
		return "I1: slots in use differ from the workers of all pools";
	if (broken == NULL && core->stopping && core->done &&
		core->workers_n != core->stuck_n)
		return "I27: done, but workers remain";
	return broken;
}
