/* SPDX-License-Identifier: MIT */
#include "core/core.h"

#include <assert.h>
#include <stddef.h>

#include "core/bounce.h"
#include "core/canary.h"
#include "core/drain.h"
#include "core/due.h"
#include "core/guest.h"
#include "core/lease.h"
#include "core/mold.h"
#include "core/pool.h"
#include "core/recycle.h"
#include "core/reload.h"
#include "core/settle.h"
#include "core/slots.h"
#include "core/spare.h"
#include "core/state.h"
#include "core/worker.h"

/* Of one step: a stop asks most, up to five things of each worker. */
#define ACTIONS_PER_WORKER 6
#define ACTIONS_PER_SERVICE 8
#define DUE_MAX 256 /* things per EVENT_TIME; the rest stays due */

static size_t aligned(size_t bytes)
{
	return (bytes + 63) / 64 * 64;
}

static size_t things(const struct core_limits *limits)
{
	return (size_t)limits->services_max + limits->workers_max;
}

static size_t actions_room(const struct core_limits *limits)
{
	return (size_t)limits->workers_max * ACTIONS_PER_WORKER +
	       (size_t)limits->services_max * ACTIONS_PER_SERVICE + 16;
}

size_t core_size(const struct core_limits *limits)
{
	return aligned(sizeof(struct core)) +
	       aligned(limits->services_max * sizeof(struct pool)) +
	       aligned(limits->workers_max * sizeof(struct worker)) +
	       aligned(things(limits) * sizeof(uint64_t)) +
	       2 * aligned(things(limits) * sizeof(uint32_t)) +
	       aligned(actions_room(limits) * sizeof(struct action));
}

static void *carve(char **memory, size_t bytes)
{
	void *piece = *memory;

	*memory += aligned(bytes);
	return piece;
}

struct core *core_init(void *memory, const struct core_limits *limits)
{
	char *rest = memory;
	struct core *core = carve(&rest, sizeof(*core));
	size_t n = things(limits);

	assert(limits->workers_max > 0 && limits->services_max > 0);
	assert(n < UINT32_MAX && actions_room(limits) < UINT32_MAX);
	core->limits = *limits;
	core->pools = carve(&rest, limits->services_max * sizeof(struct pool));
	core->workers =
		carve(&rest, limits->workers_max * sizeof(struct worker));
	core->deadlines.things = (uint32_t)n;
	core->deadlines.at_ns = carve(&rest, n * sizeof(uint64_t));
	core->deadlines.place = carve(&rest, n * sizeof(uint32_t));
	core->deadlines.heap = carve(&rest, n * sizeof(uint32_t));
	core->actions.room = (uint32_t)actions_room(limits);
	core->actions.items =
		carve(&rest, actions_room(limits) * sizeof(struct action));
	core->workers_free = NO_SLOT;
	prng_seed(&core->prng, limits->seed);
	return core;
}

static void due(struct core *core)
{
	for (unsigned n = 0; n < DUE_MAX; n++) {
		uint32_t thing;

		if (deadline_first(&core->deadlines) > core->now_ns)
			return;
		thing = deadline_first_thing(&core->deadlines);
		if (thing < core->limits.services_max) {
			pool_time(core, &core->pools[thing]);
		} else {
			thing -= core->limits.services_max;
			if (core->workers[thing].kind == KIND_WORKER)
				worker_time(core, &core->workers[thing]);
			else
				guest_time(core, &core->workers[thing]);
			pool_settle(core,
				&core->pools[core->workers[thing].service]);
		}
	}
}

static void looked(
	struct core *core, struct pool *pool, const struct event *event)
{
	lease_depth(core, pool, event);
	due_looked(core, pool);
	recycle_looked(core, pool);
	spare_looked(core, pool);
	bounce_looked(core, pool, event->depth);
	canary_looked(core, pool);
}

static void fired(
	struct core *core, struct pool *pool, const struct event *event)
{
	bool watching = pool->watching;

	lease_fired(core, pool, event);
	if (watching)
		bounce_fired(core, pool, event->depth);
}

