/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core_script.h"

/* Postfix's "bad command startup" */
static void a_bad_end_before_the_first_cycle_pauses_all_of_the_time(
	void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed throttle_whole=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"taken slot=0 serial=1\n"
		"ready slot=0 serial=1\n"
		"taken slot=1 serial=2\n"
		"exited slot=1 serial=2 code=1 signal=0\n"
		"> notice notice=died service=0 slot=1 serial=2 number=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"view service=0 throttled_ns=60000000000 cause=3 code=1 failures=1\n"
		"# those that are there go on, and end nothing\n"
		"taken slot=0 serial=1\n"
		"ready slot=0 serial=1\n"
		"at 59s\n"
		"time\n"
		"> look service=0\n"
		"> watch service=0\n"
		"taken slot=0 serial=1\n"
		"> ignore service=0\n"
		"view service=0 throttled_ns=1000000000\n"
		"due 60s\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=1 serial=3\n"
		"taken slot=1 serial=3\n"
		"> notice notice=recovered service=0 slot=0 serial=0 number=0\n"
		"> watch service=0\n");
}

static void a_pause_under_way_is_not_extended(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed throttle_whole=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"exited slot=0 serial=1 code=1 signal=0\n"
		"> notice notice=died service=0 slot=0 serial=1 number=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"> watch service=0\n"
		"at 30s\n"
		"exited slot=1 serial=2 code=0 signal=9\n"
		"> notice notice=died service=0 slot=1 serial=2 number=0\n"
		"> ignore service=0\n"
		"view service=0 throttled_ns=30000000000 failures=2\n");
}

/* The same failure again does not make the pause longer. */
static void whole_pauses_do_not_grow(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed throttle_whole=1 throttle_time=7s\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"exited slot=0 serial=1 code=1 signal=0\n"
		"> notice notice=died service=0 slot=0 serial=1 number=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"at 6.9s\n"
		"time\n"
		"> look service=0\n"
		"view service=0 throttled_ns=100000000\n"
		"due 7s\n"
		"> watch service=0\n"
		"clients service=0 depth=3\n"
		"> spawn service=0 slot=0 serial=2\n"
		"exited slot=0 serial=2 code=1 signal=0\n"
		"> notice notice=died service=0 slot=0 serial=2 number=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"view service=0 throttled_ns=7000000000\n"
		"at 13.9s\n"
		"time\n"
		"due 14s\n"
		"> watch service=0\n");
}

static void a_program_that_cannot_run_pauses_all_of_the_time(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed throttle_whole=1\n"
		"row service=1 change=changed throttle_whole=1\n"
		"table\n"
		"> watch service=0\n"
		"> watch service=1\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"start-failed slot=0 serial=1 stage=9 error=2 temporary=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"view service=0 throttled_ns=60000000000 cause=1\n"
		"# want of a resource is over sooner\n"
		"clients service=1 depth=1\n"
		"> spawn service=1 slot=0 serial=2\n"
		"start-failed slot=0 serial=2 stage=0 error=11 temporary=1\n"
		"> notice notice=throttled service=1 slot=0 serial=0 number=*\n"
		"at 60ms\n"
		"view service=1 throttled_ns=0 cause=1\n");
}

/* use_count > 0: the worker had proven itself */
static void a_bad_end_after_a_cycle_pauses_nothing(void **state)
{
	(void)state;
	script_check("row service=0 change=changed throttle_whole=1\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "taken slot=0 serial=1\n"
		     "> watch service=0\n"
		     "ready slot=0 serial=1\n"
		     "> ignore service=0\n"
		     "taken slot=0 serial=1\n"
		     "> watch service=0\n"
		     "exited slot=0 serial=1 code=0 signal=11\n"
		     "> notice notice=died service=0 slot=0 serial=1 number=0\n"
		     "view service=0 throttled_ns=0 watching=1 failures=0\n");
}

