/* SPDX-License-Identifier: MIT */
#include "core/worker.h"

#include <assert.h>

#include "core/backoff.h"
#include "core/canary.h"
#include "core/due.h"
#include "core/lease.h"
#include "core/mold.h"
#include "core/pace.h"
#include "core/pool.h"
#include "core/recycle.h"
#include "core/retire.h"

#define START_TIME_MIN_NS (10 * NS_PER_MS)
#define START_TIME_MAX_NS (60 * NS_PER_S)

static struct pool *pool_of(struct core *core, const struct worker *worker)
{
	return &core->pools[worker->service];
}

void worker_started(struct core *core, struct worker *worker)
{
	struct pool *pool = pool_of(core, worker);

	if (worker->executed)
		return;
	worker->executed = true;
	worker->executed_ns = core->now_ns;
	if (worker->mold != 0)
		mold_made(core, worker);
	if (worker->state != WORKER_STARTING ||
		canary_policy(core, worker)->ready_notify)
		return;
	if (pool->depth == 0)
		pool_move(core, worker, WORKER_READY);
	else
		worker_set_deadline(
			core, worker, core->now_ns + pool->start_time_ns);
}

void worker_start_failed(
	struct core *core, struct worker *worker, const struct event *event)
{
	struct pool *pool = pool_of(core, worker);
	struct failure failure = {.cause = CAUSE_START_FAILED,
		.stage = event->stage,
		.error = event->error,
		.temporary = event->temporary};
	bool idle = worker->idle;

	/* Of one that is not wanted any more it says nothing about the next. */
	if (!worker->asked && !pool_is_old(pool, worker) &&
		!canary_failed(core, worker, VERDICT_FAILED, &failure))
		backoff_failed(core, pool, failure);
	pool_free_worker(core, worker);
	if (idle)
		lease_ended(core, pool);
}

/* Whoever it was for is seen to as after any end, and without a mold. */
void worker_order_failed(struct core *core, struct worker *worker)
{
	struct pool *pool = pool_of(core, worker);
	bool idle = worker->idle;

	mold_failed(core, worker);
	pool_free_worker(core, worker);
	if (idle)
		lease_ended(core, pool);
}

/* An average that forgets; the first word after a start is a sample. */
static void learn_start_time(
	const struct core *core, struct pool *pool, const struct worker *worker)
{
	uint64_t sample_ns = core->now_ns - worker->started_ns;
	uint64_t *time_ns = &pool->start_time_ns;

	/* Those from a mold say nothing of how long it is without one. */
	if (worker->state != WORKER_STARTING || worker->mold != 0)
		return;
	*time_ns = *time_ns - *time_ns / 4 + sample_ns / 4;
	if (*time_ns < START_TIME_MIN_NS)
		*time_ns = START_TIME_MIN_NS;
	if (*time_ns > START_TIME_MAX_NS)
		*time_ns = START_TIME_MAX_NS;
}

static void heard(
	struct core *core, struct worker *worker, const struct event *event)
{
	struct pool *pool = pool_of(core, worker);

	/* What an old one took says nothing of those that are to come. */
	if (!worker->spoke && !pool_is_old(pool, worker)) {
		learn_start_time(core, pool, worker);
		pace_started(core, pool, worker, event);
	}
	/* It may be up before we looked whether its exec went well. */
	worker_started(core, worker);
	worker->spoke = true;
	if (worker->state == WORKER_STARTING) {
		worker_set_deadline(core, worker, DEADLINE_NONE);
		lease_arrived(core, pool);
	}
}

/*
 * Only a word that changes something shows that a worker lives. One that says
 * AVAIL over and over must not keep its service deaf.
 */
static void progressed(struct core *core, struct worker *worker)
{
	struct pool *pool = pool_of(core, worker);

	pool->words++;
	pool->pace.moved_ns = core->now_ns;
	pool->lease.rests_ns = 0;
	if (worker->suspect)
		pool->deaf = false;
	pool_trust(pool, worker);
}

/* A word that changes no state may still change what is due. */
static void be_up(
	struct core *core, struct worker *worker, enum worker_state state)
{
	if (worker->state == state)
		due_arm(core, worker);
	else
		pool_move(core, worker, state);
}

void worker_ready(
	struct core *core, struct worker *worker, const struct event *event)
{
	bool again = worker->spoke && worker->idle;

	heard(core, worker, event);
	due_heard(core, worker);
	if (worker->state == WORKER_TAKEN && !worker->idle)
		pace_served(
			pool_of(core, worker), core->now_ns - worker->since_ns);
	worker->cycled = worker->cycled || !worker->idle;
	if (again)
		pool_of(core, worker)->redundant++;
	else
		progressed(core, worker);
	worker->idle = true;
	if (worker->state == WORKER_RETIRING)
		worker_retiring_ready(core, worker);
	else if (!worker->mute)
		be_up(core, worker, WORKER_READY);
}

void worker_taken(
	struct core *core, struct worker *worker, const struct event *event)
{
	struct pool *pool = pool_of(core, worker);

