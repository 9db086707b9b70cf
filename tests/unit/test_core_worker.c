/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core_script.h"

/* catalogue 11 */
static void words_that_change_nothing_are_counted_and_do_nothing(void **state)
{
	(void)state;
	script_check("row service=0 change=changed\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "ready slot=0 serial=1\n"
		     "ready slot=0 serial=1\n"
		     "taken slot=0 serial=1\n"
		     "> watch service=0\n"
		     "taken slot=0 serial=1\n"
		     "taken slot=0 serial=1\n"
		     "view service=0 taken=1 redundant=3 served=1\n");
}

static void a_word_may_come_before_the_start_is_known(void **state)
{
	(void)state;
	script_check("row service=0 change=changed\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "taken slot=0 serial=1\n"
		     "> watch service=0\n"
		     "started slot=0 serial=1\n"
		     "worker slot=0 state=3\n"
		     "started slot=0 serial=1\n"
		     "worker slot=0 state=3\n");
}

/* catalogue 14 */
static void a_promised_word_that_does_not_come_is_a_failure(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed ready_notify=1 start_time_limit=5s\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"started slot=0 serial=1\n"
		"due 0.002s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"due 1s\n"
		"> watch service=0\n"
		"clients service=0 depth=0\n"
		"due 2s\n"
		"> watch service=0\n"
		"due 5s\n"
		"> notice notice=start-timeout service=0 slot=0 serial=1 number=5000000000\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"> kill service=0 slot=0 serial=1\n"
		"> ignore service=0\n"
		"view service=0 cause=2 failures=1\n"
		"# it is counted once\n"
		"exited slot=0 serial=1 code=0 signal=9\n"
		"view service=0 failures=1\n");
}

/* B1: it is for those that promised */
static void silent_workers_have_no_start_time_limit(void **state)
{
	(void)state;
	script_check("row service=0 change=changed start_time_limit=5s\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "started slot=0 serial=1\n"
		     "at 10s\n"
		     "time\n"
		     "> look service=0\n"
		     "> watch service=0\n"
		     "depth service=0 depth=0\n"
		     "worker slot=0 state=2 asked=0\n");
}

/* B7 */
static void a_mute_worker_counts_and_is_never_ready(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=2\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"ready slot=0 serial=1\n"
		"mute slot=0 serial=1\n"
		"mute slot=0 serial=1\n"
		"view service=0 ready=0 taken=1 mute=1 total=2\n"
		"# what is read of it late is gossip about the past\n"
		"ready slot=0 serial=1\n"
		"view service=0 ready=0 taken=1 mute=1\n"
		"exited slot=0 serial=1 code=0 signal=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"> watch service=0\n"
		"view service=0 taken=0 mute=0 total=1\n");
}

/* an average that forgets */
static void the_start_time_is_learned(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed\n"
		"table\n"
		"> watch service=0\n"
		"view service=0 start_time_ns=1000000000\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"at 200ms\n"
		"taken slot=0 serial=1\n"
		"> watch service=0\n"
		"view service=0 start_time_ns=800000000\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"at 400ms\n"
		"taken slot=1 serial=2\n"
		"> watch service=0\n"
		"view service=0 start_time_ns=650000000\n"
		"# only the first word after a start says something about starting\n"
		"at 1h\n"
		"ready slot=1 serial=2\n"
		"taken slot=1 serial=2\n"
		"view service=0 start_time_ns=650000000\n");
}

static void the_start_time_stays_within_reason(void **state)
{
	(void)state;
	script_check("row service=0 change=changed\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "at 10h\n"
		     "taken slot=0 serial=1\n"
		     "> watch service=0\n"
		     "view service=0 start_time_ns=60000000000\n");
}

static void a_crash_with_a_client_is_told_and_is_no_failed_start(void **state)
{
	(void)state;
	script_check("row service=0 change=changed\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "taken slot=0 serial=1\n"
		     "> watch service=0\n"
		     "exited slot=0 serial=1 code=0 signal=6\n"
		     "> notice notice=died service=0 slot=0 serial=1 number=0\n"
		     "view service=0 failures=1 exits=1 watching=1\n");
}

static void an_exit_with_a_client_served_is_nothing_special(void **state)
{
	(void)state;
	script_check("row service=0 change=changed\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "taken slot=0 serial=1\n"
		     "> watch service=0\n"
		     "ready slot=0 serial=1\n"
		     "> ignore service=0\n"
		     "exited slot=0 serial=1 code=0 signal=0\n"
		     "> watch service=0\n"
		     "view service=0 failures=0 exits=1 served=1\n");
}

/* I21: never by an exit */
static void served_is_counted_by_taken(void **state)
{
	(void)state;
	script_check("row service=0 change=changed\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "ready slot=0 serial=1\n"
		     "view service=0 served=0\n"
		     "taken slot=0 serial=1\n"
		     "> watch service=0\n"
		     "view service=0 served=1\n"
		     "ready slot=0 serial=1\n"
		     "> ignore service=0\n"
		     "taken slot=0 serial=1\n"
		     "> watch service=0\n"
		     "exited slot=0 serial=1 code=0 signal=0\n"
		     "view service=0 served=2\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			words_that_change_nothing_are_counted_and_do_nothing),
		cmocka_unit_test(a_word_may_come_before_the_start_is_known),
		cmocka_unit_test(
			a_promised_word_that_does_not_come_is_a_failure),
		cmocka_unit_test(silent_workers_have_no_start_time_limit),
		cmocka_unit_test(a_mute_worker_counts_and_is_never_ready),
		cmocka_unit_test(the_start_time_is_learned),
		cmocka_unit_test(the_start_time_stays_within_reason),
		cmocka_unit_test(
			a_crash_with_a_client_is_told_and_is_no_failed_start),
		cmocka_unit_test(
			an_exit_with_a_client_served_is_nothing_special),
		cmocka_unit_test(served_is_counted_by_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
