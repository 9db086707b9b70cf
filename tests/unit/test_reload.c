/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core_script.h"

/* I10: a reload that fails leaves no trace */
static void rows_do_nothing_until_the_table_is_adopted(void **state)
{
	(void)state;
	script_check("row service=0 change=changed\n"
		     "row service=1 change=changed\n"
		     "view service=0 gone\n"
		     "due never\n"
		     "table\n"
		     "> watch service=0\n"
		     "> watch service=1\n"
		     "view service=0 state=1\n"
		     "view service=1 state=1\n");
}

/* catalogue 69: its clients are finished first */
static void a_service_that_is_not_in_the_table_leaves(void **state)
{
	(void)state;
	script_check("row service=0 change=changed drain_time=60s\n"
		     "row service=1 change=changed\n"
		     "table\n"
		     "> watch service=0\n"
		     "> watch service=1\n"
		     "clients service=0 depth=2\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "> spawn service=0 slot=1 serial=2\n"
		     "ready slot=0 serial=1\n"
		     "taken slot=1 serial=2\n"
		     "row service=1 change=same\n"
		     "table\n"
		     "> retire service=0 slot=1 serial=2\n"
		     "> retire service=0 slot=0 serial=1\n"
		     "> leftovers service=0\n"
		     "view service=0 state=2 retiring=2\n"
		     "clients service=0 depth=1\n"
		     "exited slot=0 serial=1 code=0 signal=0\n"
		     "ready slot=1 serial=2\n"
		     "> disconnect service=0 slot=1 serial=2\n"
		     "exited slot=1 serial=2 code=0 signal=0\n"
		     "> close service=0\n"
		     "view service=0 gone\n"
		     "view service=1 state=1\n");
}

static void the_same_table_changes_nothing(void **state)
{
	(void)state;
	script_check("row service=0 change=changed wakeup=10s\n"
		     "table\n"
		     "> watch service=0\n"
		     "due 0s\n"
		     "> wake service=0\n"
		     "clients service=0 depth=2\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "> spawn service=0 slot=1 serial=2\n"
		     "ready slot=0 serial=1\n"
		     "taken slot=1 serial=2\n"
		     "row service=0 change=same wakeup=10s\n"
		     "table\n"
		     "view service=0 ready=1 taken=1 retiring=0\n"
		     "due 0.002s\n"
		     "> look service=0\n"
		     "due 1s\n"
		     "> watch service=0\n"
		     "clients service=0 depth=0\n"
		     "due 1.002s\n");
}

static void a_new_policy_keeps_the_workers(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=2\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"taken slot=0 serial=1\n"
		"taken slot=1 serial=2\n"
		"> notice notice=at-limit service=0 slot=0 serial=0 number=2\n"
		"row service=0 change=policy process_limit=3\n"
		"table\n"
		"> watch service=0\n"
		"view service=0 taken=2 retiring=0 limit=3\n");
}

/* I9, catalogue 8: the old ones never count again */
static void a_changed_row_replaces_the_workers(void **state)
{
	(void)state;
	script_check("row service=0 change=changed process_limit=4\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=2\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "> spawn service=0 slot=1 serial=2\n"
		     "ready slot=0 serial=1\n"
		     "row service=0 change=changed process_limit=4\n"
		     "table\n"
		     "> retire service=0 slot=1 serial=2\n"
		     "> retire service=0 slot=0 serial=1\n"
		     "> leftovers service=0\n"
		     "> watch service=0\n"
		     "view service=0 ready=0 starting=0 retiring=2 watching=1\n"
		     "ready slot=0 serial=1\n"
		     "> disconnect service=0 slot=0 serial=1\n"
		     "ready slot=1 serial=2\n"
		     "> disconnect service=0 slot=1 serial=2\n"
		     "view service=0 ready=0 retiring=2 watching=1\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=2 serial=3\n");
}

static void a_service_may_come_back_while_it_leaves(void **state)
{
	(void)state;
	script_check("row service=0 change=changed\n"
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
		     "view service=0 state=2\n"
		     "row service=0 change=same\n"
		     "table\n"
		     "> leftovers service=0\n"
		     "> watch service=0\n"
		     "view service=0 state=1 retiring=1 watching=1\n"
		     "exited slot=0 serial=1 code=0 signal=0\n"
		     "view service=0 state=1 total=0 watching=1\n");
}

/* catalogue 72 */
static void two_reloads_in_a_row_are_one_after_the_other(void **state)
{
	(void)state;
	script_check("row service=0 change=changed\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "taken slot=0 serial=1\n"
		     "> watch service=0\n"
		     "row service=0 change=changed\n"
		     "table\n"
		     "> retire service=0 slot=0 serial=1\n"
		     "> leftovers service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=1 serial=2\n"
		     "row service=0 change=changed\n"
		     "table\n"
		     "> retire service=0 slot=1 serial=2\n"
		     "> leftovers service=0\n"
		     "> watch service=0\n"
		     "view service=0 retiring=2 starting=0 watching=1\n");
}

