/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/saved.h"
#include "check.h"
#include "core/core.h"
#include "core/event.h"
#include "core/save.h"
#include "core/view.h"

/* What a core was saved as is loaded, or refused. The simulator does more. */

#define NOW_NS (1000 * NS_PER_S)

static const struct core_limits limits = {
	.services_max = 2, .workers_max = 4, .seed = 1};

static const struct policy policy = {
	.process_limit = 3,
	.spare_min = 2,
	.start_rate = 100,
	.start_burst = 100,
	.throttle_time_ns = NS_PER_S,
	.deaf_time_ns = NS_PER_S,
	.kill_time_ns = NS_PER_S,
};

struct fixture {
	struct core *core; /* owned */
	char lines[8192];
	struct text_builder out;
};

static struct core *make(const struct core_limits *of)
{
	return core_init(calloc(1, core_size(of)), of);
}

static void save(struct fixture *f)
{
	text_builder_init(&f->out, f->lines, sizeof(f->lines));
	core_save(f->core, &f->out);
	assert_false(f->out.overflow);
}

/* A service with two workers, one of which has gone again. */
static void begin(struct fixture *f)
{
	f->core = make(&limits);
	(void)core_step(f->core,
		&(struct event){.kind = EVENT_ROW,
			.service = 1,
			.change = ROW_CHANGED,
			.policy = policy},
		NOW_NS);
	(void)core_step(f->core, &(struct event){.kind = EVENT_TABLE}, NOW_NS);
	(void)core_step(f->core,
		&(struct event){.kind = EVENT_STARTED, .slot = 0, .serial = 1},
		NOW_NS + 1);
	(void)core_step(f->core,
		&(struct event){.kind = EVENT_EXITED,
			.slot = 1,
			.serial = 2,
			.code = 1},
		NOW_NS + 2);
	save(f);
}

/* Of the lines as they are by now; NULL and *OUT_PROBLEM. */
static struct core *load(struct fixture *f, const struct core_limits *of,
	uint64_t now_ns, const char **out_problem)
{
	void *memory = calloc(1, core_size(of));
	struct saved_reader reader;
	struct core *core;

	saved_lines(&reader, text_of(f->lines), NULL);
	core = core_load(memory, of, &reader, now_ns);
	if (core == NULL)
		free(memory);
	*out_problem = reader.problem;
	return core;
}

static void what_is_loaded_is_what_was_saved(void **state)
{
	struct fixture f;
	struct view_service view;
	struct view_worker worker;
	const char *problem;
	struct core *core;
	char lines[sizeof(f.lines)];

	(void)state;
	begin(&f);
	core = load(&f, &limits, NOW_NS + 2, &problem);
	assert_non_null(core);
	assert_null(problem);
	assert_true(core_view_service(core, 1, NOW_NS + 2, &view));
	assert_false(core_view_service(core, 0, NOW_NS + 2, &view));
	assert_true(core_view_worker(core, 0, NOW_NS + 2, &worker));
	assert_int_equal(worker.serial, 1);
	assert_false(core_view_worker(core, 1, NOW_NS + 2, &worker));
	assert_true(core_deadline_ns(core) == core_deadline_ns(f.core));
	memcpy(lines, f.lines, sizeof(lines));
	free(f.core);
	f.core = core;
	save(&f);
	CHECK_TEXT(f.lines, lines);
	free(f.core);
}

/* Other limits, and the times of workers are still theirs. */
static void a_larger_core_has_room_for_it(void **state)
{
	const struct core_limits larger = {
		.services_max = 9, .workers_max = 90, .seed = 1};
	struct fixture f;
	struct core_limits saved;
	struct saved_reader reader;
	const char *problem;
	struct core *core;

	(void)state;
	begin(&f);
	saved_lines(&reader, text_of(f.lines), NULL);
	assert_true(core_saved_limits(&reader, &saved));
	assert_int_equal(saved.services_max, 2);
	assert_int_equal(saved.workers_max, 4);
	assert_int_equal(reader.line, 0);
	core = load(&f, &larger, NOW_NS + 2, &problem);
	assert_non_null(core);
	assert_true(core_deadline_ns(core) == core_deadline_ns(f.core));
	free(core);
	free(f.core);
}

