/* SPDX-License-Identifier: MIT */
/*
 * sim - the core against a world that misbehaves, from seeds
 *
 * usage: sim [--seeds FILE] [--steps N] [--soak SECONDS] [--dir DIR]
 *        sim --seed N [--steps N] [--trace]
 *        sim --replay FILE [--trace]
 *
 * Without --seed: every seed of FILE, then 1, 2, 3 ... until N steps are done
 * (1,000,000), then new seeds for SECONDS more (0: without end). A run is some
 * thousand events; the promises are checked after each. Then the faults stop,
 * or the master does, and what was promised to happen in the end must happen.
 *
 * A run that breaks a promise says its seed and leaves the shortest history
 * that breaks it, as DIR/sim-SEED.history, for --replay.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/number.h"
#include "core/trace.h"
#include "core/view.h"
#include "history.h"
#include "promise.h"
#include "twin.h"
#include "world.h"

#define QUIET_NS (400 * NS_PER_S)    /* long enough for anything to be over */
#define PATIENCE_NS (200 * NS_PER_S) /* of a client that is not served */
#define QUIET_STEPS 1000000

struct sim {
	struct world world;
	struct promises promises;
	struct core *core; /* owned */
	struct twin twin;
	struct history history;
	uint64_t seed;
	uint64_t steps;
	bool trace;
	const char *broken;
};

struct options {
	const char *seeds, *replay, *dir;
	uint64_t seed, steps, soak_s;
	bool one, soak, trace;
};

/* ---- one step --------------------------------------------------------------- */

static void say(const struct sim *sim, const struct event *event,
	const struct actions *actions)
{
	char line[TRACE_LINE_MAX];

	(void)trace_event(event, line, sizeof(line));
	printf("@%" PRIu64 " %s\n", sim->world.now_ns, line);
	for (uint32_t i = 0; i < actions->n; i++) {
		(void)trace_action(&actions->items[i], line, sizeof(line));
		printf("> %s\n", line);
	}
}

static void step(struct sim *sim, const struct event *event)
{
	const struct actions *actions;

	if (sim->broken != NULL)
		return;
	history_add(&sim->history, sim->core, event, sim->world.now_ns);
	actions = promises_step(
		&sim->promises, sim->core, event, sim->world.now_ns);
	sim->steps++;
	if (sim->trace)
		say(sim, event, actions);
	for (uint32_t i = 0; i < actions->n; i++)
		world_perform(&sim->world, &actions->items[i]);
	sim->broken = sim->promises.broken;
	if (sim->broken == NULL)
		sim->broken = twin_follow(&sim->twin, sim->core, event,
			sim->world.now_ns, actions);
}

static void step_all(struct sim *sim, const struct batch *batch)
{
	for (unsigned i = 0; i < batch->n; i++)
		step(sim, &batch->events[i]);
}

static void break_if(struct sim *sim, bool broken, const char *promise)
{
	if (broken && sim->broken == NULL)
		sim->broken = promise;
}

/*
 * The core must not believe in a watch that is not armed. (One that is armed
 * and not believed in fires in vain, once.)
 */
static void check_watches(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->world.services_n; i++) {
		const struct world_service *s = &sim->world.services[i];
		struct view_service view;

		if (core_view_service(sim->core, i, sim->world.now_ns, &view))
			break_if(sim, view.watching && !s->armed,
				"B2: the watch is not what the core believes");
	}
}

/* One round of the master: what can be heard, and then the time. */
static bool round_of(struct sim *sim)
{
	struct event time = {.kind = EVENT_TIME};
	uint64_t due_ns = core_deadline_ns(sim->core);
	uint64_t next_ns = world_next_ns(&sim->world);
	struct batch batch;
	bool early;

	if (due_ns != UINT64_MAX)
		due_ns = world_awake_ns(&sim->world, due_ns);
	if (due_ns < next_ns)
		next_ns = due_ns;
	if (next_ns == UINT64_MAX)
		return false;
	if (next_ns < sim->world.now_ns)
		next_ns = sim->world.now_ns;
	world_pass(&sim->world, next_ns);
	/* Catalogue 65: in the shell's order, timers after all else. */
	early = due_ns <= next_ns && world_chance(&sim->world, FAULT_DISORDER);
	if (early)
		step(sim, &time);
	world_hear(&sim->world, &batch);
	step_all(sim, &batch);
	if (due_ns <= next_ns && !early)
		step(sim, &time);
	check_watches(sim);
	return sim->broken == NULL;
}

