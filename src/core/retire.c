/* SPDX-License-Identifier: MIT */
#include "core/retire.h"

#include <assert.h>

#include "core/canary.h"
#include "core/pool.h"

#define DYING_NS NS_PER_S /* the least time between SIGKILL and "stuck" */

/* A time that is none of ours to overflow: years from now is for ever. */
static uint64_t after(uint64_t now_ns, uint64_t time_ns)
{
	return time_ns < DEADLINE_NONE - now_ns ? now_ns + time_ns
						: DEADLINE_NONE - 1;
}

static void climb_to(struct core *core, struct worker *worker, enum rung rung)
{
	static const enum action_kind asks[] = {
		[RUNG_RETIRE] = ACTION_RETIRE,
		[RUNG_DISCONNECT] = ACTION_DISCONNECT,
		[RUNG_TERM] = ACTION_TERM,
		[RUNG_KILL] = ACTION_KILL,
	};

	assert(rung > worker->rung && rung <= RUNG_KILL);
	worker->rung = rung;
	actions_push(&core->actions,
		(struct action){.kind = asks[rung],
			.service = worker->service,
			.slot = core_slot_of(core, worker),
			.serial = worker->serial,
			.number = rung == RUNG_TERM && worker->overdue});
}

void worker_term(struct core *core, struct worker *worker)
{
	worker->asked = true;
	if (worker->state != WORKER_RETIRING)
		pool_move(core, worker, WORKER_RETIRING);
	if (worker->rung >= RUNG_TERM)
		return;
	/* Its word would be worth nothing now; and it may only hear this. */
	if (worker->rung < RUNG_DISCONNECT)
		climb_to(core, worker, RUNG_DISCONNECT);
	climb_to(core, worker, RUNG_TERM);
	worker_set_deadline(core, worker,
		after(core->now_ns, canary_policy(core, worker)->kill_time_ns));
}

void worker_kill(struct core *core, struct worker *worker)
{
	uint64_t time_ns = canary_policy(core, worker)->kill_time_ns;

	/* Dying takes a moment, too; then it is stuck. */
	if (time_ns < DYING_NS)
		time_ns = DYING_NS;
	worker->asked = true;
	if (worker->state != WORKER_RETIRING)
		pool_move(core, worker, WORKER_RETIRING);
	if (worker->rung >= RUNG_KILL)
		return;
	climb_to(core, worker, RUNG_KILL);
	worker_set_deadline(core, worker, after(core->now_ns, time_ns));
}

/*
 * An idle worker that hears us is gone at once. One that does not (it blocks
 * in accept, say) gets a signal after a grace, if the operator lets us; else
 * the same time as one with a client.
 */
static void set_leaving_deadline(struct core *core, struct worker *worker)
{
	const struct policy *policy = canary_policy(core, worker);
	uint64_t at_ns = worker->drain_until_ns;
	uint64_t grace_ns = after(core->now_ns, policy->retire_grace_ns);

	if (worker->idle && policy->retire_signal && grace_ns < at_ns)
		at_ns = grace_ns;
	worker_set_deadline(core, worker, at_ns);
}

void worker_retire(struct core *core, struct worker *worker, uint64_t time_ns)
{
	uint64_t until_ns = after(core->now_ns, time_ns);
	bool first = worker->state != WORKER_RETIRING;

	assert(worker->state != WORKER_FREE);
	worker->asked = true;
	if (first) {
		pool_move(core, worker, WORKER_RETIRING);
		worker->drain_until_ns = until_ns;
	}
	if (until_ns < worker->drain_until_ns)
		worker->drain_until_ns = until_ns;
	if (worker->rung >= RUNG_TERM)
		return;
	/* It cannot hear us: by signal, where that is allowed, or in its time. */
	if (worker->mute && canary_policy(core, worker)->retire_signal) {
		worker_term(core, worker);
		return;
	}
	if (worker->rung < RUNG_RETIRE)
		climb_to(core, worker, RUNG_RETIRE);
	if (first || worker_deadline(core, worker) > worker->drain_until_ns)
		set_leaving_deadline(core, worker);
}

/* Idle, and still here: now its next word is to fail. */
void worker_retiring_ready(struct core *core, struct worker *worker)
{
	assert(worker->state == WORKER_RETIRING);
	if (worker->rung >= RUNG_DISCONNECT)
		return;
	climb_to(core, worker, RUNG_DISCONNECT);
	set_leaving_deadline(core, worker);
}

/* It took one more client before it saw us; that one is served, too. */
void worker_retiring_taken(struct core *core, struct worker *worker)
{
	assert(worker->state == WORKER_RETIRING);
	if (worker->rung < RUNG_TERM)
		set_leaving_deadline(core, worker);
}

void worker_climb(struct core *core, struct worker *worker)
{
	if (worker->rung < RUNG_TERM) {
		core_notice(core, NOTICE_TERM, worker->service, worker, 0);
		worker_term(core, worker);
		return;
	}
	if (worker->rung < RUNG_KILL) {
		worker_kill(core, worker);
		return;
	}
	worker_set_deadline(core, worker, DEADLINE_NONE);
	if (worker->rung == RUNG_STUCK)
		return;
	worker->rung = RUNG_STUCK;
	core->stuck_n++;
	core_notice(core, NOTICE_STUCK, worker->service, worker, 0);
}
