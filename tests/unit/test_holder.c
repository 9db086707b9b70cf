/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core_script.h"

/*
 * Some workers take turns at the listener by a lock: all but its holder are
 * deaf to clients, and new ones no help if it is stopped.
 */

/* catalogue 60 */
static void a_stopped_holder_of_the_lock_is_killed(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=2 throttle_whole=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"taken slot=0 serial=1\n"
		"taken slot=1 serial=2\n"
		"> notice notice=at-limit service=0 slot=0 serial=0 number=2\n"
		"ready slot=0 serial=1\n"
		"ready slot=1 serial=2\n"
		"at 1s\n"
		"time\n"
		"> look service=0\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"due 2s\n"
		"> look service=0\n"
		"depth service=0 depth=1\n"
		"> notice notice=suspect service=0 slot=0 serial=1 number=2\n"
		"> examine service=0\n"
		"> notice notice=deaf service=0 slot=0 serial=0 number=1\n"
		"stopped slot=0 serial=1\n"
		"> kill service=0 slot=0 serial=1\n"
		"stopped slot=0 serial=1\n"
		"exited slot=0 serial=1 code=0 signal=9\n"
		"> watch service=0\n"
		"view service=0 throttled_ns=0 failures=0 watching=1\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=3\n");
}

static void as_long_as_the_queue_rests_the_holder_is_looked_for(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=1 deaf_time=3s\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"taken slot=0 serial=1\n"
		"ready slot=0 serial=1\n"
		"at 1s\n"
		"time\n"
		"> look service=0\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"due 2s\n"
		"depth service=0 depth=1\n"
		"due 4s\n"
		"> look service=0\n"
		"depth service=0 depth=1\n"
		"> notice notice=suspect service=0 slot=0 serial=1 number=1\n"
		"> examine service=0\n"
		"> notice notice=deaf service=0 slot=0 serial=0 number=1\n"
		"due 7s\n"
		"> look service=0\n"
		"depth service=0 depth=1\n"
		"> examine service=0\n");
}

/* Each of them makes the master look early, and start another. */
static void ends_of_others_do_not_hide_who_holds_the_lock(void **state)
{
	(void)state;
	script_check("row service=0 change=changed\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=3\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "> spawn service=0 slot=1 serial=2\n"
		     "> spawn service=0 slot=2 serial=3\n"
		     "ready slot=0 serial=1\n"
		     "ready slot=1 serial=2\n"
		     "ready slot=2 serial=3\n"
		     "at 1s\n"
		     "time\n"
		     "> look service=0\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "at 1.1s\n"
		     "exited slot=2 serial=3 code=0 signal=0\n"
		     "due 1.12s\n"
		     "> look service=0\n"
		     "depth service=0 depth=1\n"
		     "> spawn service=0 slot=2 serial=4\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "at 2.5s\n"
		     "exited slot=1 serial=2 code=0 signal=0\n"
		     "due 2.5s\n"
		     "> look service=0\n"
		     "depth service=0 depth=1\n"
		     "> examine service=0\n"
		     "> spawn service=0 slot=1 serial=5\n"
		     "> watch service=0\n");
}

/* Nobody can be started, but one that is stopped can be found. */
static void in_a_pause_the_holder_is_looked_for_too(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed throttle_whole=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"ready slot=0 serial=1\n"
		"taken slot=1 serial=2\n"
		"exited slot=1 serial=2 code=1 signal=0\n"
		"> notice notice=died service=0 slot=1 serial=2 number=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"at 1s\n"
		"time\n"
		"> look service=0\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"due 2s\n"
		"> look service=0\n"
		"depth service=0 depth=1\n"
		"> notice notice=suspect service=0 slot=0 serial=1 number=1\n"
		"> examine service=0\n"
		"due 3s\n"
		"> look service=0\n"
		"depth service=0 depth=1\n"
		"> examine service=0\n"
		"view service=0 deaf=0 suspect=1\n"
		"# and who is no more in the way is believed\n"
		"due 4s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"> watch service=0\n"
		"view service=0 suspect=0\n");
}

static void one_that_leaves_may_hold_the_others_up(void **state)
{
	(void)state;
	script_check("row service=0 change=changed\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "row service=0 change=changed\n"
		     "table\n"
		     "> retire service=0 slot=0 serial=1\n"
		     "> leftovers service=0\n"
		     "> watch service=0\n"
		     "stopped slot=0 serial=1\n"
		     "> kill service=0 slot=0 serial=1\n"
		     "stopped slot=7 serial=9\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stopped_holder_of_the_lock_is_killed),
		cmocka_unit_test(
			as_long_as_the_queue_rests_the_holder_is_looked_for),
		cmocka_unit_test(ends_of_others_do_not_hide_who_holds_the_lock),
		cmocka_unit_test(in_a_pause_the_holder_is_looked_for_too),
		cmocka_unit_test(one_that_leaves_may_hold_the_others_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