/* ---- what must happen in the end ----------------------------------------------- */

static bool waits_long(const struct sim *sim, const struct world_service *s)
{
	return s->depth > 0 && sim->world.now_ns - s->moved_ns > PATIENCE_NS;
}

/* What SIGKILL cannot end keeps its service, however much removed. */
static bool is_stuck(const struct sim *sim, uint32_t service)
{
	for (uint32_t i = 0; i < sim->world.slots_n; i++) {
		const struct promise_worker *worker = &sim->promises.workers[i];

		if (worker->live && worker->stuck && worker->service == service)
			return true;
	}
	return false;
}

/* Nobody can be helped whose lock has one that nothing ends. */
static bool is_locked(struct sim *sim, uint32_t service, bool for_ever)
{
	const struct guest *holder = guest_holder(&sim->world, service);

	return holder != NULL && holder->stopped &&
	       holder->unkillable == for_ever;
}

static void check_served(struct sim *sim, uint32_t service)
{
	const struct world_service *s = &sim->world.services[service];
	bool waits = waits_long(sim, s) && !is_locked(sim, service, true);
	struct view_service view;
	bool there =
		core_view_service(sim->core, service, sim->world.now_ns, &view);
	bool room = promises_room(&sim->promises, service) > 0;

	break_if(sim, there != s->configured && !is_stuck(sim, service),
		"L3: removed, and still there; or the other way round");
	if (!there)
		return;
	break_if(sim, waits && room, "L1: a client is not served");
	/* Those that seem to be busy are not doubted. */
	break_if(sim,
		waits && view.starting + view.ready > 0 &&
			is_locked(sim, service, false),
		"L1: who holds the lock is stopped, and nobody ends it");
	break_if(sim, waits && s->policy.on_deaf_kill && view.suspect,
		"L1: a client is not served, and nobody is killed for it");
	break_if(sim, view.throttled_ns > s->policy.throttle_time_ns + NS_PER_S,
		"L2: paused for ever");
}

/* One place of a service that may come under stress is no spare's. */
static bool lacks_spares(const struct sim *sim, uint32_t service,
	const struct view_service *view)
{
	const struct world_service *s = &sim->world.services[service];
	uint32_t room = promises_room(&sim->promises, service);

	if (!s->configured || view->throttled_ns > 0 || view->starting > 0)
		return false;
	/*
	 * A second, where a client of another service came before; and after
	 * a failure the last one started has to show that it stays.
	 */
	if (core_deadline_ns(sim->core) <=
		sim->world.now_ns + NS_PER_S + s->policy.quick_exit_ns)
		return false;
	return room > (s->policy.stress_time_ns != 0) &&
	       view->ready < sim->promises.services[service].policy.spare_min;
}

/* Nothing keeps new workers off. */
static bool rolls_on(const struct sim *sim, uint32_t service,
	const struct view_service *view)
{
	return view->throttled_ns == 0 && view->suspect == 0 &&
	       promises_room(&sim->promises, service) > 0;
}

static void check_healed(struct sim *sim, uint32_t service)
{
	const struct world_service *s = &sim->world.services[service];
	struct view_service view;

	if (!core_view_service(sim->core, service, sim->world.now_ns, &view))
		return;
	/* Slots that others fill are theirs: no rule takes them away. */
	break_if(sim,
		waits_long(sim, s) &&
			promises_slots(&sim->promises, service) > 0,
		"L1: all is well, and a client waits");
	break_if(sim, view.deaf && view.depth == 0, "L6: deaf for ever");
	break_if(sim, view.old > 0 && rolls_on(sim, service, &view),
		"L9: a roll that could go on, and does not end");
	break_if(sim, lacks_spares(sim, service, &view),
		"L8: room, no pause, and spares are missing");
}

static void check_workers(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->world.slots_n; i++) {
		struct view_worker view;
		bool there = core_view_worker(
			sim->core, i, sim->world.now_ns, &view);

		if (!there || view.since_ns < PATIENCE_NS)
			continue;
		break_if(sim, view.state == WORKER_RETIRING,
			"L3: retiring for ever");
		break_if(sim, view.state == WORKER_STARTING,
			"L6: starting for ever");
	}
}

