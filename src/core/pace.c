/* SPDX-License-Identifier: MIT */
#include "core/pace.h"

#include <assert.h>

#include "core/pool.h"
#include "core/view.h"

#define LOOK_MIN_NS (NS_PER_MS / 4)
#define LOOK_NEW_NS (2 * NS_PER_MS) /* while nothing is learned */
#define LOOK_MAX_NS (16 * NS_PER_MS)
#define PASSED_MIN_NS NS_PER_MS /* in less, processor time tells nothing */
#define AGE_MAX_NS (60 * NS_PER_S)
#define WANTED_MAX_NS (VIEW_STARTING_MAX * AGE_MAX_NS)
#define REST_MIN_NS (2 * NS_PER_MS) /* workers that rest this long ... */
#define REST_MAX_NS (200 * NS_PER_MS)
#define OVERDUE 4	  /* times what a start takes on average */
#define SERVES_MAX 8	  /* clients that an average remembers */
#define SERVES_A_START 64 /* nobody is believed to serve more meanwhile */
#define LONG 4		  /* starts that a client must stay for */
#define CPUS_MAX 4096u
#define IDLE_TENTHS 7 /* below that many tenths, processors are idle */

/* The newest workers of a pool, as far as they matter here. */
struct crowd {
	uint32_t overdue; /* start for longer than is usual */
	uint32_t starting;
	uint64_t head_ns; /* their ages added up, none above a start's time */
	uint32_t young;	  /* taken for less than a start's time */
	uint64_t taken_ns;
	uint64_t oldest_ns; /* the longest that one is taken */
	uint64_t beyond_ns; /* how far taken ones are beyond the average */
};