static void step_service(struct core *core, const struct event *event)
{
	struct pool *pool;

	if (event->service >= core->limits.services_max ||
		core->pools[event->service].state == POOL_FREE) {
		core->stale++;
		return;
	}
	pool = &core->pools[event->service];
	if (event->kind == EVENT_LISTENER_LOST)
		reload_listener_lost(core, pool);
	else if (event->kind == EVENT_REMOLD)
		mold_renew(core, pool);
	else if (event->kind == EVENT_SCALE)
		reload_scale(pool, event);
	else if (event->kind == EVENT_DRAIN)
		drain_begin(core, pool);
	else if (event->kind == EVENT_RESUME)
		drain_end(pool);
	else if (pool->state != POOL_UP)
		pool->depth = event->depth;
	else if (event->kind == EVENT_CLIENTS)
		fired(core, pool, event);
	else
		looked(core, pool, event);
	pool_settle(core, pool);
}

static void worker_event(
	struct core *core, struct worker *worker, const struct event *event)
{
	if (event->kind == EVENT_STARTED)
		worker_started(core, worker);
	else if (event->kind == EVENT_START_FAILED)
		worker_start_failed(core, worker, event);
	else if (event->kind == EVENT_ORDER_FAILED)
		worker_order_failed(core, worker);
	else if (event->kind == EVENT_READY)
		worker_ready(core, worker, event);
	else if (event->kind == EVENT_TAKEN)
		worker_taken(core, worker, event);
	else if (event->kind == EVENT_MUTE)
		worker_mute(core, worker);
	else if (event->kind == EVENT_STOPPED)
		worker_stopped(core, worker);
	else if (event->kind == EVENT_WORN)
		worker_worn(core, worker, event);
	else
		worker_exited(core, worker, event);
}

static void step_worker(struct core *core, const struct event *event)
{
	struct worker *worker;
	uint32_t service;

	if (event->slot >= core->workers_high ||
		core->workers[event->slot].state == WORKER_FREE ||
		core->workers[event->slot].serial != event->serial) {
		core->stale++;
		return;
	}
	worker = &core->workers[event->slot];
	service = worker->service;
	if (worker->kind == KIND_WORKER)
		worker_event(core, worker, event);
	else
		guest_event(core, worker, event);
	pool_settle(core, &core->pools[service]);
}

static void dispatch(struct core *core, const struct event *event)
{
	switch (event->kind) {
	case EVENT_TIME:
		due(core);
		break;
	case EVENT_ROW:
		assert(event->service < core->limits.services_max);
		reload_row(core, event);
		break;
	case EVENT_TABLE:
		reload_table(core);
		break;
	case EVENT_CLIENTS:
	case EVENT_DEPTH:
	case EVENT_LISTENER_LOST:
	case EVENT_REMOLD:
	case EVENT_SCALE:
	case EVENT_DRAIN:
	case EVENT_RESUME:
		step_service(core, event);
		break;
	case EVENT_STARTED:
	case EVENT_START_FAILED:
	case EVENT_ORDER_FAILED:
	case EVENT_READY:
	case EVENT_TAKEN:
	case EVENT_MUTE:
	case EVENT_STOPPED:
	case EVENT_WORN:
	case EVENT_EXITED:
		step_worker(core, event);
		break;
	case EVENT_STOP:
		stop_begin(core);
		break;
	case EVENT_HURRY:
		stop_hurry(core);
		break;
	case EVENT_QUIT:
		stop_now(core);
		break;
	}
}

const struct actions *core_step(
	struct core *core, const struct event *event, uint64_t now_ns)
{
	assert(now_ns >= core->now_ns);
	core->now_ns = now_ns;
	core->actions.n = 0;
	dispatch(core, event);
	slots_give(core);
	/* What SIGKILL cannot end must not keep us. */
	if (core->stopping && !core->done && core->workers_n == core->stuck_n) {
		core->done = true;
		core_ask(core, ACTION_DONE, 0);
	}
	return &core->actions;
}

uint64_t core_deadline_ns(const struct core *core)
{
	return deadline_first(&core->deadlines);
}

uint64_t core_stale(const struct core *core)
{
	return core->stale;
}