/* Nothing to do, and no wake-up to come: no timer either. */
static bool may_be_due(const struct sim *sim)
{
	for (uint32_t i = 0; i < sim->world.services_n; i++)
		if (sim->world.services[i].configured &&
			(sim->world.services[i].policy.wakeup_ns != 0 ||
				sim->promises.services[i].policy.spare_min !=
					0))
			return true;
	return false;
}

static void quiesce(struct sim *sim, bool heal)
{
	uint64_t until_ns = sim->world.now_ns + QUIET_NS;
	uint64_t until_step = sim->steps + QUIET_STEPS;

	for (uint32_t i = 0; i < sim->world.services_n; i++)
		step(sim, &(struct event){.kind = EVENT_RESUME, .service = i});
	world_calm(&sim->world, heal);
	while (sim->world.now_ns < until_ns && sim->steps < until_step)
		if (!round_of(sim))
			break;
	break_if(sim, sim->steps >= until_step, "I18: time does not pass");
	for (uint32_t i = 0; i < sim->world.services_n; i++) {
		check_served(sim, i);
		if (heal)
			check_healed(sim, i);
	}
	if (heal)
		check_workers(sim);
	break_if(sim,
		heal && !may_be_due(sim) && core_view_workers(sim->core) == 0 &&
			core_deadline_ns(sim->core) != UINT64_MAX,
		"P10: nothing to do, and a timer for it");
}

static void end_by(struct sim *sim, enum event_kind kind)
{
	struct event event = {.kind = kind};

	step(sim, &event);
	for (unsigned i = 0; i < 40 && !sim->promises.done; i++)
		if (!round_of(sim))
			break;
}

/* L7: whatever else happens, a stop ends. */
static void stop(struct sim *sim)
{
	uint64_t until_ns = sim->world.now_ns + QUIET_NS;
	uint64_t dice = prng_below(&sim->world.prng, 4);

	end_by(sim, EVENT_STOP);
	if (dice > 1)
		end_by(sim, EVENT_HURRY);
	if (dice > 2)
		end_by(sim, EVENT_QUIT);
	while (!sim->promises.done && sim->world.now_ns < until_ns)
		if (!round_of(sim))
			break;
	break_if(sim, !sim->promises.done, "L7: a stop that does not end");
}

/* ---- one run ---------------------------------------------------------------------- */

static void begin(struct sim *sim, uint64_t seed, bool trace)
{
	struct core_limits limits;
	struct batch batch = {.n = 0};

	*sim = (struct sim){.seed = seed, .trace = trace};
	world_init(&sim->world, seed);
	limits = (struct core_limits){.services_max = sim->world.services_n,
		.workers_max = sim->world.slots_n,
		.seed = seed,
		.cpus = (uint32_t)prng_below(&sim->world.prng, 4)};
	sim->core = core_init(calloc(1, core_size(&limits)), &limits);
	promises_init(&sim->promises, &limits);
	twin_init(&sim->twin, &limits);
	history_init(&sim->history, &limits);
	world_reload(&sim->world, &batch);
	step_all(sim, &batch);
}

static void finish(struct sim *sim)
{
	history_finish(&sim->history);
	twin_finish(&sim->twin);
	free(sim->core);
}

static void run(struct sim *sim, uint64_t steps)
{
	uint64_t dice = prng_below(&sim->world.prng, 4);

	if (steps == 0)
		steps = 200 + prng_below(&sim->world.prng, 4000);
	/* A world where everybody hangs makes rounds and no steps. */
	for (uint64_t i = 0; i < 20 * steps && sim->steps < steps; i++)
		if (!round_of(sim))
			break;
	if (sim->broken == NULL && dice > 0)
		quiesce(sim, dice > 1);
	if (sim->broken == NULL)
		stop(sim);
}

static void report(struct sim *sim, const char *dir)
{
	char path[512];
	FILE *file;

	printf("# seed %" PRIu64 " breaks at step %" PRIu64 ": %s\n", sim->seed,
		sim->steps, sim->broken);
	history_shrink(&sim->history, sim->broken);
	(void)snprintf(path, sizeof(path), "%s/sim-%" PRIu64 ".history", dir,
		sim->seed);
	file = fopen(path, "w");
	if (file == NULL) {
		perror(path);
		return;
	}
	fprintf(file, "# seed %" PRIu64 ": %s\n", sim->seed, sim->broken);
	history_write(&sim->history, file);
	(void)fclose(file);
	printf("# %zu events of it are in %s\n", sim->history.n, path);
	if (sim->history.n <= 100)
		history_write(&sim->history, stdout);
}