/* As stock daemons do it when a lookup table has changed. */
static void an_exit_0_at_once_pauses_for_a_moment(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed throttle_whole=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"started slot=0 serial=1\n"
		"exited slot=0 serial=1 code=0 signal=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"at 226ms\n"
		"time\n"
		"> look service=0\n"
		"> watch service=0\n"
		"view service=0 throttled_ns=0 cause=3 code=0\n"
		"# a bad end in such a pause is one all the same\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=2\n"
		"started slot=0 serial=2\n"
		"exited slot=0 serial=2 code=0 signal=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"at 300ms\n"
		"view service=0 cause=3\n");
}

static void a_bad_end_in_a_short_pause_makes_it_whole(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed throttle_whole=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"exited slot=0 serial=1 code=0 signal=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"> watch service=0\n"
		"exited slot=1 serial=2 code=1 signal=0\n"
		"> notice notice=died service=0 slot=1 serial=2 number=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"> ignore service=0\n"
		"view service=0 throttled_ns=60000000000\n"
		"at 59s\n"
		"time\n"
		"> look service=0\n"
		"due 60s\n"
		"> watch service=0\n"
		"# and a short one after it begins as short as ever\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=1 serial=3\n"
		"exited slot=1 serial=3 code=0 signal=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"at 60.226s\n"
		"view service=0 throttled_ns=0\n");
}

/* Nothing that a worker says ends it; a reload does. */
static void only_a_reload_ends_a_whole_pause(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed throttle_whole=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"start-failed slot=0 serial=1 stage=9 error=2 temporary=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"> watch service=0\n"
		"# it is as young as the failure\n"
		"taken slot=1 serial=2\n"
		"> ignore service=0\n"
		"view service=0 throttled_ns=60000000000\n"
		"row service=0 change=changed throttle_whole=1\n"
		"table\n"
		"> retire service=0 slot=1 serial=2\n"
		"> leftovers service=0\n"
		"> watch service=0\n"
		"view service=0 throttled_ns=0 watching=1\n");
}

/* ---- wake-ups ------------------------------------------------------------ */

static void a_conditional_wake_up_waits_for_the_first_worker(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed wakeup=60s wakeup_conditional=1\n"
		"table\n"
		"> watch service=0\n"
		"due never\n"
		"at 5s\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"due 5s\n"
		"> wake service=0\n"
		"due 5.002s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"taken slot=0 serial=1\n"
		"> watch service=0\n"
		"due 65s\n"
		"> wake service=0\n"
		"taken slot=0 serial=1\n"
		"row service=0 change=changed wakeup=60s wakeup_conditional=1\n"
		"table\n"
		"> retire service=0 slot=0 serial=1\n"
		"> leftovers service=0\n"
		"exited slot=0 serial=1 code=0 signal=0\n"
		"due never\n");
}

static void a_reload_of_the_policy_keeps_the_time(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed wakeup=60s wakeup_conditional=1\n"
		"table\n"
		"> watch service=0\n"
		"row service=0 change=policy wakeup=10s wakeup_conditional=1\n"
		"table\n"
		"due never\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"due 0s\n"
		"> wake service=0\n"
		"due 0.002s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"taken slot=0 serial=1\n"
		"> watch service=0\n"
		"row service=0 change=policy wakeup=7s wakeup_conditional=1\n"
		"table\n"
		"due 7.002s\n"
		"> wake service=0\n");
}

/* A wake-up is a client like any: it may wait for a start. */
static void a_rate_that_is_spent_keeps_no_wake_up_away(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed wakeup=100ms start_rate=1 start_burst=1\n"
		"table\n"
		"> watch service=0\n"
		"due 0s\n"
		"> wake service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"taken slot=0 serial=1\n"
		"at 100ms\n"
		"time\n"
		"> wake service=0\n"
		"> look service=0\n");
}

static void new_workers_are_woken_at_once(void **state)
{
	(void)state;
	script_check("row service=0 change=changed wakeup=60s\n"
		     "table\n"
		     "> watch service=0\n"
		     "due 0s\n"
		     "> wake service=0\n"
		     "at 10s\n"
		     "row service=0 change=changed wakeup=60s\n"
		     "table\n"
		     "> leftovers service=0\n"
		     "due 10s\n"
		     "> wake service=0\n"
		     "due 70s\n"
		     "> wake service=0\n");
}

/* ---- leaving ------------------------------------------------------------- */

