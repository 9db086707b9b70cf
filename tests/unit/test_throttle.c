/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core_script.h"

/* catalogue 21: 50 ms to 5 s */
static void want_of_a_resource_pauses_for_moments(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"start-failed slot=0 serial=1 stage=0 error=11 temporary=1\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"at 57ms\n"
		"time\n"
		"> look service=0\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=2\n"
		"start-failed slot=0 serial=2 stage=0 error=11 temporary=1\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"at 170ms\n"
		"time\n"
		"> watch service=0\n"
		"view service=0 cause=1 stage=0 error=11 watching=1\n");
}

/* catalogue 43: more than ten at once */
static void workers_that_keep_crashing_later_are_throttled_too(void **state)
{
	(void)state;
	script_check_in(
		"row service=0 change=changed process_limit=12\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=11\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"> spawn service=0 slot=2 serial=3\n"
		"> spawn service=0 slot=3 serial=4\n"
		"> spawn service=0 slot=4 serial=5\n"
		"> spawn service=0 slot=5 serial=6\n"
		"> spawn service=0 slot=6 serial=7\n"
		"> spawn service=0 slot=7 serial=8\n"
		"> spawn service=0 slot=8 serial=9\n"
		"> spawn service=0 slot=9 serial=10\n"
		"> spawn service=0 slot=10 serial=11\n"
		"taken slot=0 serial=1\n"
		"taken slot=1 serial=2\n"
		"taken slot=2 serial=3\n"
		"taken slot=3 serial=4\n"
		"taken slot=4 serial=5\n"
		"taken slot=5 serial=6\n"
		"taken slot=6 serial=7\n"
		"taken slot=7 serial=8\n"
		"taken slot=8 serial=9\n"
		"taken slot=9 serial=10\n"
		"taken slot=10 serial=11\n"
		"> watch service=0\n"
		"exited slot=0 serial=1 code=0 signal=11\n"
		"> notice notice=died service=0 slot=0 serial=1 number=0\n"
		"exited slot=1 serial=2 code=0 signal=11\n"
		"> notice notice=died service=0 slot=1 serial=2 number=0\n"
		"exited slot=2 serial=3 code=0 signal=11\n"
		"> notice notice=died service=0 slot=2 serial=3 number=0\n"
		"exited slot=3 serial=4 code=0 signal=11\n"
		"> notice notice=died service=0 slot=3 serial=4 number=0\n"
		"exited slot=4 serial=5 code=0 signal=11\n"
		"> notice notice=died service=0 slot=4 serial=5 number=0\n"
		"exited slot=5 serial=6 code=0 signal=11\n"
		"> notice notice=died service=0 slot=5 serial=6 number=0\n"
		"exited slot=6 serial=7 code=0 signal=11\n"
		"> notice notice=died service=0 slot=6 serial=7 number=0\n"
		"exited slot=7 serial=8 code=0 signal=11\n"
		"> notice notice=died service=0 slot=7 serial=8 number=0\n"
		"exited slot=8 serial=9 code=0 signal=11\n"
		"> notice notice=died service=0 slot=8 serial=9 number=0\n"
		"exited slot=9 serial=10 code=0 signal=11\n"
		"> notice notice=died service=0 slot=9 serial=10 number=0\n"
		"view service=0 watching=1 cause=4\n"
		"exited slot=10 serial=11 code=0 signal=11\n"
		"> notice notice=died service=0 slot=10 serial=11 number=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"> ignore service=0\n"
		"view service=0 watching=0 cause=4 signal=11 failures=11\n",
		(struct script_setup){.services_max = 4,
			.workers_max = 12,
			.last_serial = 0});
}

static void a_crash_in_a_pause_does_not_shorten_it(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"taken slot=1 serial=2\n"
		"start-failed slot=0 serial=1 stage=9 error=2 temporary=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"exited slot=1 serial=2 code=0 signal=11\n"
		"> notice notice=died service=0 slot=1 serial=2 number=0\n"
		"view service=0 watching=0 failures=2 cause=1 signal=0\n"
		"at 174ms\n"
		"time\n"
		"> look service=0\n"
		"at 226ms\n"
		"time\n"
		"> watch service=0\n");
}

/* I5, catalogue 43: whatever the cause */
static void the_start_rate_bounds_all_starts(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed start_rate=2 start_burst=3 process_limit=8\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=8\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"> spawn service=0 slot=2 serial=3\n"
		"view service=0 starting=3 cause=5\n"
		"taken slot=0 serial=1\n"
		"taken slot=1 serial=2\n"
		"taken slot=2 serial=3\n"
		"view service=0 watching=0 throttled_ns=500000000\n"
		"due 0.002s\n"
		"> look service=0\n"
		"due 0.5s\n"
		"> watch service=0\n"
		"clients service=0 depth=5\n"
		"> spawn service=0 slot=3 serial=4\n"
		"taken slot=3 serial=4\n"
		"due 0.502s\n"
		"due 1s\n"
		"> watch service=0\n");
}

static void a_new_command_is_tried_at_once(void **state)
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
		"row service=0 change=policy\n"
		"table\n"
		"view service=0 watching=0\n"
		"row service=0 change=changed\n"
		"table\n"
		"> leftovers service=0\n"
		"> watch service=0\n"
		"view service=0 watching=1 cause=0\n");
}

/* I17 */
static void a_lowered_throttle_time_counts_at_once(void **state)
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
		"at 1s\n"
		"time\n"
		"> look service=0\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=2\n"
		"start-failed slot=0 serial=2 stage=9 error=2 temporary=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"at 2s\n"
		"time\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=3\n"
		"start-failed slot=0 serial=3 stage=9 error=2 temporary=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"row service=0 change=policy throttle_time=100ms\n"
		"table\n"
		"due 2.002s\n"
		"due 2.1s\n"
		"> watch service=0\n");
}

/* two pauses and ten seconds without one */
static void failures_that_are_long_past_do_not_count(void **state)
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
		"at 300ms\n"
		"time\n"
		"> look service=0\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=2\n"
		"start-failed slot=0 serial=2 stage=9 error=2 temporary=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"at 30s\n"
		"time\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=3\n"
		"start-failed slot=0 serial=3 stage=9 error=2 temporary=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"at 30226ms\n"
		"time\n"
		"> watch service=0\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(want_of_a_resource_pauses_for_moments),
		cmocka_unit_test(
			workers_that_keep_crashing_later_are_throttled_too),
		cmocka_unit_test(a_crash_in_a_pause_does_not_shorten_it),
		cmocka_unit_test(the_start_rate_bounds_all_starts),
		cmocka_unit_test(a_new_command_is_tried_at_once),
		cmocka_unit_test(a_lowered_throttle_time_counts_at_once),
		cmocka_unit_test(failures_that_are_long_past_do_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
