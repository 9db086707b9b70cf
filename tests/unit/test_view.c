/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/pool.h"
#include "core/state.h"
#include "core/trace.h"
#include "core_script.h"

static void what_is_not_there_is_not_shown(void **state)
{
	(void)state;
	script_check("view service=0 gone\n"
		     "view service=4000000000 gone\n"
		     "worker slot=0 gone\n"
		     "worker slot=4000000000 gone\n"
		     "row service=0 change=changed\n"
		     "view service=0 gone\n"
		     "table\n"
		     "> watch service=0\n"
		     "view service=0 total=0\n"
		     "worker slot=0 gone\n");
}

static void a_service_is_shown_with_its_pause_and_its_cause(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed throttle_time=1h\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=3\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"> spawn service=0 slot=2 serial=3\n"
		"view service=0 starting=3 depth=3 limit=4 watching=0\n"
		"start-failed slot=0 serial=1 stage=4 error=13 temporary=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"> watch service=0\n"
		"view service=0 starting=2 cause=1 stage=4 error=13 failures=1 starts=3\n"
		"at 300ms\n"
		"view service=0 throttled_ns=0 cause=1\n");
}

static void a_worker_is_shown_with_its_ages(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"at 1s\n"
		"ready slot=0 serial=1\n"
		"> watch service=0\n"
		"at 3s\n"
		"worker slot=0 state=2 service=0 serial=1 age_ns=3000000000 since_ns=2000000000\n"
		"ready slot=0 serial=1\n"
		"worker slot=0 since_ns=2000000000\n"
		"taken slot=0 serial=1\n"
		"at 4s\n"
		"worker slot=0 state=3 age_ns=4000000000 since_ns=1000000000\n");
}

/* ---- the audit: it must see what it is there for ----------------------- */

#define NOW_NS (50 * NS_PER_S)

static const struct core_limits limits = {
	.services_max = 2, .workers_max = 4, .seed = 1};

static void tell(struct core *core, const char *line, uint64_t now_ns)
{
	struct event event;

	assert_true(trace_parse_event(line, &event));
	if (event.kind == EVENT_ROW)
		event.policy = (struct policy){.process_limit = 3,
			.start_rate = 10,
			.start_burst = 10,
			.throttle_time_ns = NS_PER_S,
			.deaf_time_ns = NS_PER_S,
			.wakeup_ns = 7 * NS_PER_S,
			.drain_time_ns = NS_PER_S,
			.kill_time_ns = NS_PER_S};
	(void)core_step(core, &event, now_ns);
}

/* A pool with one worker of each kind: RETIRING, READY, STARTING. */
static struct core *some_core(void)
{
	void *memory = test_calloc(1, core_size(&limits));
	struct core *core = core_init(memory, &limits);

	tell(core, "row service=0 change=changed", NOW_NS);
	tell(core, "table", NOW_NS);
	tell(core, "time", NOW_NS);
	tell(core, "clients service=0 depth=1", NOW_NS);
	tell(core, "row service=0 change=changed", NOW_NS);
	tell(core, "table", NOW_NS);
	tell(core, "time", NOW_NS);
	tell(core, "clients service=0 depth=2", NOW_NS);
	tell(core, "ready slot=1 serial=2", NOW_NS);
	assert_null(core_audit(core, NOW_NS));
	return core;
}

static void a_list_that_is_cut(struct core *core)
{
	core->pools[0].first = core->workers[core->pools[0].first].next;
}

static void a_count_that_is_off(struct core *core)
{
	core->pools[0].count[WORKER_READY]++;
}

static void a_suspect_nobody_counted(struct core *core)
{
	core->workers[1].suspect = true;
}

static void a_slot_that_is_lost(struct core *core)
{
	core->workers_n--;
}

static void an_old_one_that_stays(struct core *core)
{
	core->workers[1].epoch--;
	core->pools[0].old_n = 1;
}

static void an_old_one_nobody_counted(struct core *core)
{
	core->workers[1].epoch--;
}

static void a_roll_of_nobody(struct core *core)
{
	core->pools[0].roll.on = true;
}

static void too_many_idle_ones(struct core *core)
{
	core->pools[0].policy.process_limit = 1;
}

static void nobody_listens(struct core *core)
{
	tell(core, "taken slot=1 serial=2", NOW_NS);
	tell(core, "taken slot=2 serial=3", NOW_NS);
	tell(core, "exited slot=0 serial=1", NOW_NS);
	core->pools[0].watching = false;
	core->pools[0].look_ns = 0;
}

static void a_lease_without_an_end(struct core *core)
{
	core->pools[0].lease.pending = false;
	core->pools[0].lease.next_ns = 0;
	core->pools[0].look_ns = 0;
	core->pools[0].watching = false;
}

static void no_timer(struct core *core)
{
	deadline_set(&core->deadlines, 0, DEADLINE_NONE);
}

static void a_pause_for_ever(struct core *core)
{
	core->pools[0].backoff.pause_ns = 2 * NS_PER_S;
}

static void no_serial(struct core *core)
{
	core->workers[1].serial = 0;
}

static void leaving_unasked(struct core *core)
{
	core->workers[0].asked = false;
}

