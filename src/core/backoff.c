/* SPDX-License-Identifier: MIT */
#include "core/backoff.h"

#include <assert.h>

#include "core/roll.h"

#define PAUSE_MIN_NS (200 * NS_PER_MS)
#define RESOURCE_MIN_NS (50 * NS_PER_MS)
#define RESOURCE_MAX_NS (5 * NS_PER_S)
#define CRASH_MIN_NS NS_PER_S
#define CRASH_MAX_NS (5 * NS_PER_S)
#define CRASHES_MAX 10 /* at once; then one a second */
#define QUIET_NS (10 * NS_PER_S)

/*
 * While failures are fresh only one start is tried at a time, whatever the
 * queue asks for. They stay fresh until a client is served, or until nothing
 * has failed for twice the pause (workers that never report have no other
 * way to show that all is well).
 */
uint64_t backoff_fresh_until(const struct pool *pool)
{
	const struct backoff *b = &pool->backoff;

	return b->pause_ns == 0 ? 0 : b->failed_ns + 2 * b->pause_ns + QUIET_NS;
}

bool backoff_is_fresh(const struct pool *pool, uint64_t now_ns)
{
	return now_ns < backoff_fresh_until(pool);
}

static uint64_t start_interval_ns(const struct pool *pool)
{
	assert(pool->policy.start_rate > 0 &&
		pool->policy.start_rate <= NS_PER_S);
	return NS_PER_S / pool->policy.start_rate;
}

/* When the token bucket lets the next start through. */
static uint64_t rate_until(const struct pool *pool)
{
	uint64_t ahead_ns =
		(pool->policy.start_burst - 1) * start_interval_ns(pool);

	assert(pool->policy.start_burst > 0);
	if (pool->backoff.tokens_ns <= ahead_ns)
		return 0;
	return pool->backoff.tokens_ns - ahead_ns;
}

bool backoff_allows(const struct pool *pool, uint64_t now_ns)
{
	if (now_ns < pool->backoff.until_ns || now_ns < rate_until(pool))
		return false;
	return !backoff_is_fresh(pool, now_ns) ||
	       pool->count[WORKER_STARTING] == 0;
}

bool backoff_pauses(const struct pool *pool, uint64_t now_ns)
{
	return now_ns < pool->backoff.until_ns;
}

uint32_t backoff_room(const struct pool *pool, uint64_t now_ns)
{
	uint64_t interval_ns = start_interval_ns(pool);
	uint64_t tokens_ns = pool->backoff.tokens_ns;
	uint64_t left_ns = (pool->policy.start_burst - 1) * interval_ns;

	if (!backoff_allows(pool, now_ns))
		return 0;
	if (backoff_is_fresh(pool, now_ns))
		return 1;
	if (tokens_ns > now_ns)
		left_ns -= tokens_ns - now_ns;
	if (left_ns / interval_ns >= UINT32_MAX)
		return UINT32_MAX;
	return (uint32_t)(left_ns / interval_ns) + 1;
}

uint64_t backoff_until(const struct pool *pool, uint64_t now_ns)
{
	uint64_t rate_ns = rate_until(pool);
	uint64_t until_ns = pool->backoff.until_ns;

	if (until_ns < rate_ns)
		until_ns = rate_ns;
	return until_ns > now_ns ? until_ns : now_ns;
}

void backoff_started(struct pool *pool, uint64_t now_ns)
{
	struct backoff *b = &pool->backoff;

	if (b->tokens_ns < now_ns)
		b->tokens_ns = now_ns;
	b->tokens_ns += start_interval_ns(pool);
	if (now_ns < rate_until(pool) && b->until_ns <= now_ns)
		b->cause = CAUSE_START_RATE;
}

static void note_cause(struct backoff *b, const struct failure *failure)
{
	b->cause = failure->cause;
	b->stage = failure->stage;
	b->error = failure->error;
	b->code = failure->code;
	b->signal = failure->signal;
}

/*
 * An eighth up or down, so that services do not retry in step; the longest
 * pause only down, because the operator's throttle_time is a limit.
 */
static uint64_t jittered(struct core *core, uint64_t pause_ns, uint64_t max_ns)
{
	uint64_t eighth = pause_ns / 8;

	assert(pause_ns <= max_ns);
	if (eighth == 0)
		return pause_ns;
	if (pause_ns > max_ns - eighth)
		pause_ns = max_ns - eighth;
	return pause_ns - eighth + prng_below(&core->prng, 2 * eighth);
}

uint64_t backoff_grown(uint64_t pause_ns, uint64_t min_ns, uint64_t max_ns)
{
	if (pause_ns == 0)
		pause_ns = min_ns;
	else if (pause_ns <= max_ns / 2)
		pause_ns *= 2;
	else
		pause_ns = max_ns;
	return pause_ns < max_ns ? pause_ns : max_ns;
}

