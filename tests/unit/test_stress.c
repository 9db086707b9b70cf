/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core_script.h"

/* As Postfix has it: of three workers the third is told. */
static void the_last_that_may_be_is_born_under_stress(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=3 stress_time=1000s\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"taken slot=0 serial=1\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"taken slot=1 serial=2\n"
		"> watch service=0\n"
		"view service=0 stress=0\n"
		"clients service=0 depth=1\n"
		"> notice notice=stress service=0 slot=0 serial=0 number=1000000000000\n"
		"> retire service=0 slot=1 serial=2\n"
		"> retire service=0 slot=0 serial=1\n"
		"> leftovers service=0\n"
		"> spawn service=0 slot=2 serial=3 stress=1\n"
		"view service=0 stress=1 retiring=2 starting=1\n"
		"taken slot=2 serial=3\n"
		"> notice notice=at-limit service=0 slot=0 serial=0 number=3\n"
		"view service=0 limit_hits=1\n"
		"# the old ones count until they are gone\n"
		"ready slot=0 serial=1\n"
		"> disconnect service=0 slot=0 serial=1\n"
		"exited slot=0 serial=1 code=0 signal=0\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=4 stress=1\n"
		"view service=0 stress=1 retiring=1\n");
}

static void a_burst_that_fills_the_limit_is_told_whole(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=4 stress_time=1000s\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"taken slot=0 serial=1\n"
		"> watch service=0\n"
		"clients service=0 depth=3\n"
		"> notice notice=stress service=0 slot=0 serial=0 number=1000000000000\n"
		"> retire service=0 slot=0 serial=1\n"
		"> leftovers service=0\n"
		"> spawn service=0 slot=1 serial=2 stress=1\n"
		"> spawn service=0 slot=2 serial=3 stress=1\n"
		"> spawn service=0 slot=3 serial=4 stress=1\n"
		"view service=0 retiring=1 starting=3\n");
}

static void only_those_that_may_be_started_count(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=4 stress_time=1000s start_rate=1 start_burst=2\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=4\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"view service=0 stress=0 starting=2\n");
}

static void stress_lasts_from_the_last_time_the_limit_came_near(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=2 stress_time=10s\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> notice notice=stress service=0 slot=0 serial=0 number=10000000000\n"
		"> leftovers service=0\n"
		"> spawn service=0 slot=0 serial=1 stress=1\n"
		"> spawn service=0 slot=1 serial=2 stress=1\n"
		"taken slot=0 serial=1\n"
		"taken slot=1 serial=2\n"
		"> notice notice=at-limit service=0 slot=0 serial=0 number=2\n"
		"at 9s\n"
		"ready slot=0 serial=1\n"
		"> watch service=0\n"
		"exited slot=0 serial=1 code=0 signal=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=3 stress=1\n"
		"taken slot=0 serial=3\n"
		"at 18.9s\n"
		"view service=0 stress=1\n"
		"at 19s\n"
		"view service=0 stress=0\n"
		"# now it begins anew\n"
		"exited slot=0 serial=3 code=0 signal=0\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> notice notice=stress service=0 slot=0 serial=0 number=10000000000\n"
		"> retire service=0 slot=1 serial=2\n"
		"> leftovers service=0\n"
		"> spawn service=0 slot=0 serial=4 stress=1\n"
		"view service=0 stress=1 retiring=1\n");
}

static void without_a_limit_or_a_time_there_is_no_stress(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=0 stress_time=1000s\n"
		"row service=1 change=changed process_limit=1 stress_time_ns=0\n"
		"table\n"
		"> watch service=0\n"
		"> watch service=1\n"
		"clients service=0 depth=3\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"> spawn service=0 slot=2 serial=3\n"
		"clients service=1 depth=1\n"
		"> spawn service=1 slot=3 serial=4\n"
		"view service=0 stress=0\n"
		"view service=1 stress=0\n");
}