/* True if no promise was broken; *STEPS grows by what was done. */
static bool run_seed(const struct options *options, uint64_t seed,
	uint64_t length, uint64_t *steps)
{
	static struct sim sim;
	bool good;

	begin(&sim, seed, options->trace);
	run(&sim, length);
	*steps += sim.steps;
	good = sim.broken == NULL;
	if (!good)
		report(&sim, options->dir);
	finish(&sim);
	return good;
}

/* ---- many runs --------------------------------------------------------------------- */

static bool verdict(bool good, unsigned number, const char *sentence)
{
	printf("%s %u - %s\n", good ? "ok" : "not ok", number, sentence);
	return good;
}

static bool run_known(const struct options *options, uint64_t *steps)
{
	FILE *file = options->seeds == NULL ? NULL : fopen(options->seeds, "r");
	char line[256];
	bool good = true;

	if (options->seeds != NULL && file == NULL) {
		perror(options->seeds);
		return false;
	}
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		uint64_t seed;

		if (sscanf(line, "%" SCNu64, &seed) == 1)
			good = run_seed(options, seed, 0, steps) && good;
	}
	if (file != NULL)
		(void)fclose(file);
	return good;
}

static bool run_new(const struct options *options, uint64_t *steps)
{
	uint64_t seed = 1;
	bool good = true;

	while (*steps < options->steps && good)
		good = run_seed(options, seed++, 0, steps);
	return good;
}

static double seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool run_soak(const struct options *options, uint64_t *steps)
{
	double until = seconds() + (double)options->soak_s;
	struct prng prng;
	bool good = true;

	prng_seed(&prng, (uint64_t)time(NULL));
	while (good && (options->soak_s == 0 || seconds() < until))
		good = run_seed(options, prng_next(&prng), 0, steps);
	return good;
}

static int run_many(const struct options *options)
{
	uint64_t steps = 0;
	double began = seconds();
	bool good;

	printf("1..%u\n", options->soak ? 3 : 2);
	good = verdict(run_known(options, &steps), 1,
		"seeds that failed once do not fail");
	good = verdict(run_new(options, &steps), 2,
		       "no promise breaks in a million steps") &&
	       good;
	if (options->soak)
		good = verdict(run_soak(options, &steps), 3,
			       "nor in many more") &&
		       good;
	printf("# %" PRIu64 " steps, %.0f a second\n", steps,
		(double)steps / (seconds() - began + 1e-9));
	return good ? 0 : 1;
}

static int replay(const struct options *options)
{
	struct history history;
	FILE *file = fopen(options->replay, "r");
	const char *broken;
	size_t steps;

	if (file == NULL) {
		perror(options->replay);
		return 2;
	}
	if (!history_read(&history, file))
		return 2;
	(void)fclose(file);
	broken = history_run(&history, options->trace ? stdout : NULL, &steps);
	printf("# %zu events: %s\n", steps,
		broken == NULL ? "no promise breaks" : broken);
	history_finish(&history);
	return broken == NULL ? 0 : 1;
}

static bool take_option(
	struct options *options, const char *name, const char *value)
{
	uint64_t number = strtoull(value, NULL, 10);

	if (strcmp(name, "--seeds") == 0)
		options->seeds = value;
	else if (strcmp(name, "--replay") == 0)
		options->replay = value;
	else if (strcmp(name, "--dir") == 0)
		options->dir = value;
	else if (strcmp(name, "--steps") == 0)
		options->steps = number;
	else if (strcmp(name, "--seed") == 0) {
		options->seed = number;
		options->one = true;
	} else if (strcmp(name, "--soak") == 0) {
		options->soak_s = number;
		options->soak = true;
	} else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	struct options options = {.dir = ".", .steps = 1000000};
	uint64_t steps = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--trace") == 0) {
			options.trace = true;
		} else if (i + 1 == argc ||
			   !take_option(&options, argv[i], argv[i + 1])) {
			fprintf(stderr,
				"usage: sim [--seeds FILE] [--steps N] [--soak SECONDS] [--dir DIR]\n"
				"       sim --seed N [--trace]\n"
				"       sim --replay FILE [--trace]\n");
			return 2;
		} else {
			i++;
		}
	}
	if (options.replay != NULL)
		return replay(&options);
	if (options.one)
		return run_seed(&options, options.seed, 0, &steps) ? 0 : 1;
	return run_many(&options);
}
