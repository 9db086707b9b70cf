/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core_script.h"

#define TWO                                                                    \
	"row service=0 change=changed process_limit=4 drain_time=60s\n"        \
	"table\n"                                                              \
	"> watch service=0\n"                                                  \
	"clients service=0 depth=2\n"                                          \
	"> spawn service=0 slot=0 serial=1\n"                                  \
	"> spawn service=0 slot=1 serial=2\n"                                  \
	"ready slot=0 serial=1\n"                                              \
	"taken slot=1 serial=2\n"

#define DRAINED                                                                \
	TWO "drain service=0\n"                                                \
	    "> retire service=0 slot=1 serial=2\n"                             \
	    "> retire service=0 slot=0 serial=1\n"                             \
	    "> leftovers service=0\n"                                          \
	    "exited slot=0 serial=1 code=0 signal=0\n"                         \
	    "exited slot=1 serial=2 code=0 signal=0\n"                         \
	    "view service=0 state=4 total=0 watching=0\n"                      \
	    "due never\n"

static void workers_finish_and_nobody_comes(void **state)
{
	(void)state;
	script_check(TWO "drain service=0\n"
			 "> retire service=0 slot=1 serial=2\n"
			 "> retire service=0 slot=0 serial=1\n"
			 "> leftovers service=0\n"
			 "view service=0 state=4 retiring=2 watching=0\n"
			 "clients service=0 depth=3\n"
			 "depth service=0 depth=3\n"
			 "exited slot=0 serial=1 code=0 signal=0\n"
			 "ready slot=1 serial=2\n"
			 "> disconnect service=0 slot=1 serial=2\n"
			 "exited slot=1 serial=2 code=0 signal=0\n"
			 "view service=0 state=4 total=0 watching=0\n"
			 "due never\n");
}

static void a_client_that_takes_too_long_is_ended(void **state)
{
	(void)state;
	script_check(TWO "drain service=0\n"
			 "> retire service=0 slot=1 serial=2\n"
			 "> retire service=0 slot=0 serial=1\n"
			 "> leftovers service=0\n"
			 "exited slot=0 serial=1 code=0 signal=0\n"
			 "due 60s\n"
			 "> notice notice=term service=0 slot=1 serial=2 "
			 "number=0\n"
			 "> disconnect service=0 slot=1 serial=2\n"
			 "> term service=0 slot=1 serial=2\n");
}

static void who_waits_is_served_when_it_goes_on(void **state)
{
	(void)state;
	script_check(DRAINED "resume service=0\n"
			     "> watch service=0\n"
			     "view service=0 state=1 watching=1\n"
			     "clients service=0 depth=2\n"
			     "> spawn service=0 slot=1 serial=3\n"
			     "> spawn service=0 slot=0 serial=4\n");
}

static void going_on_need_not_wait_for_those_who_leave(void **state)
{
	(void)state;
	script_check(TWO "drain service=0\n"
			 "> retire service=0 slot=1 serial=2\n"
			 "> retire service=0 slot=0 serial=1\n"
			 "> leftovers service=0\n"
			 "resume service=0\n"
			 "> watch service=0\n"
			 "clients service=0 depth=1\n"
			 "> spawn service=0 slot=2 serial=3\n");
}

static void twice_is_once(void **state)
{
	(void)state;
	script_check(DRAINED "drain service=0\n"
			     "resume service=0\n"
			     "> watch service=0\n"
			     "resume service=0\n");
}

static void no_spare_and_no_wakeup_comes_meanwhile(void **state)
{
	(void)state;
	script_check("row service=0 change=changed process_limit=4 spare_min=1 "
		     "wakeup=10s\n"
		     "table\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "> watch service=0\n"
		     "drain service=0\n"
		     "> retire service=0 slot=0 serial=1\n"
		     "> leftovers service=0\n"
		     "> ignore service=0\n"
		     "exited slot=0 serial=1 code=0 signal=0\n"
		     "due never\n"
		     "resume service=0\n"
		     "> spawn service=0 slot=0 serial=2\n"
		     "> watch service=0\n"
		     "due 0s\n"
		     "> wake service=0\n");
}

static void a_reload_lets_it_rest(void **state)
{
	(void)state;
	script_check(DRAINED
		"row service=0 change=policy process_limit=1 spare_min=1\n"
		"table\n"
		"view service=0 state=4 limit=1 total=0\n"
		"row service=0 change=changed process_limit=2 spare_min=1\n"
		"table\n"
		"> leftovers service=0\n"
		"view service=0 state=4 limit=2 total=0\n"
		"due never\n"
		"resume service=0\n"
		"> spawn service=0 slot=1 serial=3\n"
		"> watch service=0\n");
}

static void other_limits_are_for_when_it_goes_on(void **state)
{
	(void)state;
	script_check(DRAINED
		"scale service=0 process_limit=3 spare_min=1 spare_max=0\n"
		"view service=0 state=4 limit=3 total=0\n"
		"resume service=0\n"
		"> spawn service=0 slot=1 serial=3\n"
		"> watch service=0\n");
}

static void what_is_removed_meanwhile_is_closed(void **state)
{
	(void)state;
	script_check(DRAINED "table\n"
			     "> leftovers service=0\n"
			     "> close service=0\n"
			     "view service=0 gone\n");
}

static void a_lost_listener_is_opened_again(void **state)
{
	(void)state;
	script_check(DRAINED "listener-lost service=0\n"
			     "> reopen service=0\n"
			     "view service=0 state=4\n"
			     "due never\n");
}

static void a_stop_ends_it(void **state)
{
	(void)state;
	script_check(DRAINED "stop\n"
			     "> leftovers service=0\n"
			     "> close service=0\n"
			     "> done\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(workers_finish_and_nobody_comes),
		cmocka_unit_test(a_client_that_takes_too_long_is_ended),
		cmocka_unit_test(who_waits_is_served_when_it_goes_on),
		cmocka_unit_test(going_on_need_not_wait_for_those_who_leave),
		cmocka_unit_test(twice_is_once),
		cmocka_unit_test(no_spare_and_no_wakeup_comes_meanwhile),
		cmocka_unit_test(a_reload_lets_it_rest),
		cmocka_unit_test(other_limits_are_for_when_it_goes_on),
		cmocka_unit_test(what_is_removed_meanwhile_is_closed),
		cmocka_unit_test(a_lost_listener_is_opened_again),
		cmocka_unit_test(a_stop_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