static void a_row_may_be_given_twice_and_the_last_one_counts(void **state)
{
	(void)state;
	script_check("row service=0 change=changed process_limit=2\n"
		     "row service=0 change=changed process_limit=3\n"
		     "table\n"
		     "> watch service=0\n"
		     "view service=0 limit=3\n");
}

/* catalogue 72, I27 */
static void a_stop_wins_over_a_table(void **state)
{
	(void)state;
	script_check("row service=0 change=changed\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "taken slot=0 serial=1\n"
		     "> watch service=0\n"
		     "row service=0 change=changed\n"
		     "stop\n"
		     "> retire service=0 slot=0 serial=1\n"
		     "> leftovers service=0\n"
		     "> ignore service=0\n"
		     "table\n"
		     "row service=1 change=changed\n"
		     "table\n"
		     "view service=0 state=3 retiring=1\n"
		     "view service=1 gone\n"
		     "clients service=0 depth=1\n"
		     "exited slot=0 serial=1 code=0 signal=0\n"
		     "> close service=0\n"
		     "> done\n"
		     "table\n"
		     "due never\n");
}

/* I27 */
static void a_stop_without_workers_is_done_at_once(void **state)
{
	(void)state;
	script_check("row service=0 change=changed\n"
		     "table\n"
		     "> watch service=0\n"
		     "stop\n"
		     "> leftovers service=0\n"
		     "> ignore service=0\n"
		     "> close service=0\n"
		     "> done\n"
		     "stop\n");
}

static void a_stop_before_any_table_is_done_at_once(void **state)
{
	(void)state;
	script_check("stop\n"
		     "> done\n"
		     "row service=0 change=changed\n"
		     "table\n"
		     "view service=0 gone\n");
}

/* B12 */
static void a_lost_listener_is_opened_again_after_a_pause(void **state)
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
		"taken slot=1 serial=2\n"
		"listener-lost service=0\n"
		"> reopen service=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"> retire service=0 slot=1 serial=2\n"
		"> retire service=0 slot=0 serial=1\n"
		"> leftovers service=0\n"
		"view service=0 retiring=2 watching=0 cause=6 failures=1\n"
		"due 0.002s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"at 226ms\n"
		"time\n"
		"> watch service=0\n"
		"listener-lost service=0\n"
		"> reopen service=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"> leftovers service=0\n"
		"at 227ms\n"
		"listener-lost service=0\n"
		"> reopen service=0\n"
		"> leftovers service=0\n"
		"view service=0 failures=3\n");
}

static void a_listener_that_is_lost_while_its_service_leaves_stays_lost(
	void **state)
{
	(void)state;
	script_check("row service=0 change=changed\n"
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
		     "listener-lost service=0\n");
}

/* I7, I11 */
static void services_keep_to_themselves(void **state)
{
	(void)state;
	script_check("row service=0 change=changed\n"
		     "row service=1 change=changed\n"
		     "table\n"
		     "> watch service=0\n"
		     "> watch service=1\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "clients service=1 depth=1\n"
		     "> spawn service=1 slot=1 serial=2\n"
		     "row service=0 change=changed\n"
		     "row service=1 change=same\n"
		     "table\n"
		     "> retire service=0 slot=0 serial=1\n"
		     "> leftovers service=0\n"
		     "> watch service=0\n"
		     "view service=0 retiring=1\n"
		     "view service=1 starting=1 retiring=0\n"
		     "row service=1 change=same\n"
		     "table\n"
		     "> leftovers service=0\n"
		     "> ignore service=0\n"
		     "exited slot=0 serial=1 code=0 signal=0\n"
		     "> close service=0\n"
		     "view service=0 gone\n"
		     "view service=1 starting=1\n");
}

static void a_number_that_came_free_is_used_again(void **state)
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
		"table\n"
		"> leftovers service=0\n"
		"> close service=0\n"
		"row service=0 change=changed\n"
		"table\n"
		"> watch service=0\n"
		"view service=0 state=1 failures=0 watching=1\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_do_nothing_until_the_table_is_adopted),
		cmocka_unit_test(a_service_that_is_not_in_the_table_leaves),
		cmocka_unit_test(the_same_table_changes_nothing),
		cmocka_unit_test(a_new_policy_keeps_the_workers),
		cmocka_unit_test(a_changed_row_replaces_the_workers),
		cmocka_unit_test(a_service_may_come_back_while_it_leaves),
		cmocka_unit_test(two_reloads_in_a_row_are_one_after_the_other),
		cmocka_unit_test(
			a_row_may_be_given_twice_and_the_last_one_counts),
		cmocka_unit_test(a_stop_wins_over_a_table),
		cmocka_unit_test(a_stop_without_workers_is_done_at_once),
		cmocka_unit_test(a_stop_before_any_table_is_done_at_once),
		cmocka_unit_test(a_lost_listener_is_opened_again_after_a_pause),
		cmocka_unit_test(
			a_listener_that_is_lost_while_its_service_leaves_stays_lost),
		cmocka_unit_test(services_keep_to_themselves),
		cmocka_unit_test(a_number_that_came_free_is_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
