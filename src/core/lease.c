/* SPDX-License-Identifier: MIT */
#include "core/lease.h"

#include <assert.h>

#include "core/backoff.h"
#include "core/pace.h"
#include "core/pool.h"
#include "core/retire.h"

#define PERIOD_NS NS_PER_S	     /* watches beside the ready */
#define RESCUE_NS (20 * NS_PER_MS)   /* patience after an end */
#define RESCUE_VALID_NS NS_PER_S     /* how long an end matters */
#define LOOK_MIN_NS (2 * NS_PER_MS)  /* between looks, at first */
#define LOOK_MAX_NS (64 * NS_PER_MS) /* and after a while */
#define STRIKES_MAX 4	   /* verdicts in which words alone are believed */
#define ANSWER_NS NS_PER_S /* a look unanswered: ask again */

static bool ended_lately(const struct core *core, const struct pool *pool)
{
	return pool->lease.ended_ns != 0 &&
	       core->now_ns < pool->lease.ended_ns + RESCUE_VALID_NS;
}

static bool holds_back(const struct pool *pool)
{
	return pool->pace.held && pool->look_ns != 0;
}

bool lease_wants_watch(const struct core *core, const struct pool *pool)
{
	/* Where starts are held back it would only fire again: a look comes. */
	if (pool_available(pool) == 0)
		return !pool->starved && !holds_back(pool) &&
		       pool_limit_room(pool) > 0 &&
		       backoff_allows(pool, core->now_ns);
	if (pool->lease.pending)
		return false;
	if (ended_lately(core, pool))
		return true;
	return core->now_ns >= pool->lease.next_ns;
}

uint64_t lease_deadline(const struct core *core, const struct pool *pool)
{
	if (pool_available(pool) == 0)
		return DEADLINE_NONE;
	if (pool->lease.pending)
		return pool->lease.due_ns;
	if (core->now_ns < pool->lease.next_ns)
		return pool->lease.next_ns;
	return DEADLINE_NONE;
}

/* Suspects fill the pool, and everybody else is busy. */
static bool is_blocked(const struct core *core, const struct pool *pool)
{
	return pool->suspects > 0 && pool_available(pool) == 0 &&
	       pool_room(core, pool) == 0;
}

/* The same, or nobody can be started for a while: looking is all that helps. */
static bool is_helpless(const struct core *core, const struct pool *pool)
{
	return is_blocked(core, pool) ||
	       (pool->suspects > 0 && pool_available(pool) == 0 &&
		       backoff_pauses(pool, core->now_ns));
}

/*
 * A verdict is about workers that are believed; with none it is void, and so
 * is an end: nobody is left who might have missed a wake-up. But suspects are
 * looked after, for no watch can be armed while they fill the pool.
 */
void lease_settle(struct core *core, struct pool *pool)
{
	if (!is_blocked(core, pool))
		pool->deaf = false;
	if (is_helpless(core, pool) && pool->look_ns == 0)
		pool->look_ns = core->now_ns + pool->policy.deaf_time_ns;
	if (pool_available(pool) > 0)
		return;
	pool->lease.pending = false;
	pool->lease.asked = false;
	pool->lease.ended_ns = 0;
}

void lease_look_soon(struct core *core, struct pool *pool)
{
	pool->look_interval_ns = LOOK_MIN_NS;
	pool->look_ns = core->now_ns + LOOK_MIN_NS;
	pool->pace.look_ns = 0;
	if (pool->pace.held)
		pool->look_ns = core->now_ns + pace_look_ns(pool);
}

static void look_again(struct core *core, struct pool *pool)
{
	pool->look_ns = 0;
	pool->looking = false;
	if (pool->pace.held)
		pool->look_ns = core->now_ns + pace_look_ns(pool);
	if (pool->pace.held || pool->depth == 0 ||
		pool->count[WORKER_STARTING] == 0)
		return;
	pool->look_ns = core->now_ns + pool->look_interval_ns;
	if (pool->look_interval_ns < LOOK_MAX_NS)
		pool->look_interval_ns *= 2;
}

/*
 * Starting takes its time: a service that needs five seconds to start is not
 * deaf after one, and more workers would only slow it down.
 */
static uint64_t patience_ns(const struct pool *pool)
{
	uint64_t deaf_ns = pool->policy.deaf_time_ns;

	if (pool->count[WORKER_STARTING] > 0 &&
		deaf_ns < 2 * pool->start_time_ns)
		return 2 * pool->start_time_ns;
	return deaf_ns;
}