static void a_smaller_core_has_not(void **state)
{
	const struct core_limits services = {
		.services_max = 1, .workers_max = 4, .seed = 1};
	const struct core_limits workers = {
		.services_max = 2, .workers_max = 1, .seed = 1};
	struct fixture f;
	const char *problem;

	(void)state;
	begin(&f);
	assert_null(load(&f, &services, NOW_NS + 2, &problem));
	CHECK_TEXT(problem, "there is no room for it");
	assert_null(load(&f, &workers, NOW_NS + 2, &problem));
	CHECK_TEXT(problem, "there is no room for it");
	free(f.core);
}

static void times_of_another_clock_are_refused(void **state)
{
	struct fixture f;
	const char *problem;

	(void)state;
	begin(&f);
	assert_null(load(&f, &limits, NOW_NS + 1, &problem));
	CHECK_TEXT(problem, "it is of another clock");
	free(f.core);
}

static void replace(struct fixture *f, const char *what, const char *by)
{
	char *at = strstr(f->lines, what);
	char rest[sizeof(f->lines)];

	assert_non_null(at);
	strcpy(rest, at + strlen(what));
	strcpy(at, by);
	strcat(at, rest);
}

static void what_cannot_have_been_is_refused(void **state)
{
	static const struct {
		const char *what, *by, *problem;
	} cases[] = {
		{" policy-deaf-time-ns=1000000000", "", "a policy has no rate"},
		{" policy-start-rate=100", "", "a policy has no rate"},
		{" policy-start-rate=100",
			" policy-surge=1 policy-stress-time-ns=1"
			" policy-start-rate=100",
			"a policy contradicts itself"},
		{"pool service=1", "pool service=2",
			"a service is out of range"},
		{"pool service=1 state=1", "pool service=1",
			"a service is there twice"},
		{"worker state=2", "worker slot=2 state=2",
			"a worker is of no service"},
		{"worker state=2", "worker", "a worker is there twice"},
		{" serial=1", "", "I6: a worker without a serial"},
		{"worker state=2", "worker state=3 suspect=1",
			"a suspect is not idle"},
		{"started-ns=1000", "started-ns=2000", "a time is yet to come"},
		{"free-slot slot=1\n", "", "a slot is missing"},
		{"free-slot slot=1", "free-slot", "a slot is there twice"},
		{"free-slot slot=1", "free-slot slot=3",
			"a slot is out of range"},
		{"free-slot slot=1\n", "free-slot slot=1\nfree-slot slot=1\n",
			"a slot is there twice"},
		{" due=1",
			" recycle-phase=1 recycle-serial=1 recycle-slot=9"
			" due=1",
			"a slot is out of range"},
	};
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *problem;

		begin(&f);
		replace(&f, cases[i].what, cases[i].by);
		assert_null(load(&f, &limits, NOW_NS + 2, &problem));
		CHECK_TEXT(problem, cases[i].problem);
		free(f.core);
	}
}

/* The serial of the next worker that F's core starts. */
static uint32_t next_serial(struct fixture *f)
{
	const struct actions *actions = core_step(f->core,
		&(struct event){.kind = EVENT_TIME}, NOW_NS + 10 * NS_PER_S);

	for (uint32_t i = 0; i < actions->n; i++)
		if (actions->items[i].kind == ACTION_SPAWN)
			return actions->items[i].serial;
	fail_msg("nobody was started");
	return 0;
}

static void a_serial_that_was_seen_is_nobody_elses(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	core_spend_serial(f.core, 7);
	core_spend_serial(f.core, 5);
	core_spend_serial(f.core, 1);
	core_spend_serial(f.core, 0);
	assert_int_equal(next_serial(&f), 8);
	free(f.core);
	begin(&f);
	core_spend_serial(f.core, UINT32_MAX / 2);
	core_spend_serial(f.core, UINT32_MAX - 5);
	core_spend_serial(f.core, 3);
	assert_int_equal(next_serial(&f), 4);
	free(f.core);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_loaded_is_what_was_saved),
		cmocka_unit_test(a_larger_core_has_room_for_it),
		cmocka_unit_test(a_smaller_core_has_not),
		cmocka_unit_test(times_of_another_clock_are_refused),
		cmocka_unit_test(what_cannot_have_been_is_refused),
		cmocka_unit_test(a_serial_that_was_seen_is_nobody_elses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
