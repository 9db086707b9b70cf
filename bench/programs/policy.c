/* SPDX-License-Identifier: MIT */
/*
 * policy - bursts of clients and starting workers, in virtual time
 *
 * usage: policy [--policy ours|one|each|doubling] [--cpus N] [--clients N]
 *               [--start-cpu-us N] [--start-sleep-us N] [--hold-us N]
 *               [--limit N] [--bursts N] [--steady RATE] [--staying]
 *        policy --services N [--events N]
 *
 * A worker wants so much of a processor to start, sleeps for a while and is
 * ready; processors are shared evenly by those who want one. Who decides is the
 * core as it is, or an imitation: one start at a time whenever nobody is ready
 * or starting (Postfix's master), one for each client that waits (inetd), or
 * spares that are looked at each second and doubled (php-fpm's and Apache's).
 * With --bursts the pool is empty again before each; the last one is told. With
 * --steady other clients come all the time, and it is told how long those waited
 * that came in the 200 ms after the burst.
 *
 * The second form measures what a step of the core costs on this machine when
 * clients come to so many services.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/number.h"
#include "base/prng.h"
#include "core/core.h"
#include "core/view.h"

#define BEGIN_NS (1000 * NS_PER_S)
#define GAP_NS (20 * NS_PER_S)
#define IDLE_NS (5 * NS_PER_S)	    /* workers leave after that */
#define BESIDE_NS (200 * NS_PER_MS) /* who comes beside a burst */
#define SPARE_MIN 5		    /* as php-fpm and Apache have it */
#define DOUBLING_MAX 32
#define NOBODY UINT32_MAX

struct options {
	const char *policy;
	uint32_t cpus, clients, limit, bursts, services;
	uint64_t start_cpu_ns, start_sleep_ns, hold_ns, steady, events;
	bool staying;
};

enum state { NONE, STARTING, READY, TAKEN };

struct worker {
	enum state state;
	bool ready_once;
	uint32_t serial;
	uint64_t stamp; /* of what it waits for */
	uint64_t born_ns, work_at, cpu_until_ns;
	bool on_cpu;
};

enum what { ARRIVE, BURST, ON_CPU, SLEPT, SERVED, IDLE, TICK };

struct item {
	uint64_t at;
	uint64_t stamp;
	enum what what;
	uint32_t worker;
};

struct heap {
	struct item *items; /* owned */
	uint32_t n, room;
};

struct world {
	const struct options *options;
	struct core *core;	/* owned; NULL: an imitation */
	struct worker *workers; /* owned */
	uint64_t *waiting;	/* owned; when they came, a ring */
	uint64_t *answered;	/* owned; how long those of the burst waited */
	uint64_t *steady;	/* owned; the same of the others */
	uint32_t *who;		/* owned; beside waiting: of the burst? */
	uint32_t first, depth, room;
	uint32_t answered_n, steady_n, steady_room;
	uint32_t count[TAKEN + 1];
	uint32_t starts;
	uint64_t now_ns, work, stamps; /* work: that one on a processor did */
	uint64_t burst_ns, until_ns;
	uint32_t on_cpu;
	struct heap times, works;
	bool watching, looking;
	uint32_t doubling;
	struct prng prng;
};

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
	switch ((int)action->kind) {
	case ACTION_WATCH:
		w->watching = true;
		break;
	case ACTION_IGNORE:
		w->watching = false;
		break;
	case ACTION_LOOK:
		w->looking = true;
		break;
	case ACTION_SPAWN:
		start(w, action->slot, action->serial);
		break;
	default:
		break;
	}
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

static void *room_of(size_t n, size_t size)
{
	void *memory = calloc(n, size);

	if (memory == NULL)
		abort();
	return memory;
}

static struct policy usual(uint32_t limit)
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

static struct core *make_core(
	uint32_t services, uint32_t workers, uint32_t cpus)
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
			.policy = usual(options->limit)};

		w->core = make_core(1, options->limit, options->cpus);
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

static int compare(const void *a, const void *b)
{
	uint64_t left, right;

	memcpy(&left, a, sizeof(left));
	memcpy(&right, b, sizeof(right));
	return (left > right) - (left < right);
}

static double ms(uint64_t ns)
{
	return (double)ns / (double)NS_PER_MS;
}

/* One object of JSON. */
static void report(struct world *w)
{
	const char *comma = "";

	qsort(w->answered, w->answered_n, sizeof(uint64_t), compare);
	qsort(w->steady, w->steady_n, sizeof(uint64_t), compare);
	printf("{\"answered\": %u, \"starts\": %u", w->answered_n, w->starts);
	if (w->steady_n > 0)
		printf(", \"steady\": %u, \"steady_p90_ms\": %.3f, "
		       "\"steady_max_ms\": %.3f",
			w->steady_n, ms(w->steady[w->steady_n * 9 / 10]),
			ms(w->steady[w->steady_n - 1]));
	printf(", \"curve_ms\": [");
	for (uint32_t i = 0; i < w->answered_n; i++, comma = ", ")
		printf("%s%.3f", comma, ms(w->answered[i]));
	printf("]}\n");
}

