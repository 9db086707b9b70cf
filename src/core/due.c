/* SPDX-License-Identifier: MIT */
#include "core/due.h"

#include <stddef.h>

#include "core/canary.h"
#include "core/recycle.h"
#include "core/retire.h"

#define ANSWER_NS NS_PER_S	  /* a look unanswered: ask again */
#define LOOK_LEAST_NS (NS_PER_MS) /* between looks at who is taken */
#define LOOKS 4			  /* in the time that a client has */
#define MISSED 2		  /* intervals without a word */

/* It was told of these limits at its start; older ones know of others. */
static bool is_timed(const struct core *core, const struct worker *worker)
{
	return worker->epoch >= core->pools[worker->service].timed;
}

static uint64_t old_ns(const struct core *core, const struct worker *worker)
{
	uint64_t age_ns = canary_policy(core, worker)->max_age_ns;

	if (age_ns == 0 || worker->wear != WEAR_NONE || worker->mute)
		return DEADLINE_NONE;
	return worker->started_ns + prng_less(age_ns, worker->serial);
}

static uint64_t overdue_ns(const struct core *core, const struct worker *worker)
{
	uint64_t limit_ns = canary_policy(core, worker)->request_time_ns;

	if (limit_ns == 0 || worker->state != WORKER_TAKEN || worker->mute ||
		!is_timed(core, worker))
		return DEADLINE_NONE;
	return worker->taken_ns + limit_ns;
}

/* With a client it need not speak; but if it does, it is to go on. */
static uint64_t silent_ns(const struct core *core, const struct worker *worker)
{
	uint64_t interval_ns = canary_policy(core, worker)->liveness_ns;

	if (interval_ns == 0 || worker->mute || !is_timed(core, worker) ||
		(worker->state == WORKER_TAKEN && !worker->beats))
		return DEADLINE_NONE;
	return worker->heard_ns + MISSED * interval_ns;
}

void due_arm(struct core *core, const struct worker *worker)
{
	uint64_t at_ns = overdue_ns(core, worker);

	/* Asked for, and the answer is to come. */
	if (at_ns <= core->now_ns && worker->asked_ns != 0)
		at_ns = worker->asked_ns + ANSWER_NS;
	at_ns = deadline_earlier(at_ns, old_ns(core, worker));
	at_ns = deadline_earlier(at_ns, silent_ns(core, worker));
	worker_set_deadline(core, worker, at_ns);
}

void due_arm_all(struct core *core, const struct pool *pool)
{
	uint32_t slot = pool->first;

	for (; slot != NO_SLOT; slot = core->workers[slot].next) {
		const struct worker *worker = &core->workers[slot];

		if (worker->state == WORKER_READY ||
			worker->state == WORKER_TAKEN)
			due_arm(core, worker);
	}
}

static void be_silent(struct core *core, struct worker *worker)
{
	const struct failure none = {.cause = CAUSE_NONE};
	struct pool *pool = &core->pools[worker->service];

	pool->hangs++;
	(void)canary_failed(core, worker, VERDICT_SILENT, &none);
	core_notice(core, NOTICE_SILENT, worker->service, worker,
		core->now_ns - worker->heard_ns);
	worker_term(core, worker);
}

void due_time(struct core *core, struct worker *worker)
{
	if (silent_ns(core, worker) <= core->now_ns) {
		be_silent(core, worker);
		return;
	}
	if (old_ns(core, worker) <= core->now_ns)
		recycle_wear(core, worker, WEAR_AGE);
	if (overdue_ns(core, worker) <= core->now_ns) {
		worker->asked_ns = core->now_ns;
		core->pools[worker->service].judging = true;
		core_ask(core, ACTION_LOOK, worker->service);
	}
	due_arm(core, worker);
}

void due_heard(struct core *core, struct worker *worker)
{
	worker->heard_ns = core->now_ns;
	worker->beats = false;
}

bool due_taken(struct core *core, struct worker *worker, uint64_t ago_ns)
{
	bool was_taken = !worker->idle;
	uint64_t at_ns =
		core->now_ns - (ago_ns < core->now_ns ? ago_ns : core->now_ns);
	uint64_t since_ns = was_taken ? worker->taken_ns : worker->heard_ns;
	bool another = !was_taken || (ago_ns != 0 && at_ns > since_ns);

	worker->heard_ns = core->now_ns;
	worker->beats = was_taken && !another;
	if (another) {
		core->pools[worker->service].client_ns = core->now_ns;
		worker->taken_ns = at_ns > since_ns ? at_ns : since_ns;
		worker->asked_ns = 0;
	}
	return another;
}

static void end_overdue(struct core *core, struct worker *worker)
{
	const struct failure none = {.cause = CAUSE_NONE};
	struct pool *pool = &core->pools[worker->service];

	pool->timeouts++;
	(void)canary_failed(core, worker, VERDICT_OVERDUE, &none);
	core_notice(core, NOTICE_OVERDUE, worker->service, worker,
		core->now_ns - worker->taken_ns);
	worker->overdue = true;
	worker_term(core, worker);
}

void due_looked(struct core *core, struct pool *pool)
{
	uint32_t slot = pool->first;

	if (!pool->judging)
		return;
	pool->judging = false;
	for (; slot != NO_SLOT; slot = core->workers[slot].next) {
		struct worker *worker = &core->workers[slot];

		if (worker->asked_ns != 0 &&
			overdue_ns(core, worker) <= core->now_ns)
			end_overdue(core, worker);
	}
}

/* Who is taken without having said so is found out by looking. */
void due_settle(const struct core *core, struct pool *pool)
{
	uint64_t every_ns = pool->policy.request_time_ns / LOOKS;

	if (pool->policy.request_time_ns == 0 ||
		pool->count[WORKER_TAKEN] <= pool->mutes) {
		pool->taken_look_ns = 0;
		return;
	}
	if (every_ns < LOOK_LEAST_NS)
		every_ns = LOOK_LEAST_NS;
	if (pool->taken_look_ns == 0 ||
		pool->taken_look_ns > core->now_ns + every_ns)
		pool->taken_look_ns = core->now_ns + every_ns;
}

void due_look(struct core *core, struct pool *pool)
{
	if (pool->taken_look_ns == 0 || core->now_ns < pool->taken_look_ns)
		return;
	pool->taken_look_ns = 0;
	core_ask(core, ACTION_LOOK, core_service_of(core, pool));
}
