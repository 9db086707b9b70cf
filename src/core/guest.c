/* SPDX-License-Identifier: MIT */
#include "core/guest.h"

#include <assert.h>
#include <stddef.h>

#include "core/bounce.h"
#include "core/mold.h"
#include "core/pool.h"
#include "core/retire.h"

struct worker *guest_start(
	struct core *core, struct pool *pool, enum worker_kind kind)
{
	struct worker *guest;

	assert(kind != KIND_WORKER && pool->state == POOL_UP);
	if (core->starved_n > 0 || pool_slots_open(core) < 2)
		return NULL;
	guest = pool_add(core, pool, kind);
	actions_push(&core->actions, (struct action){.kind = ACTION_SPAWN,
					     .service = guest->service,
					     .slot = core_slot_of(core, guest),
					     .serial = guest->serial,
					     .worker = kind});
	return guest;
}

struct worker *guest_find(
	const struct core *core, const struct pool *pool, enum worker_kind kind)
{
	uint32_t slot = pool->guests;

	for (; slot != NO_SLOT; slot = core->workers[slot].next)
		if (core->workers[slot].kind == kind &&
			core->workers[slot].state != WORKER_RETIRING)
			return &core->workers[slot];
	return NULL;
}

static void heard(
	struct core *core, struct worker *guest, const struct event *event)
{
	guest->executed = guest->spoke = true;
	bounce_heard(&core->pools[guest->service], guest, event);
	guest->idle = event->kind == EVENT_READY;
	if (guest->state != WORKER_RETIRING && guest->kind == KIND_MOLD)
		mold_heard(core, guest, guest->idle);
	else if (guest->state != WORKER_RETIRING)
		pool_move(
			core, guest, guest->idle ? WORKER_READY : WORKER_TAKEN);
	else if (guest->idle)
		worker_retiring_ready(core, guest);
	else
		worker_retiring_taken(core, guest);
}

/* It cannot be told anything any more. */
static void muted(struct core *core, struct worker *guest)
{
	guest->mute = true;
	if (guest->state == WORKER_RETIRING)
		return;
	if (guest->kind == KIND_MOLD)
		mold_lost(core, guest);
	worker_term(core, guest);
}

/* It makes processes that nobody ordered, say. */
static void harmful(struct core *core, struct worker *guest)
{
	if (guest->kind == KIND_MOLD && guest->state != WORKER_RETIRING)
		mold_lost(core, guest);
	worker_kill(core, guest);
}

static void gone(struct core *core, struct worker *guest)
{
	if (guest->kind == KIND_MOLD && (!guest->asked || guest->reclaimed))
		mold_lost(core, guest);
	pool_free_worker(core, guest);
}

static void ended(
	struct core *core, struct worker *guest, const struct event *event)
{
	bounce_ended(core, &core->pools[guest->service], guest, event);
	if (event->kind == EVENT_EXITED &&
		(event->signal != 0 || event->code != 0) &&
		guest->rung < RUNG_TERM)
		core_notice(core, NOTICE_DIED, guest->service, guest, 0);
	gone(core, guest);
}

void guest_event(
	struct core *core, struct worker *guest, const struct event *event)
{
	if (event->kind == EVENT_STARTED)
		guest->executed = true;
	else if (event->kind == EVENT_READY || event->kind == EVENT_TAKEN)
		heard(core, guest, event);
	else if (event->kind == EVENT_MUTE)
		muted(core, guest);
	else if (event->kind == EVENT_STOPPED)
		harmful(core, guest);
	else if (event->kind == EVENT_START_FAILED ||
		 event->kind == EVENT_ORDER_FAILED ||
		 event->kind == EVENT_EXITED)
		ended(core, guest, event);
}

void guest_time(struct core *core, struct worker *guest)
{
	if (guest->state == WORKER_RETIRING) {
		worker_climb(core, guest);
		return;
	}
	worker_set_deadline(core, guest, DEADLINE_NONE);
	if (guest->kind == KIND_MOLD && guest->state == WORKER_STARTING)
		mold_late(core, guest);
}

void guests_retire_old(struct core *core, struct pool *pool, uint64_t time_ns)
{
	uint64_t grace_ns = pool->policy.retire_grace_ns;
	uint32_t slot = pool->guests;

	for (; slot != NO_SLOT; slot = core->workers[slot].next) {
		struct worker *guest = &core->workers[slot];
		bool serves = guest->kind != KIND_MOLD;

		if (guest->epoch != pool->epoch)
			worker_retire(core, guest,
				serves || time_ns < grace_ns ? time_ns
							     : grace_ns);
	}
}

void guests_term(struct core *core, struct pool *pool)
{
	uint32_t slot = pool->guests;

	for (; slot != NO_SLOT; slot = core->workers[slot].next)
		worker_term(core, &core->workers[slot]);
}

struct worker *guest_spare(struct core *core)
{
	for (uint32_t slot = 0; slot < core->workers_high; slot++) {
		struct worker *worker = &core->workers[slot];

		if (worker->state != WORKER_FREE &&
			worker->state != WORKER_RETIRING &&
			worker->kind != KIND_WORKER)
			return worker;
	}
	return NULL;
}
