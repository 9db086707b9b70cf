/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_BENCH_POLICY_H
#define OSTLER_BENCH_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/prng.h"
#include "table/service.h"

/*
 * policy - a world of processors, workers and clients, in virtual time
 *
 * Knows:   what starts and clients want, and how processors are shared.
 * Decides: nothing: who starts workers is the core, or an imitation.
 * Never:   reads a clock.
 */
struct core;

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

/* The services' policy: nothing but LIMIT matters here. */
struct policy policy_usual(uint32_t limit);

struct core *policy_core(uint32_t services, uint32_t workers, uint32_t cpus);

/* Play it to its end. */
void world_run(struct world *w, const struct options *options);
void world_finish(struct world *w);

/* Zeroed; there is memory. */
void *room_of(size_t n, size_t size);

#endif