	heard(core, worker, event);
	if (event->unseen)
		worker->unseen_ns = core->now_ns;
	if (due_taken(core, worker, event->since_ns)) {
		pool->served++;
		canary_served(core, worker, event->clients);
		progressed(core, worker);
	} else {
		pool->redundant++;
	}
	worker->idle = false;
	worker->served = true;
	/*
	 * Only a worker younger than the last failure shows that starting
	 * works again: an old one served from before the command broke.
	 */
	if (worker->started_ns >= pool->backoff.failed_ns &&
		!pool_is_old(pool, worker))
		backoff_served(core, pool);
	if (worker->state == WORKER_RETIRING)
		worker_retiring_taken(core, worker);
	else
		be_up(core, worker, WORKER_TAKEN);
}

/* It lives and cannot be heard: it counts, and is never ready. */
void worker_mute(struct core *core, struct worker *worker)
{
	if (worker->mute)
		return;
	worker->mute = true;
	pool_of(core, worker)->mutes++;
	if (worker->state == WORKER_RETIRING)
		return;
	worker_set_deadline(core, worker, DEADLINE_NONE);
	pool_move(core, worker, WORKER_TAKEN);
}

/* In the way of all others: only its end helps them, and it is no failure. */
void worker_stopped(struct core *core, struct worker *worker)
{
	worker_kill(core, worker);
}

/*
 * By its own word or the shell's measure. One that has had no client is not
 * used up: else a limit that is too low, or a lie, would have it replaced as
 * soon as it is there, over and over.
 */
void worker_worn(
	struct core *core, struct worker *worker, const struct event *event)
{
	if (event->wear != WEAR_NONE && worker->state != WORKER_RETIRING &&
		worker->served)
		recycle_wear(core, worker, event->wear);
}

/* Why no more are started for a time; or that is no reason. */
static void judge_failure(
	struct core *core, const struct worker *worker, struct failure failure)
{
	struct pool *pool = pool_of(core, worker);
	const struct policy *policy = canary_policy(core, worker);
	uint64_t born_ns =
		worker->executed ? worker->executed_ns : worker->started_ns;
	bool bad = failure.signal != 0 || failure.code != 0;
	bool quick = core->now_ns - born_ns < policy->quick_exit_ns;
	bool proven = policy->throttle_whole ? worker->cycled : worker->served;
	bool early = (bad && !proven) || (quick && !bad && !worker->served);
	bool crash = !early && bad && !policy->throttle_whole;

	failure.cause = proven ? CAUSE_CRASHING : CAUSE_EARLY_EXIT;
	if ((!early && !crash) ||
		canary_failed(core, worker, VERDICT_FAILED, &failure))
		return;
	if (early)
		backoff_failed(core, pool, failure);
	else
		backoff_crashed(core, pool, failure);
}

static void judge_end(
	struct core *core, struct worker *worker, const struct event *event)
{
	/* A signal of ours is no news; anything else is, whoever asked. */
	if ((event->signal != 0 || event->code != 0) &&
		worker->rung < RUNG_TERM)
		core_notice(core, NOTICE_DIED, worker->service, worker, 0);
	/* Nothing bad is known of it. */
	if (event->unknown)
		return;
	if (!worker->asked && !pool_is_old(pool_of(core, worker), worker))
		judge_failure(core, worker,
			(struct failure){
				.code = event->code, .signal = event->signal});
}

/* Whether somebody waits for another need not be waited for. */
static void left_by_itself(struct core *core, struct pool *pool)
{
	pace_gone(core, pool);
	lease_arrived(core, pool);
}

void worker_exited(
	struct core *core, struct worker *worker, const struct event *event)
{
	struct pool *pool = pool_of(core, worker);
	bool idle = worker->idle;
	bool left = !worker->asked && worker->served && event->code == 0 &&
		    event->signal == 0;

	judge_end(core, worker, event);
	pool->exits++;
	if (worker->state == WORKER_TAKEN)
		pace_left(pool);
	pool_free_worker(core, worker);
	if (left)
		left_by_itself(core, pool);
	/* The kernel may have woken it for a client that its siblings missed. */
	if (idle)
		lease_ended(core, pool);
}

static void start_timed_out(struct core *core, struct worker *worker)
{
	struct failure failure = {.cause = CAUSE_START_TIMEOUT};
	struct pool *pool = pool_of(core, worker);

	core_notice(core, NOTICE_START_TIMEOUT, worker->service, worker,
		canary_policy(core, worker)->start_time_limit_ns);
	/* It never came: the limit may be shorter than an order's own. */
	if (worker->mold != 0 && !worker->executed)
		mold_failed(core, worker);
	if (!pool_is_old(pool, worker) &&
		!canary_failed(core, worker, VERDICT_FAILED, &failure))
		backoff_failed(core, pool, failure);
	worker_kill(core, worker);
}

void worker_time(struct core *core, struct worker *worker)
{
	if (worker->state == WORKER_RETIRING) {
		worker_climb(core, worker);
		return;
	}
	if (worker->state != WORKER_STARTING) {
		due_time(core, worker);
		return;
	}
	worker_set_deadline(core, worker, DEADLINE_NONE);
	if (canary_policy(core, worker)->ready_notify)
		start_timed_out(core, worker);
	else
		pool_move(core, worker, WORKER_READY);
}