static void begin(struct core *core, struct pool *pool)
{
	struct lease *lease = &pool->lease;

	lease->rescue = ended_lately(core, pool);
	lease->ended_ns = 0;
	lease->pending = true;
	lease->asked = false;
	lease->depth = pool->depth;
	lease->words = pool->words;
	lease->due_ns =
		core->now_ns + (lease->rescue ? RESCUE_NS : patience_ns(pool));
}

void lease_fired(
	struct core *core, struct pool *pool, const struct event *event)
{
	if (!pool->watching)
		return;
	pool->watching = false;
	pool->depth = event->depth;
	pool->lease.next_ns = core->now_ns + PERIOD_NS;
	if (pool->depth == 0) {
		pool->pace.held = false;
		/* Whoever ended took no wake-up along, or we would see it. */
		pool->lease.ended_ns = 0;
		return;
	}
	if (pool_available(pool) > 0 && !pool->lease.pending)
		begin(core, pool);
	/* Those who were held back before are so still, and not anew. */
	if (pool_available(pool) == 0 || pool->suspects == 0)
		pool_answer(core, pool, event);
	else
		pool->pace.held = false;
	/* No watch before there is a slot: it would only fire again. */
	if (pool_available(pool) == 0 && pool_slots(core, pool) == 0 &&
		pool_limit_room(pool) > 0)
		pool_starve(core, pool, true);
	if (pool->count[WORKER_STARTING] > 0 || pool->pace.held)
		lease_look_soon(core, pool);
}

/* Silent workers that run, with nobody waiting: as ready as can be known. */
static void presume_ready(struct core *core, struct pool *pool)
{
	uint32_t slot = pool->first;

	if (pool->policy.ready_notify || pool->count[WORKER_STARTING] == 0)
		return;
	for (; slot != NO_SLOT; slot = core->workers[slot].next) {
		struct worker *worker = &core->workers[slot];

		if (worker->state != WORKER_STARTING || !worker->executed)
			continue;
		worker_set_deadline(core, worker, DEADLINE_NONE);
		pool_move(core, worker, WORKER_READY);
	}
}

static void suspect_ready(struct core *core, struct pool *pool)
{
	uint32_t slot = pool->first;
	struct worker *told = NULL;

	for (; slot != NO_SLOT; slot = core->workers[slot].next) {
		struct worker *worker = &core->workers[slot];

		if (worker->state != WORKER_READY || worker->suspect)
			continue;
		worker->suspect = true;
		pool->suspects++;
		told = worker;
	}
	if (told != NULL)
		core_notice(core, NOTICE_SUSPECT, told->service, told,
			pool->suspects);
}

/* The oldest suspect goes: at the limit only that can make room. */
static void kill_suspect(struct core *core, struct pool *pool)
{
	uint32_t slot = pool->first;
	struct worker *oldest = NULL;

	for (; slot != NO_SLOT; slot = core->workers[slot].next)
		if (core->workers[slot].suspect)
			oldest = &core->workers[slot];
	if (oldest != NULL)
		worker_kill(core, oldest);
}

/*
 * A worker that is stopped may hold a lock that all the others wait for, and
 * only the shell can see that.
 */
static void examine(struct core *core, struct pool *pool)
{
	if (pool->examined_ns != 0 &&
		core->now_ns < pool->examined_ns + pool->policy.deaf_time_ns)
		return;
	pool->examined_ns = core->now_ns;
	core_ask(core, ACTION_EXAMINE, core_service_of(core, pool));
}

static void look_after_suspects(struct core *core, struct pool *pool)
{
	pool->looking = false;
	pool->look_ns = core->now_ns + pool->policy.deaf_time_ns;
}

static void deaf(struct core *core, struct pool *pool)
{
	if (!pool->deaf)
		core_notice(core, NOTICE_DEAF, core_service_of(core, pool),
			NULL, pool->depth);
	pool->deaf = true;
	if (pool->policy.on_deaf_kill)
		kill_suspect(core, pool);
	look_after_suspects(core, pool);
}

/* The clients went away; believe everybody again. */
static void hearing(struct core *core, struct pool *pool)
{
	uint32_t slot = pool->first;

	pool->deaf = false;
	for (; slot != NO_SLOT; slot = core->workers[slot].next)
		core->workers[slot].suspect = false;
	pool->suspects = 0;
}