static void stress_wakes_a_service_at_once(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=2 stress_time=1000s wakeup=60s\n"
		"table\n"
		"> watch service=0\n"
		"due 0s\n"
		"> wake service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"taken slot=0 serial=1\n"
		"> watch service=0\n"
		"at 10s\n"
		"clients service=0 depth=1\n"
		"> notice notice=stress service=0 slot=0 serial=0 number=1000000000000\n"
		"> retire service=0 slot=0 serial=1\n"
		"> leftovers service=0\n"
		"> spawn service=0 slot=1 serial=2 stress=1\n"
		"due 10s\n"
		"> wake service=0\n"
		"due 10.002s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"taken slot=1 serial=2\n"
		"> notice notice=at-limit service=0 slot=0 serial=0 number=2\n"
		"due 70s\n"
		"> wake service=0\n");
}

/* A table without stress ends it: nobody could be told. */
static void a_reload_can_end_stress(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=1 stress_time=1000s\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> notice notice=stress service=0 slot=0 serial=0 number=1000000000000\n"
		"> leftovers service=0\n"
		"> spawn service=0 slot=0 serial=1 stress=1\n"
		"view service=0 stress=1\n"
		"row service=0 change=changed process_limit=1\n"
		"table\n"
		"> retire service=0 slot=0 serial=1\n"
		"> leftovers service=0\n"
		"exited slot=0 serial=1 code=0 signal=0\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=2\n"
		"view service=0 stress=0\n");
}

static void under_stress_the_limit_is_told_no_more_often(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=2 stress_time=1000s\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> notice notice=stress service=0 slot=0 serial=0 number=1000000000000\n"
		"> leftovers service=0\n"
		"> spawn service=0 slot=0 serial=1 stress=1\n"
		"> spawn service=0 slot=1 serial=2 stress=1\n"
		"taken slot=0 serial=1\n"
		"taken slot=1 serial=2\n"
		"> notice notice=at-limit service=0 slot=0 serial=0 number=2\n"
		"at 990s\n"
		"ready slot=0 serial=1\n"
		"> watch service=0\n"
		"taken slot=0 serial=1\n"
		"> ignore service=0\n"
		"at 1001s\n"
		"ready slot=1 serial=2\n"
		"> watch service=0\n"
		"taken slot=1 serial=2\n"
		"> notice notice=at-limit service=0 slot=0 serial=0 number=2\n"
		"> ignore service=0\n");
}

static void time_at_the_limit_is_counted(void **state)
{
	(void)state;
	script_check("row service=0 change=changed process_limit=1\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "view service=0 limit_hits=0 limit_ns=0\n"
		     "taken slot=0 serial=1\n"
		     "at 3s\n"
		     "view service=0 limit_hits=1 limit_ns=3000000000\n"
		     "ready slot=0 serial=1\n"
		     "> watch service=0\n"
		     "at 5s\n"
		     "view service=0 limit_hits=1 limit_ns=3000000000\n"
		     "taken slot=0 serial=1\n"
		     "> ignore service=0\n"
		     "at 6s\n"
		     "exited slot=0 serial=1 code=0 signal=0\n"
		     "> watch service=0\n"
		     "at 7s\n"
		     "view service=0 limit_hits=2 limit_ns=4000000000\n");
}

static void a_service_without_a_limit_is_never_at_it(void **state)
{
	(void)state;
	script_check_in("row service=0 change=changed process_limit=0\n"
			"table\n"
			"> watch service=0\n"
			"clients service=0 depth=2\n"
			"> spawn service=0 slot=0 serial=1\n"
			"taken slot=0 serial=1\n"
			"> watch service=0\n"
			"at 1s\n"
			"view service=0 limit_hits=0 limit_ns=0\n",
		(struct script_setup){.workers_max = 1});
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_that_may_be_is_born_under_stress),
		cmocka_unit_test(a_burst_that_fills_the_limit_is_told_whole),
		cmocka_unit_test(only_those_that_may_be_started_count),
		cmocka_unit_test(
			stress_lasts_from_the_last_time_the_limit_came_near),
		cmocka_unit_test(without_a_limit_or_a_time_there_is_no_stress),
		cmocka_unit_test(stress_wakes_a_service_at_once),
		cmocka_unit_test(a_reload_can_end_stress),
		cmocka_unit_test(under_stress_the_limit_is_told_no_more_often),
		cmocka_unit_test(time_at_the_limit_is_counted),
		cmocka_unit_test(a_service_without_a_limit_is_never_at_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
