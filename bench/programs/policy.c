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
#include "policy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/number.h"
#include "core/core.h"

#define BEGIN_NS (1000 * NS_PER_S)

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
	struct core *core = policy_core(n, n, options->cpus);
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
				.policy = policy_usual(4)},
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
	world_run(&world, &options);
	report(&world);
	world_finish(&world);
	return 0;
}
