/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CORE_CORE_H
#define OSTLER_CORE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/action.h"
#include "core/event.h"

/*
 * core - every decision of the master, and nothing else
 *
 * Knows:   each service's policy and pool, each worker's state, what is due
 *          when.
 * Decides: when to start, retire, signal and kill workers, when the master
 *          watches a listener, how long a service pauses, when all is done.
 * Never:   calls the system, allocates, reads a clock or logs. Time comes in
 *          with each event and decisions go out as actions, so equal inputs
 *          give equal outputs; tests, the simulator and replay rest on that.
 */
struct core;

struct core_limits {
	uint32_t services_max;
	uint32_t workers_max; /* of all services together */
	uint64_t seed;	      /* of the jitter in pauses */
	uint32_t cpus;	      /* for starts; 0: they are not paced */
};

/* Bytes that core_init() needs, zeroed and aligned as malloc() does it. */
size_t core_size(const struct core_limits *limits);

/*
 * Make a core in MEMORY, which the caller owns and keeps until the end.
 * Memory is touched on first use of a slot, so room for many costs little.
 */
struct core *core_init(void *memory, const struct core_limits *limits);

/*
 * Take one event at NOW_NS (monotonic; never less than the last one) and say
 * what to do about it. The list is the core's and good until the next step.
 * What has come due by NOW_NS is handled by EVENT_TIME alone.
 */
const struct actions *core_step(
	struct core *core, const struct event *event, uint64_t now_ns);

/* When EVENT_TIME should come next, or UINT64_MAX for never. */
uint64_t core_deadline_ns(const struct core *core);

/* Events dropped because their (slot, serial) was not current. */
uint64_t core_stale(const struct core *core);

#endif
