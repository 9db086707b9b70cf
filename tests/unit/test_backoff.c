/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core_script.h"

/* catalogue 22, I17: 200 ms, an eighth less or more, then twice that */
static void a_failed_start_pauses_and_doubles(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"start-failed slot=0 serial=1 stage=9 error=2 temporary=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"view service=0 watching=0 cause=1 stage=9 error=2 failures=1\n"
		"at 174ms\n"
		"time\n"
		"> look service=0\n"
		"at 226ms\n"
		"time\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=2\n"
		"start-failed slot=0 serial=2 stage=9 error=2 temporary=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"at 575ms\n"
		"time\n"
		"at 677ms\n"
		"time\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=3\n"
		"start-failed slot=0 serial=3 stage=9 error=2 temporary=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"at 1376ms\n"
		"time\n"
		"at 1578ms\n"
		"time\n"
		"> watch service=0\n");
}

/* I17 */
static void no_pause_is_longer_than_throttle_time(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed throttle_time=300ms\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"start-failed slot=0 serial=1 stage=9 error=2 temporary=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"at 1s\n"
		"time\n"
		"> look service=0\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=2\n"
		"start-failed slot=0 serial=2 stage=9 error=2 temporary=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"at 1.3s\n"
		"time\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=3\n"
		"start-failed slot=0 serial=3 stage=9 error=2 temporary=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"at 1.6s\n"
		"time\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=4\n"
		"start-failed slot=0 serial=4 stage=9 error=2 temporary=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"at 1.9s\n"
		"time\n"
		"> watch service=0\n");
}

/* the probe: a burst does not become a storm of failures */
static void only_one_is_tried_after_a_pause(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=4\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"> spawn service=0 slot=2 serial=3\n"
		"> spawn service=0 slot=3 serial=4\n"
		"start-failed slot=0 serial=1 stage=9 error=2 temporary=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"> watch service=0\n"
		"start-failed slot=1 serial=2 stage=9 error=2 temporary=0\n"
		"start-failed slot=2 serial=3 stage=9 error=2 temporary=0\n"
		"start-failed slot=3 serial=4 stage=9 error=2 temporary=0\n"
		"> ignore service=0\n"
		"view service=0 failures=4\n"
		"at 226ms\n"
		"time\n"
		"> look service=0\n"
		"> watch service=0\n"
		"clients service=0 depth=4\n"
		"> spawn service=0 slot=3 serial=5\n"
		"due 0.228s\n"
		"> look service=0\n"
		"depth service=0 depth=4\n"
		"# it works again: now all that are needed\n"
		"taken slot=3 serial=5\n"
		"> notice notice=recovered service=0 slot=0 serial=0 number=0\n"
		"> watch service=0\n"
		"clients service=0 depth=3\n"
		"> spawn service=0 slot=2 serial=6\n"
		"> spawn service=0 slot=1 serial=7\n"
		"> spawn service=0 slot=0 serial=8\n");
}

/* catalogue 24: no rate limit closes for ever */
static void a_probe_comes_after_any_number_of_failures(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed throttle_time=400ms\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"exited slot=0 serial=1 code=1 signal=0\n"
		"> notice notice=died service=0 slot=0 serial=1 number=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"at 1s\n"
		"time\n"
		"> look service=0\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=2\n"
		"exited slot=0 serial=2 code=1 signal=0\n"
		"> notice notice=died service=0 slot=0 serial=2 number=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"at 2s\n"
		"time\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=3\n"
		"exited slot=0 serial=3 code=1 signal=0\n"
		"> notice notice=died service=0 slot=0 serial=3 number=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"at 3s\n"
		"time\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=4\n"
		"taken slot=0 serial=4\n"
		"> notice notice=recovered service=0 slot=0 serial=0 number=0\n"
		"> watch service=0\n"
		"view service=0 taken=1 failures=3\n");
}

/* catalogue 23, B1 */
static void an_exit_0_at_once_is_a_failure_too(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"started slot=0 serial=1\n"
		"exited slot=0 serial=1 code=0 signal=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"view service=0 cause=3 code=0 failures=1\n");
}

/* B8: of a master before; whoever reaped it said nothing */
static void an_end_that_nobody_knows_is_no_failure(void **state)
{
	(void)state;
	script_check("row service=0 change=changed\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "started slot=0 serial=1\n"
		     "exited slot=0 serial=1 code=0 signal=0 unknown=1\n"
		     "> watch service=0\n"
		     "view service=0 failures=0\n");
}