static void finish(struct world *w)
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

/* ---- what a step costs --------------------------------------------------------- */

static uint64_t real_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* Clients come to services as they please; each has a worker for a moment. */
static int cost(const struct options *options)
{
	uint32_t n = options->services;
	struct core *core = make_core(n, n, options->cpus);
	struct prng prng;
	uint64_t now_ns = BEGIN_NS, began_ns, steps = 0;
	uint32_t *slots = room_of(n, sizeof(*slots));
	uint32_t *serials = room_of(n, sizeof(*serials));

	prng_seed(&prng, 1);
	for (uint32_t i = 0; i < n; i++)
		(void)core_step(core,
			&(struct event){.kind = EVENT_ROW,
				.service = i,
				.change = ROW_CHANGED,
				.policy = usual(4)},
			now_ns);
	(void)core_step(core, &(struct event){.kind = EVENT_TABLE}, now_ns);
	began_ns = real_ns();
	while (steps < options->events) {
		uint32_t i = (uint32_t)prng_below(&prng, n);
		struct event event = {
			.kind = EVENT_CLIENTS, .service = i, .depth = 1};
		const struct actions *actions;

		now_ns += 1000;
		if (serials[i] == 0) {
			actions = core_step(core, &event, now_ns);
			for (uint32_t j = 0; j < actions->n; j++)
				if (actions->items[j].kind == ACTION_SPAWN) {
					slots[i] = actions->items[j].slot;
					serials[i] = actions->items[j].serial;
				}
			steps++;
			continue;
		}
		event = (struct event){.slot = slots[i],
			.serial = serials[i],
			.cpu_ns = NS_PER_MS / 2};
		event.kind = EVENT_TAKEN;
		(void)core_step(core, &event, now_ns);
		event.kind = EVENT_READY;
		(void)core_step(core, &event, now_ns + 500);
		steps += 2;
		if (core_deadline_ns(core) <= now_ns + 500) {
			event.kind = EVENT_TIME;
			(void)core_step(core, &event, now_ns + 500);
			steps++;
		}
	}
	printf("{\"services\": %u, \"steps\": %" PRIu64
	       ", \"ns_per_step\": %.1f}\n",
		n, steps, (double)(real_ns() - began_ns) / (double)steps);
	free(core);
	free(slots);
	free(serials);
	return 0;
}

/* ---- words of the command line ----------------------------------------------------- */

static bool take_number(struct options *o, const char *name, uint64_t number)
{
	uint32_t narrow = (uint32_t)number;

	if (strcmp(name, "--cpus") == 0)
		o->cpus = narrow;
	else if (strcmp(name, "--clients") == 0)
		o->clients = narrow;
	else if (strcmp(name, "--limit") == 0)
		o->limit = narrow;
	else if (strcmp(name, "--bursts") == 0)
		o->bursts = narrow;
	else if (strcmp(name, "--services") == 0)
		o->services = narrow;
	else if (strcmp(name, "--events") == 0)
		o->events = number;
	else if (strcmp(name, "--start-cpu-us") == 0)
		o->start_cpu_ns = number * 1000;
	else if (strcmp(name, "--start-sleep-us") == 0)
		o->start_sleep_ns = number * 1000;
	else if (strcmp(name, "--hold-us") == 0)
		o->hold_ns = number * 1000;
	else if (strcmp(name, "--steady") == 0)
		o->steady = number;
	else
		return false;
	return true;
}

static bool is_policy(const char *name)
{
	return strcmp(name, "ours") == 0 || strcmp(name, "one") == 0 ||
	       strcmp(name, "each") == 0 || strcmp(name, "doubling") == 0;
}

static bool take_words(struct options *o, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--staying") == 0) {
			o->staying = true;
			continue;
		}
		if (i + 1 == argc)
			return false;
		if (strcmp(argv[i], "--policy") == 0)
			o->policy = argv[i + 1];
		else if (!take_number(
				 o, argv[i], strtoull(argv[i + 1], NULL, 10)))
			return false;
		i++;
	}
	return is_policy(o->policy) && o->cpus > 0 && o->limit > 0 &&
	       o->bursts > 0;
}

int main(int argc, char **argv)
{
	struct options options = {.policy = "ours",
		.cpus = 2,
		.clients = 50,
		.limit = 1000,
		.bursts = 1,
		.events = 1000000,
		.start_cpu_ns = NS_PER_MS / 2};
	struct world world;

	if (!take_words(&options, argc, argv)) {
		fprintf(stderr,
			"policy: wrong words; the head of policy.c has the right ones\n");
		return 2;
	}
	if (options.services > 0)
		return cost(&options);
	begin(&world, &options);
	run(&world);
	report(&world);
	finish(&world);
	return 0;
}
