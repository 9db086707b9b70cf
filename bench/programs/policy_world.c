/* SPDX-License-Identifier: MIT */
#include "policy.h"

#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "core/core.h"
#include "core/view.h"

#define BEGIN_NS (1000 * NS_PER_S)
#define GAP_NS (20 * NS_PER_S)
#define IDLE_NS (5 * NS_PER_S)	    /* workers leave after that */
#define BESIDE_NS (200 * NS_PER_MS) /* who comes beside a burst */
#define SPARE_MIN 5		    /* as php-fpm and Apache have it */
#define DOUBLING_MAX 32
#define NOBODY UINT32_MAX

/* ---- what comes next ------------------------------------------------------ */

static void push(struct heap *heap, struct item item)
{
	uint32_t i = heap->n++;

	if (heap->n > heap->room) {
		heap->room = heap->room == 0 ? 1024 : 2 * heap->room;
		heap->items =
			realloc(heap->items, heap->room * sizeof(*heap->items));
		if (heap->items == NULL)
			abort();
	}
	for (; i > 0 && heap->items[(i - 1) / 2].at > item.at; i = (i - 1) / 2)
		heap->items[i] = heap->items[(i - 1) / 2];
	heap->items[i] = item;
}

static struct item pop(struct heap *heap)
{
	struct item first = heap->items[0];
	struct item last = heap->items[--heap->n];
	uint32_t i = 0;

	for (;;) {
		uint32_t child = 2 * i + 1;

		if (child + 1 < heap->n &&
			heap->items[child + 1].at < heap->items[child].at)
			child++;
		if (child >= heap->n || heap->items[child].at >= last.at)
			break;
		heap->items[i] = heap->items[child];
		i = child;
	}
	heap->items[i] = last;
	return first;
}

static void later(
	struct world *w, uint64_t after_ns, enum what what, uint32_t worker)
{
	uint64_t stamp = 0;

	if (worker != NOBODY)
		stamp = w->workers[worker].stamp = ++w->stamps;
	push(&w->times,
		(struct item){w->now_ns + after_ns, stamp, what, worker});
}

/* Processors are shared evenly: all who want one get as far. */
static void pass(struct world *w, uint64_t to_ns)
{
	uint64_t passed_ns = to_ns - w->now_ns;

	if (w->on_cpu > w->options->cpus)
		passed_ns = passed_ns * w->options->cpus / w->on_cpu;
	w->work += passed_ns;
	w->now_ns = to_ns;
}

static uint64_t next_work_ns(const struct world *w)
{
	uint64_t left;

	if (w->works.n == 0)
		return UINT64_MAX;
	left = w->works.items[0].at - w->work;
	if (w->on_cpu > w->options->cpus)
		left = left * w->on_cpu / w->options->cpus;
	return w->now_ns + left + 1;
}

/* ---- workers ---------------------------------------------------------------- */

static void decide(struct world *w, const struct event *event);

static void move(struct world *w, struct worker *worker, enum state state)
{
	w->count[worker->state]--;
	worker->state = state;
	w->count[state]++;
}

static void start(struct world *w, uint32_t slot, uint32_t serial)
{
	struct worker *worker = &w->workers[slot];

	*worker = (struct worker){.serial = serial,
		.born_ns = w->now_ns,
		.work_at = w->work,
		.on_cpu = true};
	move(w, worker, STARTING);
	w->starts++;
	w->on_cpu++;
	push(&w->works, (struct item){w->work + w->options->start_cpu_ns, 0,
				ON_CPU, slot});
}

static struct event word(struct world *w, uint32_t slot, enum event_kind kind)
{
	struct worker *worker = &w->workers[slot];
	struct event event = {
		.kind = kind, .slot = slot, .serial = worker->serial};

	if (!worker->ready_once) {
		event.cpu_ns = w->options->start_cpu_ns;
		event.wait_ns = worker->cpu_until_ns - worker->born_ns -
				w->options->start_cpu_ns;
	}
	worker->ready_once = true;
	return event;
}

static uint64_t hold_ns(struct world *w, bool steady)
{
	if (steady || !w->options->staying)
		return w->options->hold_ns;
	return w->until_ns; /* each keeps its worker until all have one */
}

static void answer(struct world *w, uint64_t came_ns, bool steady)
{
	if (!steady && w->answered_n < w->options->clients)
		w->answered[w->answered_n++] = w->now_ns - came_ns;
	else if (steady && w->steady_n < w->steady_room && w->burst_ns != 0 &&
		 came_ns >= w->burst_ns && came_ns < w->burst_ns + BESIDE_NS)
		w->steady[w->steady_n++] = w->now_ns - came_ns;
}

static void take(struct world *w, uint32_t slot)
{
	bool steady = w->who[w->first] != 0;
	uint64_t came_ns = w->waiting[w->first];
	struct event event;

	w->first = (w->first + 1) % w->room;
	w->depth--;
	move(w, &w->workers[slot], TAKEN);
	answer(w, came_ns, steady);
	later(w, hold_ns(w, steady), SERVED, slot);
	event = word(w, slot, EVENT_TAKEN);
	decide(w, &event);
}

