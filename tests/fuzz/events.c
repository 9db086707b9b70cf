/* SPDX-License-Identifier: MIT */
#include "events.h"

#include <stdbool.h>

#include "base/number.h"
#include "core/view.h"

uint8_t fuzz_next(struct fuzz_input *input)
{
	if (input->n == 0)
		return 0;
	input->n--;
	return *input->bytes++;
}

/* The least, the most and what lies between, as configurations have it. */
static uint64_t duration(struct fuzz_input *input, uint64_t min_ns)
{
	static const uint64_t values[] = {0, 1, NS_PER_MS, 10 * NS_PER_MS,
		200 * NS_PER_MS, NS_PER_S, 5 * NS_PER_S, 3600 * NS_PER_S,
		365 * 86400 * NS_PER_S};
	uint64_t value =
		values[fuzz_next(input) % (sizeof(values) / sizeof(values[0]))];

	return value > min_ns ? value : min_ns;
}

static struct policy some_policy(struct fuzz_input *input)
{
	uint8_t flags = fuzz_next(input);
	struct policy policy = {
		.process_limit = fuzz_next(input) % 8,
		.surge = fuzz_next(input) % 4,
		.spare_min = fuzz_next(input) % 4,
		.spare_max = fuzz_next(input) % 4,
		.share = fuzz_next(input) % 4,
		.trim_interval_ns = duration(input, 0),
		.start_rate = flags & 8 ? 100000 : 1 + fuzz_next(input) % 20,
		.start_burst = flags & 16 ? 1000000 : 1 + fuzz_next(input) % 20,
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

	flags = fuzz_next(input);
	policy.bounces = (flags & 1) != 0;
	policy.bounce_over = (flags & 2) != 0;
	if ((flags & 4) != 0)
		policy.bounce_stay_ns = NS_PER_MS << (flags & 15);
	policy.canary = fuzz_next(input) % 4;
	policy.canary_percent = (flags & 8) != 0;
	policy.canary_time_ns = duration(input, 1);
	policy.canary_min = flags & 3;
	if (policy.surge == 0 && !policy.replace_first)
		policy.stress_time_ns = duration(input, 0);

	/* A wake-up each nanosecond is more than time can pass for. */
	if (policy.wakeup_ns != 0 && policy.wakeup_ns < NS_PER_MS)
		policy.wakeup_ns = NS_PER_MS;
	return policy;
}

static uint32_t serial(
	struct fuzz_input *input, const struct core *core, uint32_t slot)
{
	uint8_t byte = fuzz_next(input);
	struct view_worker view;

	if (byte >= 32 && core_view_worker(core, slot, BEGIN_NS, &view))
		return view.serial;
	return byte;
}

struct event fuzz_event(struct fuzz_input *input, const struct core *core)
{
	struct event event = {
		.kind = (enum event_kind)(fuzz_next(input) % EVENT_KINDS)};

	if (event.kind >= EVENT_STARTED && event.kind <= EVENT_EXITED) {
		event.slot = fuzz_next(input) % (SLOTS + 1);
		event.serial = serial(input, core, event.slot);
	} else if (event.kind != EVENT_TIME && event.kind < EVENT_STOP) {
		event.service = fuzz_next(input) % (SERVICES + 1);
		event.depth = fuzz_next(input) % 9;
	}
	if (event.kind >= EVENT_CLIENTS && event.kind <= EVENT_TAKEN &&
		event.kind != EVENT_STARTED && event.kind != EVENT_START_FAILED)
		event.cpu_ns = duration(input, 0);
	if (event.kind == EVENT_ROW) {
		event.service %= SERVICES;
		event.change = (enum row_change)(event.depth % 3);
		event.depth = 0;
		event.policy = some_policy(input);
		event.trial =
			event.policy.canary != 0 && (fuzz_next(input) & 1) != 0;
	}
	if (event.kind == EVENT_SCALE) {
		event.depth = 0;
		event.policy.process_limit = 1 + fuzz_next(input) % 7;
		event.policy.spare_min = fuzz_next(input) % 4;
		event.policy.spare_max = fuzz_next(input) % 4;
	}
	if (event.kind == EVENT_EXITED || event.kind == EVENT_START_FAILED) {
		uint8_t how = fuzz_next(input);

		event.code = how & 1;
		event.signal = how & 2 ? 9 : 0;
		event.temporary = (how & 4) != 0;
	}
	if (event.kind == EVENT_WORN)
		event.wear = (enum wear)(fuzz_next(input) % WEARS);
	if (event.kind == EVENT_TAKEN) {
		event.since_ns = duration(input, 0);
		event.clients = fuzz_next(input) % 4;
	}
	return event;
}

/* Not at all, a little, to what is due, or far beyond it. */
uint64_t fuzz_later(
	struct fuzz_input *input, const struct core *core, uint64_t now_ns)
{
	uint8_t byte = fuzz_next(input);
	uint64_t due_ns = core_deadline_ns(core);

	if (byte < 64)
		return now_ns;
	if (byte < 160)
		return due_ns < UINT64_MAX / 2 && due_ns > now_ns ? due_ns
								  : now_ns;
	if (byte < 224)
		return now_ns + (UINT64_C(1) << (byte % 34));
	return now_ns + byte % 32 * 86400 * NS_PER_S;
}