static void those_of_a_removed_service_may_be_told_by_signal(void **state)
{
	(void)state;
	script_check("row service=0 change=changed leave_time_ns=0\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=2\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "> spawn service=0 slot=1 serial=2\n"
		     "taken slot=0 serial=1\n"
		     "table\n"
		     "> disconnect service=0 slot=1 serial=2\n"
		     "> term service=0 slot=1 serial=2\n"
		     "> disconnect service=0 slot=0 serial=1\n"
		     "> term service=0 slot=0 serial=1\n"
		     "> leftovers service=0\n"
		     "exited slot=0 serial=1 code=0 signal=15\n"
		     "due 5s\n"
		     "> kill service=0 slot=1 serial=2\n"
		     "exited slot=1 serial=2 code=0 signal=9\n"
		     "> close service=0\n");
}

static void a_removed_service_has_its_own_time(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed leave_time=2s drain_time=60s\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"taken slot=0 serial=1\n"
		"> watch service=0\n"
		"table\n"
		"> retire service=0 slot=0 serial=1\n"
		"> leftovers service=0\n"
		"> ignore service=0\n"
		"at 1s\n"
		"stop\n"
		"> leftovers service=0\n"
		"due 2s\n"
		"> notice notice=term service=0 slot=0 serial=1 number=0\n"
		"> disconnect service=0 slot=0 serial=1\n"
		"> term service=0 slot=0 serial=1\n"
		"exited slot=0 serial=1 code=0 signal=15\n"
		"> close service=0\n"
		"> done\n");
}

/* ---- ends that are news -------------------------------------------------- */

static void a_crash_is_news_whoever_asked_for_the_end(void **state)
{
	(void)state;
	script_check("row service=0 change=changed throttle_whole=1\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=3\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "> spawn service=0 slot=1 serial=2\n"
		     "> spawn service=0 slot=2 serial=3\n"
		     "row service=0 change=changed throttle_whole=1\n"
		     "table\n"
		     "> retire service=0 slot=2 serial=3\n"
		     "> retire service=0 slot=1 serial=2\n"
		     "> retire service=0 slot=0 serial=1\n"
		     "> leftovers service=0\n"
		     "> watch service=0\n"
		     "exited slot=0 serial=1 code=0 signal=11\n"
		     "> notice notice=died service=0 slot=0 serial=1 number=0\n"
		     "view service=0 failures=0 watching=1\n"
		     "# but not an end by a signal of ours\n"
		     "hurry\n"
		     "> leftovers service=0\n"
		     "> ignore service=0\n"
		     "> disconnect service=0 slot=1 serial=2\n"
		     "> term service=0 slot=1 serial=2\n"
		     "> disconnect service=0 slot=2 serial=3\n"
		     "> term service=0 slot=2 serial=3\n"
		     "exited slot=1 serial=2 code=0 signal=15\n"
		     "exited slot=2 serial=3 code=1 signal=0\n"
		     "> close service=0\n"
		     "> done\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_bad_end_before_the_first_cycle_pauses_all_of_the_time),
		cmocka_unit_test(a_pause_under_way_is_not_extended),
		cmocka_unit_test(whole_pauses_do_not_grow),
		cmocka_unit_test(
			a_program_that_cannot_run_pauses_all_of_the_time),
		cmocka_unit_test(a_bad_end_after_a_cycle_pauses_nothing),
		cmocka_unit_test(an_exit_0_at_once_pauses_for_a_moment),
		cmocka_unit_test(a_bad_end_in_a_short_pause_makes_it_whole),
		cmocka_unit_test(only_a_reload_ends_a_whole_pause),
		cmocka_unit_test(
			a_conditional_wake_up_waits_for_the_first_worker),
		cmocka_unit_test(a_reload_of_the_policy_keeps_the_time),
		cmocka_unit_test(a_rate_that_is_spent_keeps_no_wake_up_away),
		cmocka_unit_test(new_workers_are_woken_at_once),
		cmocka_unit_test(
			those_of_a_removed_service_may_be_told_by_signal),
		cmocka_unit_test(a_removed_service_has_its_own_time),
		cmocka_unit_test(a_crash_is_news_whoever_asked_for_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