/* It looks for a client by itself. */
static void attend(struct world *w, uint32_t slot)
{
	struct event event;

	if (w->depth > 0) {
		take(w, slot);
		return;
	}
	move(w, &w->workers[slot], READY);
	later(w, IDLE_NS, IDLE, slot);
	event = word(w, slot, EVENT_READY);
	decide(w, &event);
}

static void served(struct world *w, uint32_t slot)
{
	struct event event = word(w, slot, EVENT_READY);

	move(w, &w->workers[slot], READY);
	decide(w, &event);
	attend(w, slot);
}

static void leave(struct world *w, uint32_t slot)
{
	struct event event = {.kind = EVENT_EXITED,
		.slot = slot,
		.serial = w->workers[slot].serial};

	move(w, &w->workers[slot], NONE);
	decide(w, &event);
}

/* ---- who decides -------------------------------------------------------------- */

static void start_more(struct world *w, uint32_t n)
{
	for (uint32_t slot = 0; slot < w->options->limit && n > 0; slot++) {
		if (w->workers[slot].state != NONE)
			continue;
		start(w, slot, 1);
		n--;
	}
}

/* Once a second: 1, 2, 4 ... 32 more as long as there are too few idle. */
static void tick(struct world *w)
{
	uint32_t idle = w->count[READY] + w->count[STARTING];

	later(w, NS_PER_S, TICK, NOBODY);
	if (idle >= SPARE_MIN) {
		w->doubling = 1;
		return;
	}
	start_more(w, w->doubling);
	if (w->doubling < DOUBLING_MAX)
		w->doubling *= 2;
}

static void imitate(struct world *w)
{
	uint32_t coming = w->count[READY] + w->count[STARTING];

	if (strcmp(w->options->policy, "one") == 0)
		start_more(w, w->depth > 0 && coming == 0);
	else if (strcmp(w->options->policy, "each") == 0 && w->depth > coming)
		start_more(w, w->depth - coming);
}

static void measure(const struct world *w, struct event *event)
{
	uint32_t slots[VIEW_STARTING_MAX];
	uint32_t n = core_view_starting(w->core, 0, slots);

	for (uint32_t i = 0; i < n; i++) {
		const struct worker *worker = &w->workers[slots[i]];
		uint64_t had_ns = worker->on_cpu ? w->work - worker->work_at
						 : w->options->start_cpu_ns;
		uint64_t until_ns =
			worker->on_cpu ? w->now_ns : worker->cpu_until_ns;

		event->cpu_ns += had_ns;
		event->wait_ns += until_ns - worker->born_ns - had_ns;
	}
}

static void step(struct world *w, const struct event *event);

static void perform(struct world *w, const struct action *action)
{
	if (action->kind == ACTION_WATCH)
		w->watching = true;
	else if (action->kind == ACTION_IGNORE)
		w->watching = false;
	else if (action->kind == ACTION_LOOK)
		w->looking = true;
	else if (action->kind == ACTION_SPAWN)
		start(w, action->slot, action->serial);
}

static void step(struct world *w, const struct event *event)
{
	const struct actions *actions = core_step(w->core, event, w->now_ns);

	for (uint32_t i = 0; i < actions->n; i++)
		perform(w, &actions->items[i]);
}

static void tell(struct world *w, enum event_kind kind)
{
	struct event event = {.kind = kind, .depth = w->depth};

	measure(w, &event);
	step(w, &event);
}

static void decide(struct world *w, const struct event *event)
{
	if (w->core == NULL) {
		imitate(w);
		return;
	}
	if (event != NULL)
		step(w, event);
	while (w->looking || (w->watching && w->depth > 0)) {
		bool watch = !w->looking;

		if (watch)
			w->watching = false;
		w->looking = false;
		tell(w, watch ? EVENT_CLIENTS : EVENT_DEPTH);
	}
}

/* ---- one experiment -------------------------------------------------------------- */

static void come(struct world *w, bool steady)
{
	uint32_t at = (w->first + w->depth++) % w->room;

	w->waiting[at] = w->now_ns;
	w->who[at] = steady;
	/* The one that is ready for longest is woken. */
	for (uint32_t slot = 0; w->count[READY] > 0; slot++)
		if (w->workers[slot].state == READY) {
			take(w, slot);
			return;
		}
}

static void arrive(struct world *w)
{
	uint64_t gap_ns = 2 * NS_PER_S / w->options->steady;

	later(w, prng_below(&w->prng, gap_ns) + 1, ARRIVE, NOBODY);
	come(w, true);
}

/* All at once: who decides hears of them when they are all there. */
static void burst(struct world *w)
{
	w->answered_n = w->steady_n = w->starts = 0;
	w->burst_ns = w->now_ns;
	for (uint32_t i = 0; i < w->options->clients; i++)
		come(w, false);
}