static void leaving_without_a_deadline(struct core *core)
{
	worker_set_deadline(core, &core->workers[0], DEADLINE_NONE);
}

static void pushed_and_not_leaving(struct core *core)
{
	core->workers[1].rung = RUNG_TERM;
}

static void watched_and_leaving(struct core *core)
{
	tell(core, "table", NOW_NS);
	core->pools[0].watching = true;
}

static void done_too_early(struct core *core)
{
	tell(core, "stop", NOW_NS);
	core->done = true;
}

static void the_audit_sees_every_broken_promise(void **state)
{
	static const struct {
		void (*break_it)(struct core *core);
		const char *promise;
	} cases[] = {
		{a_list_that_is_cut, "I1:"},
		{a_count_that_is_off, "I1:"},
		{a_suspect_nobody_counted, "I1:"},
		{a_slot_that_is_lost, "I1:"},
		{an_old_one_that_stays, "I9:"},
		{an_old_one_nobody_counted, "I1:"},
		{a_roll_of_nobody, "I50:"},
		{too_many_idle_ones, "I2:"},
		{nobody_listens, "I3:"},
		{a_lease_without_an_end, "I3:"},
		{no_timer, "I18:"},
		{a_pause_for_ever, "I17:"},
		{no_serial, "I6:"},
		{leaving_unasked, "I13:"},
		{leaving_without_a_deadline, "I14:"},
		{pushed_and_not_leaving, "I13:"},
		{watched_and_leaving, "I12:"},
		{done_too_early, "I27:"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct core *core = some_core();
		const char *broken;

		cases[i].break_it(core);
		broken = core_audit(core, NOW_NS);
		if (broken == NULL)
			fail_msg("case %zu is not seen", i);
		else if (strncmp(broken, cases[i].promise,
				 strlen(cases[i].promise)) != 0)
			fail_msg("case %zu: %s", i, broken);
		test_free(core);
	}
}

static void looking_changes_nothing(void **state)
{
	size_t size = core_size(&limits);
	struct core *core = some_core();
	void *before = test_malloc(size);
	struct view_service service;
	struct view_worker worker;

	(void)state;
	memcpy(before, core, size);
	assert_true(core_view_service(core, 0, NOW_NS + NS_PER_S, &service));
	assert_true(core_view_worker(core, 1, NOW_NS + NS_PER_S, &worker));
	assert_null(core_audit(core, NOW_NS));
	assert_memory_equal(before, core, size);
	test_free(before);
	test_free(core);
}

/* I11: what the core keeps of a table does not depend on the one before. */
static void a_reload_ends_where_a_fresh_start_ends(void **state)
{
	struct view_service after, fresh;
	void *memory[2] = {test_calloc(1, core_size(&limits)),
		test_calloc(1, core_size(&limits))};
	struct core *a = core_init(memory[0], &limits);
	struct core *b = core_init(memory[1], &limits);

	(void)state;
	tell(a, "row service=1 change=changed", NOW_NS);
	tell(a, "table", NOW_NS);
	for (unsigned i = 0; i < 2; i++) {
		struct core *core = i ? b : a;

		tell(core, "row service=0 change=changed", 2 * NOW_NS);
		tell(core, "table", 2 * NOW_NS);
	}
	assert_true(core_view_service(a, 0, 2 * NOW_NS, &after));
	assert_true(core_view_service(b, 0, 2 * NOW_NS, &fresh));
	assert_int_equal(after.state, fresh.state);
	assert_int_equal(after.total, fresh.total);
	assert_int_equal(after.limit, fresh.limit);
	assert_int_equal(after.watching, fresh.watching);
	assert_int_equal(after.cause, fresh.cause);
	assert_int_equal(after.starts, fresh.starts);
	assert_int_equal(after.start_time_ns, fresh.start_time_ns);
	assert_false(core_view_service(a, 1, 2 * NOW_NS, &after));
	assert_int_equal(core_deadline_ns(a), core_deadline_ns(b));
	test_free(memory[0]);
	test_free(memory[1]);
}

/* I23: all the memory there is comes with core_init(). */
static void the_memory_is_what_was_asked_for(void **state)
{
	size_t size = core_size(&limits);
	unsigned char *memory = test_calloc(1, size + 64);
	struct core *core;

	(void)state;
	memset(memory + size, 0xa5, 64);
	core = core_init(memory, &limits);
	tell(core, "row service=0 change=changed", NOW_NS);
	tell(core, "row service=1 change=changed", NOW_NS);
	tell(core, "table", NOW_NS);
	tell(core, "clients service=0 depth=9", NOW_NS);
	tell(core, "clients service=1 depth=9", NOW_NS);
	tell(core, "quit", NOW_NS);
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(memory[size + i], 0xa5);
	test_free(memory);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_there_is_not_shown),
		cmocka_unit_test(
			a_service_is_shown_with_its_pause_and_its_cause),
		cmocka_unit_test(a_worker_is_shown_with_its_ages),
		cmocka_unit_test(the_audit_sees_every_broken_promise),
		cmocka_unit_test(looking_changes_nothing),
		cmocka_unit_test(a_reload_ends_where_a_fresh_start_ends),
		cmocka_unit_test(the_memory_is_what_was_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
