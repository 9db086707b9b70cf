/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"
#include "core/action.h"
#include "core/event.h"
#include "core/trace.h"

static uint32_t u32(struct prng *prng)
{
	return (uint32_t)(prng_next(prng) >> prng_below(prng, 33));
}

static uint64_t u64(struct prng *prng)
{
	return prng_next(prng) >> prng_below(prng, 64);
}

static int number(struct prng *prng)
{
	int n = (int)(u32(prng) & INT32_MAX);

	return prng_below(prng, 2) ? n : -n;
}

static bool flag(struct prng *prng)
{
	return prng_below(prng, 2) == 1;
}

static struct policy some_policy(struct prng *prng)
{
	return (struct policy){
		.process_limit = u32(prng),
		.surge = u32(prng),
		.roll_batch = u32(prng),
		.roll_percent = flag(prng),
		.roll_alive_ns = u64(prng),
		.generations_max = u32(prng),
		.spare_min = u32(prng),
		.spare_max = u32(prng),
		.share = u32(prng),
		.trim_interval_ns = u64(prng),
		.start_rate = u32(prng),
		.start_burst = u32(prng),
		.throttle_time_ns = u64(prng),
		.quick_exit_ns = u64(prng),
		.deaf_time_ns = u64(prng),
		.start_time_limit_ns = u64(prng),
		.wakeup_ns = u64(prng),
		.retire_grace_ns = u64(prng),
		.drain_time_ns = u64(prng),
		.stop_time_ns = u64(prng),
		.leave_time_ns = u64(prng),
		.kill_time_ns = u64(prng),
		.max_age_ns = u64(prng),
		.request_time_ns = u64(prng),
		.liveness_ns = u64(prng),
		.stress_time_ns = u64(prng),
		.ready_notify = flag(prng),
		.retire_signal = flag(prng),
		.on_deaf_kill = flag(prng),
		.bounces = flag(prng),
		.bounce_over = (uint32_t)u64(prng),
		.bounce_stay_ns = u64(prng),
		.throttle_whole = flag(prng),
		.replace_first = flag(prng),
		.wakeup_conditional = flag(prng),
		.mold = flag(prng),
	};
}

/* Of KIND, with every field that it uses, and no other. */
static struct event some_event(struct prng *prng, enum event_kind kind)
{
	struct event event = {.kind = kind};

	if (kind == EVENT_ROW || kind == EVENT_CLIENTS || kind == EVENT_DEPTH ||
		kind == EVENT_LISTENER_LOST || kind == EVENT_REMOLD ||
		kind == EVENT_SCALE || kind == EVENT_DRAIN ||
		kind == EVENT_RESUME)
		event.service = u32(prng);
	if (kind == EVENT_CLIENTS || kind == EVENT_DEPTH)
		event.depth = u32(prng);
	if (kind >= EVENT_STARTED && kind <= EVENT_EXITED) {
		event.slot = u32(prng);
		event.serial = u32(prng);
	}
	if (kind == EVENT_START_FAILED) {
		event.stage = number(prng);
		event.error = number(prng);
		event.temporary = flag(prng);
	}
	if (kind == EVENT_EXITED) {
		event.code = number(prng);
		event.signal = number(prng);
	}
	if (kind == EVENT_WORN)
		event.wear = (enum wear)prng_below(prng, WEARS);
	if (kind == EVENT_TAKEN)
		event.since_ns = flag(prng) ? u64(prng) : 0;
	if (kind == EVENT_SCALE) {
		event.policy.process_limit = u32(prng);
		event.policy.spare_min = u32(prng);
		event.policy.spare_max = u32(prng);
	}
	if (kind == EVENT_ROW) {
		event.change = (enum row_change)prng_below(prng, 3);
		event.policy = some_policy(prng);
	}
	return event;
}

static struct action some_action(struct prng *prng, enum action_kind kind)
{
	struct action action = {.kind = kind};

	if (kind != ACTION_DONE)
		action.service = u32(prng);
	if (kind == ACTION_SPAWN || kind == ACTION_NOTICE ||
		(kind >= ACTION_RETIRE && kind <= ACTION_KILL)) {
		action.slot = u32(prng);
		action.serial = u32(prng);
	}
	if (kind == ACTION_TERM)
		action.number = prng_below(prng, 2);
	if (kind == ACTION_SPAWN) {
		action.number = prng_below(prng, 2);
		action.worker =
			(enum worker_kind)prng_below(prng, WORKER_KINDS);
		action.mold_slot = flag(prng) ? u32(prng) : 0;
		action.mold_serial = flag(prng) ? u32(prng) : 0;
	}
	if (kind == ACTION_NOTICE) {
		action.notice = (enum notice)prng_below(prng, NOTICES);
		action.number = u64(prng);
	}
	return action;
}

static void an_event_comes_back_as_it_was(void **state)
{
	struct prng prng;

	(void)state;
	prng_seed(&prng, 1);
	for (unsigned n = 0; n < 1000 * EVENT_KINDS; n++) {
		struct event event =
			some_event(&prng, (enum event_kind)(n % EVENT_KINDS));
		struct event back;
		char line[TRACE_LINE_MAX];
		char again[TRACE_LINE_MAX];

		assert_true(
			trace_event(&event, line, sizeof(line)) < sizeof(line));
		assert_true(trace_parse_event(line, &back));
		(void)trace_event(&back, again, sizeof(again));
		assert_string_equal(line, again);
		assert_int_equal(back.kind, event.kind);
		assert_int_equal(back.depth, event.depth);
		assert_int_equal(back.code, event.code);
		assert_memory_equal(&back.policy, &event.policy,
			offsetof(struct policy, mold) + 1);
	}
}