static void happen(struct world *w, const struct item *item)
{
	switch (item->what) {
	case ARRIVE:
		arrive(w);
		break;
	case BURST:
		burst(w);
		break;
	case SLEPT:
		attend(w, item->worker);
		break;
	case SERVED:
		served(w, item->worker);
		break;
	case IDLE:
		leave(w, item->worker);
		break;
	case TICK:
		tick(w);
		break;
	case ON_CPU:
		break;
	}
	decide(w, NULL);
}

static void worked(struct world *w)
{
	uint32_t slot = pop(&w->works).worker;

	w->workers[slot].on_cpu = false;
	w->workers[slot].cpu_until_ns = w->now_ns;
	w->on_cpu--;
	later(w, w->options->start_sleep_ns, SLEPT, slot);
}

static bool is_over(const struct world *w, uint32_t bursts)
{
	return w->now_ns >= w->until_ns ||
	       (bursts == 0 && w->options->steady == 0 &&
		       w->answered_n == w->options->clients);
}

static void run(struct world *w)
{
	uint32_t bursts = w->options->bursts;

	while (!is_over(w, bursts)) {
		uint64_t due_ns = w->core == NULL ? UINT64_MAX
						  : core_deadline_ns(w->core);
		uint64_t work_ns = next_work_ns(w);
		uint64_t time_ns =
			w->times.n == 0 ? UINT64_MAX : w->times.items[0].at;

		if (due_ns <= work_ns && due_ns <= time_ns) {
			pass(w, due_ns > w->now_ns ? due_ns : w->now_ns);
			decide(w, &(struct event){.kind = EVENT_TIME});
		} else if (work_ns <= time_ns) {
			pass(w, work_ns);
			worked(w);
		} else {
			struct item item = pop(&w->times);

			pass(w, item.at);
			if (item.worker != NOBODY &&
				w->workers[item.worker].stamp != item.stamp)
				continue;
			bursts -= item.what == BURST;
			happen(w, &item);
		}
	}
}

void *room_of(size_t n, size_t size)
{
	void *memory = calloc(n, size);

	if (memory == NULL)
		abort();
	return memory;
}

struct policy policy_usual(uint32_t limit)
{
	return (struct policy){.process_limit = limit,
		.start_rate = 1000000,
		.start_burst = 1000000,
		.throttle_time_ns = 60 * NS_PER_S,
		.quick_exit_ns = NS_PER_S,
		.deaf_time_ns = NS_PER_S,
		.drain_time_ns = 300 * NS_PER_S,
		.stop_time_ns = 30 * NS_PER_S,
		.leave_time_ns = 300 * NS_PER_S,
		.kill_time_ns = 5 * NS_PER_S};
}

struct core *policy_core(uint32_t services, uint32_t workers, uint32_t cpus)
{
	struct core_limits limits = {.services_max = services,
		.workers_max = workers,
		.seed = 1,
		.cpus = cpus};

	return core_init(room_of(1, core_size(&limits)), &limits);
}

static void begin(struct world *w, const struct options *options)
{
	uint32_t room = 2 * options->clients + 100000;

	*w = (struct world){.options = options,
		.now_ns = BEGIN_NS,
		.doubling = 1,
		.room = room,
		.steady_room = room};
	w->workers = room_of(options->limit, sizeof(*w->workers));
	w->waiting = room_of(room, sizeof(*w->waiting));
	w->who = room_of(room, sizeof(*w->who));
	w->answered = room_of(options->clients + 1, sizeof(*w->answered));
	w->steady = room_of(room, sizeof(*w->steady));
	w->count[NONE] = options->limit;
	prng_seed(&w->prng, 1);
	if (strcmp(options->policy, "ours") == 0) {
		struct event row = {.kind = EVENT_ROW,
			.change = ROW_CHANGED,
			.policy = policy_usual(options->limit)};

		w->core = policy_core(1, options->limit, options->cpus);
		step(w, &row);
		step(w, &(struct event){.kind = EVENT_TABLE});
	}
	if (strcmp(options->policy, "doubling") == 0)
		later(w, 0, TICK, NOBODY);
	if (options->steady > 0)
		later(w, 0, ARRIVE, NOBODY);
	for (uint32_t i = 0; i < options->bursts; i++)
		later(w, (i + 1) * GAP_NS, BURST, NOBODY);
	w->until_ns = BEGIN_NS + (options->bursts + 1) * GAP_NS +
		      1000 * NS_PER_S * (options->steady == 0);
}

void world_run(struct world *w, const struct options *options)
{
	begin(w, options);
	run(w);
}

void world_finish(struct world *w)
{
	free(w->core);
	free(w->workers);
	free(w->waiting);
	free(w->who);
	free(w->answered);
	free(w->steady);
	free(w->times.items);
	free(w->works.items);
}
