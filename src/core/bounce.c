/* SPDX-License-Identifier: MIT */
#include "core/bounce.h"

#include <assert.h>
#include <stddef.h>

#include "core/backoff.h"
#include "core/guest.h"
#include "core/pool.h"
#include "core/retire.h"

/*
 * A service that is full and not full many times a second must not start a
 * process each time: who comes in between waits that long at most.
 */
#define SPACING_NS (100 * NS_PER_MS)
#define NO_SLOT_NS NS_PER_S /* until a slot is asked for again */
#define PAUSE_MIN_NS (200 * NS_PER_MS)
#define PAUSE_MAX_NS (10 * NS_PER_S)
#define LEAVE_NS (3 * NS_PER_S) /* to say the last words to its clients */
#define BOUNCERS_MAX 4		/* with those that are leaving */

bool bounce_is_full(const struct pool *pool)
{
	return pool->state == POOL_UP && pool->policy.process_limit > 0 &&
	       pool->count[WORKER_TAKEN] >= pool->policy.process_limit &&
	       pool->count[WORKER_STARTING] + pool->count[WORKER_READY] == 0 &&
	       (pool->old_n == 0 || pool_limit_room(pool) == 0);
}

/* With those that are leaving. */
static uint32_t count_bouncers(const struct core *core, const struct pool *pool)
{
	uint32_t slot = pool->guests;
	uint32_t n = 0;

	for (; slot != NO_SLOT; slot = core->workers[slot].next)
		n += core->workers[slot].kind == KIND_BOUNCER;
	return n;
}

bool bounce_serves(const struct core *core, const struct pool *pool)
{
	return guest_find(core, pool, KIND_BOUNCER) != NULL;
}

static bool is_wanted(const struct core *core, const struct pool *pool)
{
	return pool->policy.bounces && bounce_is_full(pool) &&
	       !bounce_serves(core, pool);
}

bool bounce_wants_watch(const struct core *core, const struct pool *pool)
{
	return is_wanted(core, pool) && core->now_ns >= pool->bounce.next_ns;
}

uint64_t bounce_deadline(const struct core *core, const struct pool *pool)
{
	if (is_wanted(core, pool) && core->now_ns < pool->bounce.next_ns)
		return pool->bounce.next_ns;
	if (pool->bounce.stays_ns != 0)
		return pool->bounce.stays_ns;
	return DEADLINE_NONE;
}

static void start(struct core *core, struct pool *pool)
{
	if (count_bouncers(core, pool) < BOUNCERS_MAX &&
		guest_start(core, pool, KIND_BOUNCER) == NULL)
		pool->bounce.next_ns = core->now_ns + NO_SLOT_NS;
}

void bounce_fired(struct core *core, struct pool *pool, uint32_t depth)
{
	if (!bounce_wants_watch(core, pool))
		return;
	pool->bounce.next_ns = core->now_ns + SPACING_NS;
	if (depth > pool->policy.bounce_over)
		start(core, pool);
	else if (depth == 1) {
		/* It may be all that is known: at AF_UNIX one waits, or more. */
		pool->bounce.asked = true;
		core_ask(core, ACTION_LOOK, core_service_of(core, pool));
	}
}

void bounce_looked(struct core *core, struct pool *pool, uint32_t depth)
{
	bool asked = pool->bounce.asked;

	pool->bounce.asked = false;
	if (asked && is_wanted(core, pool) && depth > pool->policy.bounce_over)
		start(core, pool);
}

/* Each TAKEN is a client that was turned away: nothing else is ever one. */
void bounce_heard(struct pool *pool, const struct worker *guest,
	const struct event *event)
{
	if (guest->kind == KIND_BOUNCER && event->kind == EVENT_TAKEN)
		pool->refused++;
}

/* An end that nobody asked for: the next one has to wait, ever longer. */
void bounce_ended(struct core *core, struct pool *pool,
	const struct worker *guest, const struct event *event)
{
	struct bounce *bounce = &pool->bounce;

	if (guest->kind != KIND_BOUNCER)
		return;
	if (guest->asked) {
		if (event->kind == EVENT_EXITED && guest->spoke)
			bounce->pause_ns = 0;
		return;
	}
	bounce->pause_ns =
		backoff_grown(bounce->pause_ns, PAUSE_MIN_NS, PAUSE_MAX_NS);
	bounce->next_ns = core->now_ns + bounce->pause_ns;
}

/* It is not full: may its bouncer stay a little, in case it is full again? */
static bool may_stay(const struct core *core, struct pool *pool)
{
	struct bounce *bounce = &pool->bounce;

	if (!pool->policy.bounces)
		return false;
	if (bounce->stays_ns == 0)
		bounce->stays_ns = core->now_ns + pool->policy.bounce_stay_ns;
	return core->now_ns < bounce->stays_ns;
}

void bounce_settle(struct core *core, struct pool *pool)
{
	struct worker *bouncer = guest_find(core, pool, KIND_BOUNCER);
	bool full = pool->policy.bounces && bounce_is_full(pool);

	assert(pool->state == POOL_UP);
	if (bouncer != NULL && !full && may_stay(core, pool))
		return;
	pool->bounce.stays_ns = 0;
	if (bouncer != NULL && !full)
		worker_retire(core, bouncer, LEAVE_NS);
}