static void pause_starts(
	struct core *core, struct pool *pool, uint64_t pause_ns)
{
	pool->backoff.until_ns = core->now_ns + pause_ns;
	roll_paused(core, pool);
	core_notice(core, NOTICE_THROTTLED, core_service_of(core, pool), NULL,
		pause_ns);
}

static uint64_t cap_ns(const struct pool *pool, uint64_t max_ns)
{
	uint64_t throttle_ns = pool->policy.throttle_time_ns;

	return throttle_ns < max_ns ? throttle_ns : max_ns;
}

/*
 * Where pauses are whole, a worker that could not be started or ended badly
 * costs all of throttle_time. What costs a moment elsewhere does so there: a
 * want of resources, a lost listener, an exit 0 at once (some leave when a
 * file has changed).
 */
static bool pauses_whole(const struct pool *pool, const struct failure *failure)
{
	if (!pool->policy.throttle_whole || failure->temporary)
		return false;
	if (failure->cause == CAUSE_EARLY_EXIT)
		return failure->code != 0 || failure->signal != 0;
	return failure->cause == CAUSE_START_FAILED ||
	       failure->cause == CAUSE_START_TIMEOUT;
}

static void fail_whole(struct core *core, struct pool *pool)
{
	struct backoff *b = &pool->backoff;

	if (b->whole && core->now_ns < b->until_ns)
		return;
	b->whole = true;
	b->pause_ns = pool->policy.throttle_time_ns;
	b->failed_ns = core->now_ns;
	pause_starts(core, pool, b->pause_ns);
}

static void fail_growing(
	struct core *core, struct pool *pool, const struct failure *failure)
{
	struct backoff *b = &pool->backoff;
	bool grows = backoff_is_fresh(pool, core->now_ns) && !b->whole;

	/* Ten that were started together fail together: one pause. */
	if (core->now_ns < b->until_ns)
		return;
	b->whole = false;
	b->pause_ns = backoff_grown(grows ? b->pause_ns : 0,
		failure->temporary ? RESOURCE_MIN_NS : PAUSE_MIN_NS,
		failure->temporary ? cap_ns(pool, RESOURCE_MAX_NS)
				   : pool->policy.throttle_time_ns);
	b->failed_ns = core->now_ns;
	pause_starts(core, pool,
		jittered(core, b->pause_ns, pool->policy.throttle_time_ns));
}

void backoff_failed(
	struct core *core, struct pool *pool, struct failure failure)
{
	pool->failures++;
	note_cause(&pool->backoff, &failure);
	if (pauses_whole(pool, &failure))
		fail_whole(core, pool);
	else
		fail_growing(core, pool, &failure);
}

void backoff_crashed(
	struct core *core, struct pool *pool, struct failure failure)
{
	struct backoff *b = &pool->backoff;
	uint64_t passed_ns = core->now_ns - b->crashed_ns;

	b->crashes_ns -= passed_ns < b->crashes_ns ? passed_ns : b->crashes_ns;
	b->crashed_ns = core->now_ns;
	if (b->crashes_ns == 0)
		b->crash_pause_ns = 0;
	b->crashes_ns += NS_PER_S;
	pool->failures++;
	if (core->now_ns < b->until_ns)
		return; /* the pause keeps its cause */
	note_cause(b, &failure);
	if (b->crashes_ns <= CRASHES_MAX * NS_PER_S)
		return;
	b->crash_pause_ns = backoff_grown(
		b->crash_pause_ns, CRASH_MIN_NS, cap_ns(pool, CRASH_MAX_NS));
	pause_starts(core, pool,
		jittered(core, b->crash_pause_ns,
			pool->policy.throttle_time_ns));
}

void backoff_served(struct core *core, struct pool *pool)
{
	struct backoff *b = &pool->backoff;

	if (b->pause_ns == 0 || (b->whole && core->now_ns < b->until_ns))
		return;
	b->pause_ns = 0;
	if (b->cause != CAUSE_CRASHING)
		b->until_ns = 0;
	core_notice(
		core, NOTICE_RECOVERED, core_service_of(core, pool), NULL, 0);
}

void backoff_limit(const struct core *core, struct pool *pool)
{
	struct backoff *b = &pool->backoff;
	uint64_t max_ns = pool->policy.throttle_time_ns;

	if (b->pause_ns > max_ns)
		b->pause_ns = max_ns;
	if (b->crash_pause_ns > max_ns)
		b->crash_pause_ns = max_ns;
	if (b->until_ns > core->now_ns && b->until_ns - core->now_ns > max_ns)
		b->until_ns = core->now_ns + max_ns;
}

void backoff_reset(struct pool *pool)
{
	struct backoff *b = &pool->backoff;

	b->pause_ns = b->until_ns = b->failed_ns = 0;
	b->crash_pause_ns = b->crashes_ns = 0;
	b->whole = false;
	b->cause = CAUSE_NONE;
}