static void verdict(struct core *core, struct pool *pool)
{
	struct lease *lease = &pool->lease;

	lease->pending = false;
	lease->asked = false;
	if (pool->depth == 0 || pool->depth < lease->depth) {
		pool->deaf = false;
		lease->strikes = 0;
		lease->rests_ns = 0;
		return;
	}
	if (pool->words != lease->words && ++lease->strikes < STRIKES_MAX) {
		pool->deaf = false;
		return;
	}
	lease->strikes = 0;
	if (lease->rests_ns == 0)
		lease->rests_ns = core->now_ns;
	if (lease->rescue) {
		/* Ends that follow each other must not hide who holds up. */
		if (core->now_ns - lease->rests_ns >= pool->policy.deaf_time_ns)
			examine(core, pool);
		/* The dead one took the wake-up along: a new one will look. */
		lease->next_ns = core->now_ns;
		(void)pool_spawn(core, pool, 1);
		return;
	}
	suspect_ready(core, pool);
	examine(core, pool);
	if (pool_spawn(core, pool, 1) == 0 && is_blocked(core, pool))
		deaf(core, pool);
}

/*
 * A look while workers start. With suspects about, the queue is no measure of
 * what is needed: then only the watch and the verdict start workers.
 */
static void looked(
	struct core *core, struct pool *pool, const struct event *event)
{
	pool->pace.held =
		pool->pace.held && pool->depth > 0 && pool->suspects == 0;
	if (pool->depth == 0) {
		presume_ready(core, pool);
		if (is_helpless(core, pool))
			hearing(core, pool);
	} else if (is_helpless(core, pool)) {
		examine(core, pool);
		if (is_blocked(core, pool))
			deaf(core, pool);
		else
			look_after_suspects(core, pool);
		return;
	} else if (pool->suspects == 0) {
		pool_answer(core, pool, event);
	}
	pool->deaf = false;
	look_again(core, pool);
}

/*
 * One answer may be for both: who asked to look is still to have it. And those
 * who are held back need not wait for their own, if another was quicker.
 */
void lease_depth(
	struct core *core, struct pool *pool, const struct event *event)
{
	bool looking = pool->looking || pool->pace.held;

	pool->depth = event->depth;
	if (pool->lease.asked) {
		verdict(core, pool);
		looking = looking && pool->pace.held;
	}
	if (looking)
		looked(core, pool, event);
}

void lease_arrived(struct core *core, struct pool *pool)
{
	if (pool->state != POOL_UP || !pool->pace.held || pool->looking)
		return;
	pool->looking = true;
	pool->look_ns = core->now_ns + ANSWER_NS;
	pool->pace.look_ns = 0;
	core_ask(core, ACTION_LOOK, core_service_of(core, pool));
}

/* A verdict under way need not be waited for: somebody waits, that is known. */
void lease_ended(struct core *core, struct pool *pool)
{
	struct lease *lease = &pool->lease;

	if (!lease->pending || lease->asked || lease->rescue) {
		lease->ended_ns = core->now_ns;
		return;
	}
	lease->rescue = true;
	if (lease->due_ns > core->now_ns + RESCUE_NS)
		lease->due_ns = core->now_ns + RESCUE_NS;
}

/* Unless the last one was not answered, and is not needed any more. */
static bool ask_to_look(const struct core *core, struct pool *pool)
{
	bool needed = is_helpless(core, pool) || pool->pace.held ||
		      (pool->depth > 0 && pool->count[WORKER_STARTING] > 0);

	if (pool->looking && !needed) {
		pool->look_ns = 0;
		return false;
	}
	pool->looking = true;
	pool->look_ns = core->now_ns + ANSWER_NS;
	return true;
}

void lease_time(struct core *core, struct pool *pool)
{
	struct lease *lease = &pool->lease;
	bool look = false;

	if (pool->look_ns != 0 && core->now_ns >= pool->look_ns)
		look = ask_to_look(core, pool);
	if (lease->pending && core->now_ns >= lease->due_ns) {
		lease->asked = true;
		lease->due_ns = core->now_ns + ANSWER_NS;
		look = true;
	}
	if (look)
		core_ask(core, ACTION_LOOK, core_service_of(core, pool));
}