static void an_action_comes_back_as_it_was(void **state)
{
	struct prng prng;

	(void)state;
	prng_seed(&prng, 2);
	for (unsigned n = 0; n < 1000 * ACTION_KINDS; n++) {
		struct action action = some_action(
			&prng, (enum action_kind)(n % ACTION_KINDS));
		struct action back;
		char line[TRACE_LINE_MAX];

		assert_true(trace_action(&action, line, sizeof(line)) <
			    sizeof(line));
		assert_true(trace_parse_action(line, &back));
		assert_int_equal(back.kind, action.kind);
		assert_int_equal(back.notice, action.notice);
		assert_int_equal(back.service, action.service);
		assert_int_equal(back.slot, action.slot);
		assert_int_equal(back.serial, action.serial);
		assert_true(back.number == action.number);
	}
}

static void lines_are_for_people_too(void **state)
{
	struct event event = {.kind = EVENT_CLIENTS, .service = 3, .depth = 5};
	struct action action = {
		.kind = ACTION_SPAWN, .service = 3, .slot = 0, .serial = 7};
	char line[TRACE_LINE_MAX];

	(void)state;
	assert_int_equal(trace_event(&event, line, sizeof(line)), 25);
	assert_string_equal(line, "clients service=3 depth=5");
	(void)trace_action(&action, line, sizeof(line));
	assert_string_equal(line, "spawn service=3 slot=0 serial=7");
	action.number = 1;
	(void)trace_action(&action, line, sizeof(line));
	assert_string_equal(line, "spawn service=3 slot=0 serial=7 stress=1");
}

static void fields_that_are_not_given_are_zero(void **state)
{
	struct event event = {.depth = 9, .code = 9};

	(void)state;
	assert_true(trace_parse_event("exited slot=2 serial=3", &event));
	assert_int_equal(event.kind, EVENT_EXITED);
	assert_int_equal(event.slot, 2);
	assert_int_equal(event.code, 0);
	assert_int_equal(event.depth, 0);
}

static void what_is_no_line_is_refused_and_nothing_is_written(void **state)
{
	static const char *const lines[] = {
		"",
		" ",
		"clients ",
		" clients service=1 depth=2",
		"clients service=1 depth=2 ",
		"clients  service=1",
		"Clients service=1",
		"clients service",
		"clients service=",
		"clients service=-1",
		"clients service=4294967296",
		"clients service=1x",
		"clients service=0x1",
		"clients slot=1",
		"clients service=1 colour=2",
		"exited slot=0 serial=1 code=99999999999999999999",
		"exited slot=0 serial=1 code=--1",
		"exited slot=0 serial=1 code=-",
		"start-failed slot=0 serial=1 temporary=2",
		"row service=0 change=perhaps",
		"row service=0 change=0",
		"spawn service=0 slot=0 serial=1",
		"time\n",
		"time now",
	};
	struct event event = {.kind = EVENT_QUIT, .depth = 77};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (trace_parse_event(lines[i], &event))
			fail_msg("taken: \"%s\"", lines[i]);
		assert_int_equal(event.kind, EVENT_QUIT);
		assert_int_equal(event.depth, 77);
	}
}

/* Whatever one byte becomes: refused, or a line that says what was read. */
static void a_wrong_byte_is_refused_or_means_what_it_says(void **state)
{
	char line[] = "row service=12 change=policy surge=5 ready_notify=1";
	size_t n = strlen(line);

	(void)state;
	for (size_t i = 0; i < n; i++)
		for (int byte = 1; byte < 256; byte++) {
			struct event event, back;
			char full[TRACE_LINE_MAX];
			char good = line[i];

			line[i] = (char)byte;
			if (trace_parse_event(line, &event)) {
				(void)trace_event(&event, full, sizeof(full));
				assert_true(trace_parse_event(full, &back));
				assert_int_equal(back.kind, event.kind);
				assert_int_equal(back.service, event.service);
				assert_int_equal(
					back.policy.surge, event.policy.surge);
			}
			line[i] = good;
		}
}

static void a_line_that_does_not_fit_is_cut_and_not_overrun(void **state)
{
	struct event event = {.kind = EVENT_CLIENTS, .service = 4000000000};
	char line[16];

	(void)state;
	memset(line, '~', sizeof(line));
	(void)trace_event(&event, line, 12);
	assert_true(memchr(line, '\0', 12) != NULL);
	assert_memory_equal(line + 12, "~~~~", 4);
	assert_memory_equal(line, "clients", 7);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_comes_back_as_it_was),
		cmocka_unit_test(an_action_comes_back_as_it_was),
		cmocka_unit_test(lines_are_for_people_too),
		cmocka_unit_test(fields_that_are_not_given_are_zero),
		cmocka_unit_test(
			what_is_no_line_is_refused_and_nothing_is_written),
		cmocka_unit_test(a_wrong_byte_is_refused_or_means_what_it_says),
		cmocka_unit_test(
			a_line_that_does_not_fit_is_cut_and_not_overrun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