/* B1: an idle worker may leave */
static void an_exit_0_after_a_while_is_not(void **state)
{
	(void)state;
	script_check("row service=0 change=changed\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "started slot=0 serial=1\n"
		     "due 0.002s\n"
		     "> look service=0\n"
		     "depth service=0 depth=0\n"
		     "at 1s\n"
		     "exited slot=0 serial=1 code=0 signal=0\n"
		     "> watch service=0\n"
		     "view service=0 failures=0\n");
}

/* B1 */
static void a_bad_end_before_the_first_client_is_a_failure_at_any_age(
	void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"ready slot=0 serial=1\n"
		"at 1h\n"
		"exited slot=0 serial=1 code=0 signal=11\n"
		"> notice notice=died service=0 slot=0 serial=1 number=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"view service=0 cause=3 signal=11 failures=1\n");
}

static void a_served_client_ends_the_pauses(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"start-failed slot=0 serial=1 stage=9 error=2 temporary=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"at 226ms\n"
		"time\n"
		"> look service=0\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=2\n"
		"start-failed slot=0 serial=2 stage=9 error=2 temporary=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"at 1s\n"
		"time\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=3\n"
		"taken slot=0 serial=3\n"
		"> notice notice=recovered service=0 slot=0 serial=0 number=0\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=1 serial=4\n"
		"start-failed slot=1 serial=4 stage=9 error=2 temporary=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"# from the shortest again\n"
		"at 1226ms\n"
		"time\n"
		"> watch service=0\n");
}

/* it served from before the command broke */
static void an_old_worker_does_not_vouch_for_a_new_command(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed\n"
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
		"at 100ms\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"start-failed slot=1 serial=2 stage=9 error=2 temporary=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"ready slot=0 serial=1\n"
		"taken slot=0 serial=1\n"
		"view service=0 watching=0 cause=1\n");
}

static void healthy_workers_of_a_throttled_service_go_on(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"ready slot=0 serial=1\n"
		"exited slot=1 serial=2 code=1 signal=0\n"
		"> notice notice=died service=0 slot=1 serial=2 number=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"> watch service=0\n"
		"view service=0 ready=1 retiring=0 failures=1\n");
}

static void ten_that_fail_together_are_one_pause(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=8\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=8\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"> spawn service=0 slot=2 serial=3\n"
		"> spawn service=0 slot=3 serial=4\n"
		"> spawn service=0 slot=4 serial=5\n"
		"> spawn service=0 slot=5 serial=6\n"
		"> spawn service=0 slot=6 serial=7\n"
		"> spawn service=0 slot=7 serial=8\n"
		"at 100ms\n"
		"exited slot=0 serial=1 code=1 signal=0\n"
		"> notice notice=died service=0 slot=0 serial=1 number=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"> watch service=0\n"
		"exited slot=1 serial=2 code=1 signal=0\n"
		"> notice notice=died service=0 slot=1 serial=2 number=0\n"
		"exited slot=2 serial=3 code=1 signal=0\n"
		"> notice notice=died service=0 slot=2 serial=3 number=0\n"
		"exited slot=3 serial=4 code=1 signal=0\n"
		"> notice notice=died service=0 slot=3 serial=4 number=0\n"
		"exited slot=4 serial=5 code=1 signal=0\n"
		"> notice notice=died service=0 slot=4 serial=5 number=0\n"
		"exited slot=5 serial=6 code=1 signal=0\n"
		"> notice notice=died service=0 slot=5 serial=6 number=0\n"
		"exited slot=6 serial=7 code=1 signal=0\n"
		"> notice notice=died service=0 slot=6 serial=7 number=0\n"
		"exited slot=7 serial=8 code=1 signal=0\n"
		"> notice notice=died service=0 slot=7 serial=8 number=0\n"
		"> ignore service=0\n"
		"at 326ms\n"
		"time\n"
		"> look service=0\n"
		"> watch service=0\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failed_start_pauses_and_doubles),
		cmocka_unit_test(no_pause_is_longer_than_throttle_time),
		cmocka_unit_test(only_one_is_tried_after_a_pause),
		cmocka_unit_test(a_probe_comes_after_any_number_of_failures),
		cmocka_unit_test(an_exit_0_at_once_is_a_failure_too),
		cmocka_unit_test(an_end_that_nobody_knows_is_no_failure),
		cmocka_unit_test(an_exit_0_after_a_while_is_not),
		cmocka_unit_test(
			a_bad_end_before_the_first_client_is_a_failure_at_any_age),
		cmocka_unit_test(a_served_client_ends_the_pauses),
		cmocka_unit_test(
			an_old_worker_does_not_vouch_for_a_new_command),
		cmocka_unit_test(healthy_workers_of_a_throttled_service_go_on),
		cmocka_unit_test(ten_that_fail_together_are_one_pause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
