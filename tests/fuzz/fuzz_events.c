/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/number.h"
#include "core/core.h"
#include "core/view.h"
#include "fuzz.h"
#include "sim/history.h"
#include "sim/promise.h"

/*
 * Any bytes as events for a core: of workers that are and of workers that are
 * not, in any order, at any distance in time, under any policy that a
 * configuration may ask for. After each every promise holds. What breaks one
 * is printed as the shortest history, for the simulator to replay.
 */

#define SERVICES 3
#define SLOTS 6
#define BEGIN_NS (1000 * NS_PER_S)
#define EVENTS_MAX 400
#define MEMORY_BYTES 65536

struct input {
	const uint8_t *bytes;
	size_t n;
};

static uint8_t next(struct input *input)
{
	if (input->n == 0)
		return 0;
	input->n--;
	return *input->bytes++;
}

/* The least, the most and what lies between, as configurations have it. */
static uint64_t duration(struct input *input, uint64_t min_ns)
{
	static const uint64_t values[] = {0, 1, NS_PER_MS, 10 * NS_PER_MS,
		200 * NS_PER_MS, NS_PER_S, 5 * NS_PER_S, 3600 * NS_PER_S,
		365 * 86400 * NS_PER_S};
	uint64_t value =
		values[next(input) % (sizeof(values) / sizeof(values[0]))];

	return value > min_ns ? value : min_ns;
}

static struct policy some_policy(struct input *input)
{
	uint8_t flags = next(input);
	struct policy policy = {
		.process_limit = next(input) % 8,
		.surge = next(input) % 4,
		.spare_min = next(input) % 4,
		.spare_max = next(input) % 4,
		.share = next(input) % 4,
		.trim_interval_ns = duration(input, 0),
		.start_rate = flags & 8 ? 100000 : 1 + next(input) % 20,
		.start_burst = flags & 16 ? 1000000 : 1 + next(input) % 20,
		.throttle_time_ns = duration(input, NS_PER_MS),
		.quick_exit_ns = duration(input, 0),
		.deaf_time_ns = duration(input, 10 * NS_PER_MS),
		.start_time_limit_ns = duration(input, 10 * NS_PER_MS),
		.wakeup_ns = duration(input, 0),
		.retire_grace_ns = duration(input, 0),
		.drain_time_ns = duration(input, 0),
		.stop_time_ns = duration(input, 0),
		.leave_time_ns = duration(input, 0),
		.kill_time_ns = duration(input, 0),
		.max_age_ns = duration(input, 0),
		.request_time_ns = duration(input, 0),
		.liveness_ns = duration(input, 0),
		.ready_notify = (flags & 1) != 0,
		.retire_signal = (flags & 2) != 0,
		.on_deaf_kill = (flags & 4) != 0,
		.throttle_whole = (flags & 32) != 0,
		.replace_first = (flags & 128) != 0,
		.wakeup_conditional = (flags & 64) != 0,
		.mold = (flags & 128) != 0,
	};

	flags = next(input);
	policy.bounces = (flags & 1) != 0;
	policy.bounce_over = (flags & 2) != 0;
	if ((flags & 4) != 0)
		policy.bounce_stay_ns = NS_PER_MS << (flags & 15);
	if (policy.surge == 0 && !policy.replace_first)
		policy.stress_time_ns = duration(input, 0);

	/* A wake-up each nanosecond is more than time can pass for. */
	if (policy.wakeup_ns != 0 && policy.wakeup_ns < NS_PER_MS)
		policy.wakeup_ns = NS_PER_MS;
	return policy;
}

static uint32_t serial(
	struct input *input, const struct core *core, uint32_t slot)
{
	uint8_t byte = next(input);
	struct view_worker view;

	if (byte >= 32 && core_view_worker(core, slot, BEGIN_NS, &view))
		return view.serial;
	return byte;
}

static struct event some_event(struct input *input, const struct core *core)
{
	struct event event = {
		.kind = (enum event_kind)(next(input) % EVENT_KINDS)};

	if (event.kind >= EVENT_STARTED && event.kind <= EVENT_EXITED) {
		event.slot = next(input) % (SLOTS + 1);
		event.serial = serial(input, core, event.slot);
	} else if (event.kind != EVENT_TIME && event.kind < EVENT_STOP) {
		event.service = next(input) % (SERVICES + 1);
		event.depth = next(input) % 9;
	}
	if (event.kind >= EVENT_CLIENTS && event.kind <= EVENT_TAKEN &&
		event.kind != EVENT_STARTED && event.kind != EVENT_START_FAILED)
		event.cpu_ns = duration(input, 0);
	if (event.kind == EVENT_ROW) {
		event.service %= SERVICES;
		event.change = (enum row_change)(event.depth % 3);
		event.depth = 0;
		event.policy = some_policy(input);
	}
	if (event.kind == EVENT_SCALE) {
		event.depth = 0;
		event.policy.process_limit = 1 + next(input) % 7;
		event.policy.spare_min = next(input) % 4;
		event.policy.spare_max = next(input) % 4;
	}
	if (event.kind == EVENT_EXITED || event.kind == EVENT_START_FAILED) {
		uint8_t how = next(input);

		event.code = how & 1;
		event.signal = how & 2 ? 9 : 0;
		event.temporary = (how & 4) != 0;
	}
	if (event.kind == EVENT_WORN)
		event.wear = (enum wear)(next(input) % WEARS);
	if (event.kind == EVENT_TAKEN)
		event.since_ns = duration(input, 0);
	return event;
}

/* Not at all, a little, to what is due, or far beyond it. */
static uint64_t later(
	struct input *input, const struct core *core, uint64_t now_ns)
{
	uint8_t byte = next(input);
	uint64_t due_ns = core_deadline_ns(core);

	if (byte < 64)
		return now_ns;
	if (byte < 160)
		return due_ns != UINT64_MAX && due_ns > now_ns ? due_ns
							       : now_ns;
	if (byte < 224)
		return now_ns + (UINT64_C(1) << (byte % 34));
	return now_ns + byte % 32 * 86400 * NS_PER_S;
}

static void broken(struct history *history, const char *promise)
{
	fprintf(stderr, "%s\n", promise);
	history_shrink(history, promise);
	history_write(history, stderr);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint64_t memory[MEMORY_BYTES / sizeof(uint64_t)];
	struct core_limits limits = {.services_max = SERVICES,
		.workers_max = SLOTS,
		.seed = 1,
		.cpus = 2};
	struct input input = {data, size};
	uint64_t now_ns = BEGIN_NS;
	struct promises promises;
	struct history history;
	struct core *core;

	assert(core_size(&limits) <= sizeof(memory));
	for (size_t i = 0; i < sizeof(memory) / sizeof(memory[0]); i++)
		memory[i] = 0;
	core = core_init(memory, &limits);
	promises_init(&promises, &limits);
	history_init(&history, &limits);
	for (unsigned i = 0; i < EVENTS_MAX && input.n > 0; i++) {
		struct event event = some_event(&input, core);

		now_ns = later(&input, core, now_ns);
		history_add(&history, core, &event, now_ns);
		(void)promises_step(&promises, core, &event, now_ns);
		if (promises.broken != NULL)
			broken(&history, promises.broken);
	}
	history_finish(&history);
	return 0;
}