static uint64_t lesser(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t greater(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static bool is_learned(const struct pace *pace)
{
	return pace->cpu_ns != 0;
}

static void count_starting(
	const struct pool *pool, uint64_t age_ns, struct crowd *out)
{
	uint64_t start_ns = pool->pace.start_ns;

	out->starting++;
	if (!is_learned(&pool->pace))
		return;
	if (age_ns > OVERDUE * start_ns)
		out->overdue++;
	else
		out->head_ns += lesser(age_ns, start_ns);
}

static void count_taken(
	const struct pool *pool, uint64_t age_ns, struct crowd *out)
{
	const struct pace *pace = &pool->pace;
	uint64_t short_ns = lesser(age_ns, pace->start_ns);

	out->young += age_ns < pace->start_ns;
	out->taken_ns += short_ns;
	out->oldest_ns = greater(out->oldest_ns, age_ns);
	if (short_ns > pace->serve_ns)
		out->beyond_ns += short_ns - pace->serve_ns;
}

static struct crowd look_at(const struct core *core, const struct pool *pool)
{
	struct crowd crowd = {.starting = 0};
	uint32_t slot = pool->first;

	for (unsigned n = 0; slot != NO_SLOT && n < VIEW_STARTING_MAX;
		n++, slot = core->workers[slot].next) {
		const struct worker *worker = &core->workers[slot];
		uint64_t age_ns = core->now_ns - worker->since_ns;

		if (worker->state == WORKER_STARTING)
			count_starting(pool, age_ns, &crowd);
		else if (worker->state == WORKER_TAKEN && !worker->mute)
			count_taken(pool, age_ns, &crowd);
	}
	return crowd;
}

/*
 * How long a worker is with its client. Those that are with theirs for longer
 * than the average say that it has grown, and where nothing is known they are
 * all there is to go by, for as long as a start costs of a processor. 0: nothing
 * can be said.
 */
static uint64_t serve_ns(const struct pool *pool, const struct crowd *crowd)
{
	const struct pace *pace = &pool->pace;
	uint32_t n = pool->count[WORKER_TAKEN];
	uint64_t time_ns;

	if (pace->serves == 0 &&
		(n == 0 || pace->left || crowd->taken_ns > pace->cpu_ns))
		return 0;
	if (pace->serves == 0)
		time_ns = crowd->taken_ns;
	else
		time_ns = pace->serve_ns +
			  crowd->beyond_ns /
				  (n > pace->serves ? n : pace->serves);
	return greater(time_ns, pace->start_ns / SERVES_A_START + 1);
}

/*
 * Clients beyond one each that those who are there will have taken before a
 * worker that is started now could take its first.
 */
static uint64_t served_meanwhile(
	const struct pool *pool, const struct crowd *crowd)
{
	const struct pace *pace = &pool->pace;
	uint32_t ready = pool->count[WORKER_READY] - pool->suspects;
	uint64_t time_ns = serve_ns(pool, crowd);
	uint64_t n;

	if (time_ns == 0 || !is_learned(pace))
		return 0;
	n = (crowd->young + (uint64_t)ready) * pace->start_ns / time_ns;
	if (pace->serves > 0) {
		n += crowd->head_ns / time_ns;
		n -= lesser(n, ready + (uint64_t)crowd->starting);
	}
	return n;
}

/* Nobody said a word for as long as somebody should have. */
static bool rests(const struct core *core, struct pool *pool)
{
	struct pace *pace = &pool->pace;
	uint64_t rest_ns =
		greater(lesser(pace->start_ns, REST_MAX_NS), REST_MIN_NS);

	if (!pace->held)
		pace->moved_ns = core->now_ns;
	return core->now_ns - pace->moved_ns >= rest_ns;
}

static uint32_t cpus_of(const struct core *core)
{
	return core->limits.cpus < CPUS_MAX ? core->limits.cpus : CPUS_MAX;
}

/*
 * As many as keep all processors at work, or, where clients stay, more: those
 * who are between two steps leave none idle then, others on the machine leave
 * us more of it, and the longer they stay the less does it matter when the
 * first worker is ready.
 */
static uint64_t learned_window(const struct core *core, const struct pace *pace,
	const struct crowd *crowd)
{
	uint64_t window = (cpus_of(core) * pace->alone_ns + pace->cpu_ns / 2) /
			  pace->cpu_ns;
	uint64_t stay_ns = pace->serves > 0 ? pace->serve_ns : crowd->oldest_ns;

	/* With threads a start takes several processors. */
	window = greater(window, 1);
	if (stay_ns > LONG * pace->start_ns)
		return 4 * window;
	if (pace->serves > 0 && stay_ns < pace->start_ns / LONG)
		return window;
	return 2 * window;
}

/*
 * Those who start leave processors idle, and have done so for as long as they
 * wanted them before: one that asks another process for something is not one
 * that sleeps.
 */
static bool leave_idle(
	const struct core *core, struct pool *pool, const struct event *event)
{
	struct pace *pace = &pool->pace;
	uint64_t wanted_ns = lesser(event->cpu_ns, WANTED_MAX_NS) +
			     lesser(event->wait_ns, WANTED_MAX_NS);
	uint64_t more_ns = wanted_ns - lesser(pace->wanted_ns, wanted_ns);
	uint64_t passed_ns = lesser(core->now_ns - pace->asked_ns, AGE_MAX_NS);

	if (passed_ns < PASSED_MIN_NS)
		return false;
	pace->wanted_ns = wanted_ns;
	pace->asked_ns = core->now_ns;
	if (10 * more_ns < IDLE_TENTHS * cpus_of(core) * passed_ns)
		pace->idle_ns += passed_ns;
	else
		pace->idle_ns = 0;
	return pace->idle_ns > 0 &&
	       pace->idle_ns >= wanted_ns / pool->count[WORKER_STARTING];
}

/* Nothing is known yet: more, if those who start leave processors idle. */
static uint64_t open_window(
	const struct core *core, struct pool *pool, const struct event *event)
{
	struct pace *pace = &pool->pace;
	uint32_t starting = pool->count[WORKER_STARTING];

	if (starting == 0) {
		pace->window = cpus_of(core);
		pace->wanted_ns = pace->idle_ns = 0;
		pace->asked_ns = core->now_ns;
	}
	pace->grew = starting > 0 && leave_idle(core, pool, event) &&
		     starting >= pace->window;
	if (pace->grew && pace->window <= UINT32_MAX / 2)
		pace->window *= 2;
	return pace->window;
}

/* The queue is still there after the time in which it was to be served. */
static bool lasts(const struct core *core, const struct pace *pace)
{
	return is_learned(pace) &&
	       core->now_ns - pace->waits_ns > pace->patience_ns;
}

/*
 * Those whom clients need whatever others could do meanwhile. Who leaves is
 * replaced, or a pool whose workers leave after a hundred clients dwindles to
 * one, and rests for a whole start when that one leaves. And for a queue that
 * lasts there is one more, and another after twice that time.
 */
static uint32_t wanted_anyway(const struct core *core, struct pool *pool)
{
	struct pace *pace = &pool->pace;

	if (core->now_ns - pace->gone_ns > OVERDUE * pace->start_ns)
		pace->gone = 0;
	if (!pace->held || pool->count[WORKER_STARTING] > 0)
		pace->waits_ns = core->now_ns;
	if (!pace->held || pace->patience_ns == 0)
		pace->patience_ns = 2 * pace->start_ns;
	return pace->gone + lasts(core, pace);
}

static void count_started(
	const struct core *core, struct pace *pace, uint32_t n)
{
	if (lasts(core, pace))
		pace->patience_ns = lesser(2 * pace->patience_ns, AGE_MAX_NS);
	pace->waits_ns = core->now_ns;
	pace->gone -= (uint32_t)lesser(pace->gone, n);
}

uint32_t pace_allowed(struct core *core, struct pool *pool, uint32_t need,
	const struct event *event)
{
	struct pace *pace = &pool->pace;
	struct crowd crowd;
	uint64_t served;
	uint64_t window;
	uint64_t coming;
	uint64_t anyway;

	if (core->limits.cpus == 0 || need == 0)
		return need;
	crowd = look_at(core, pool);
	served = rests(core, pool) ? 0 : served_meanwhile(pool, &crowd);
	anyway = lesser(wanted_anyway(core, pool), need);
	need = (uint32_t)greater(need - lesser(served, need), anyway);
	if (need == 0)
		return 0;
	window = is_learned(pace) ? learned_window(core, pace, &crowd)
				  : open_window(core, pool, event);
	assert(crowd.overdue <= pool->count[WORKER_STARTING]);
	coming = pool->count[WORKER_STARTING] - crowd.overdue;
	if (coming >= window)
		return 0;
	need = (uint32_t)lesser(need, window - coming);
	count_started(core, pace, need);
	return need;
}

uint64_t pace_look_ns(struct pool *pool)
{
	struct pace *pace = &pool->pace;
	uint64_t least_ns = is_learned(pace)
				    ? greater(pace->start_ns / 8, LOOK_MIN_NS)
				    : LOOK_NEW_NS;

	if (pace->grew || pace->look_ns == 0)
		pace->look_ns = least_ns;
	else
		pace->look_ns *= 2;
	pace->look_ns = lesser(pace->look_ns, LOOK_MAX_NS);
	return pace->look_ns;
}

static uint64_t average(uint64_t old, uint64_t sample, unsigned parts)
{
	return old - old / parts + sample / parts;
}

/*
 * Of the time that it would have taken alone the least is believed: what those
 * tell that were in each other's way raises it but slowly.
 */
static void learn(struct pace *pace, uint64_t start_ns, uint64_t alone_ns,
	uint64_t cpu_ns)
{
	if (!is_learned(pace)) {
		pace->start_ns = start_ns;
		pace->alone_ns = alone_ns;
		pace->cpu_ns = cpu_ns;
		return;
	}
	pace->start_ns = average(pace->start_ns, start_ns, 4) + 1;
	pace->cpu_ns = average(pace->cpu_ns, cpu_ns, 4) + 1;
	if (alone_ns < pace->alone_ns)
		pace->alone_ns = alone_ns;
	else
		pace->alone_ns = average(pace->alone_ns, alone_ns, 32) + 1;
}

void pace_started(struct core *core, struct pool *pool,
	const struct worker *worker, const struct event *event)
{
	uint64_t start_ns = core->now_ns - worker->started_ns;
	uint64_t cpu_ns;

	if (worker->state != WORKER_STARTING || event->cpu_ns == 0)
		return;
	start_ns = greater(lesser(start_ns, AGE_MAX_NS), 1);
	cpu_ns = lesser(event->cpu_ns, AGE_MAX_NS);
	learn(&pool->pace, start_ns,
		greater(start_ns - lesser(event->wait_ns, start_ns), cpu_ns),
		cpu_ns);
}

void pace_served(struct pool *pool, uint64_t serve_ns)
{
	struct pace *pace = &pool->pace;

	serve_ns = lesser(serve_ns, AGE_MAX_NS);
	if (pace->serves < SERVES_MAX)
		pace->serves++;
	pace->serve_ns = average(pace->serve_ns, serve_ns, pace->serves);
}

void pace_left(struct pool *pool)
{
	pool->pace.left = true;
}

void pace_gone(struct core *core, struct pool *pool)
{
	pool->pace.gone++;
	pool->pace.gone_ns = core->now_ns;
}

void pace_reset(struct pool *pool)
{
	pool->pace = (struct pace){.held = false};
}
