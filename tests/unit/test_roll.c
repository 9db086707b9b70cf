/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core_script.h"

/* B3 */
static void new_ones_come_first_and_then_the_old_ones_go(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=4 surge=1 roll_batch=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=3\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"> spawn service=0 slot=2 serial=3\n"
		"ready slot=0 serial=1\n"
		"ready slot=1 serial=2\n"
		"ready slot=2 serial=3\n"
		"taken slot=0 serial=1\n"
		"row service=0 change=changed process_limit=4 surge=1 roll_batch=1\n"
		"table\n"
		"> leftovers service=0\n"
		"> spawn service=0 slot=3 serial=4\n"
		"view service=0 starting=1 ready=2 taken=1 retiring=0 old=3\n"
		"started slot=3 serial=4\n"
		"# it runs, and has not said a word\n"
		"view service=0 old=3 retiring=0\n"
		"ready slot=3 serial=4\n"
		"> retire service=0 slot=2 serial=3\n"
		"> spawn service=0 slot=4 serial=5\n"
		"# one for one, the idle ones first\n"
		"view service=0 old=2 replaced=1\n"
		"exited slot=2 serial=3 code=0 signal=0\n"
		"> watch service=0\n"
		"ready slot=4 serial=5\n"
		"> retire service=0 slot=1 serial=2\n"
		"> spawn service=0 slot=2 serial=6\n"
		"exited slot=1 serial=2 code=0 signal=0\n"
		"# one that has a client leaves when that is served\n"
		"ready slot=2 serial=6\n"
		"> retire service=0 slot=0 serial=1\n"
		"> notice notice=rolled service=0 slot=0 serial=0 number=0\n"
		"> leftovers service=0\n"
		"view service=0 ready=3 retiring=1 old=0 replaced=3\n");
}

/* B1 */
static void who_never_speaks_is_up_when_it_has_run_for_a_while(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=4 surge=1 roll_batch=1 roll_alive=2s\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"started slot=0 serial=1\n"
		"taken slot=0 serial=1\n"
		"> watch service=0\n"
		"row service=0 change=changed process_limit=4 surge=1 roll_batch=1 roll_alive=2s\n"
		"table\n"
		"> leftovers service=0\n"
		"> spawn service=0 slot=1 serial=2\n"
		"> ignore service=0\n"
		"started slot=1 serial=2\n"
		"view service=0 old=1\n"
		"due 0.002s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"due 1s\n"
		"> watch service=0\n"
		"view service=0 old=1 retiring=0\n"
		"due 2s\n"
		"> retire service=0 slot=0 serial=1\n"
		"> notice notice=rolled service=0 slot=0 serial=0 number=2000000000\n"
		"> leftovers service=0\n"
		"view service=0 old=0 retiring=1\n");
}

/* B3 */
static void a_batch_is_a_part_of_them(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=8 surge=4 roll_batch=50 roll_percent=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=4\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"> spawn service=0 slot=2 serial=3\n"
		"> spawn service=0 slot=3 serial=4\n"
		"ready slot=0 serial=1\n"
		"ready slot=1 serial=2\n"
		"ready slot=2 serial=3\n"
		"ready slot=3 serial=4\n"
		"taken slot=0 serial=1\n"
		"row service=0 change=changed process_limit=8 surge=4 roll_batch=50 roll_percent=1\n"
		"table\n"
		"> leftovers service=0\n"
		"> spawn service=0 slot=4 serial=5\n"
		"> spawn service=0 slot=5 serial=6\n"
		"ready slot=4 serial=5\n"
		"> retire service=0 slot=3 serial=4\n"
		"> spawn service=0 slot=6 serial=7\n"
		"ready slot=5 serial=6\n"
		"> retire service=0 slot=2 serial=3\n"
		"> spawn service=0 slot=7 serial=8\n"
		"view service=0 old=2\n");
}

/* B3 */
static void new_ones_that_cannot_be_started_replace_nobody(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=4 surge=1 roll_batch=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"ready slot=0 serial=1\n"
		"row service=0 change=changed process_limit=4 surge=1 roll_batch=1\n"
		"table\n"
		"> leftovers service=0\n"
		"> spawn service=0 slot=1 serial=2\n"
		"start-failed slot=1 serial=2 stage=4 error=2 temporary=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"> watch service=0\n"
		"view service=0 ready=1 old=1 stalled=0\n"
		"due ~\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"due ~\n"
		"> spawn service=0 slot=1 serial=3\n"
		"start-failed slot=1 serial=3 stage=4 error=2 temporary=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"due ~\n"
		"> spawn service=0 slot=1 serial=4\n"
		"start-failed slot=1 serial=4 stage=4 error=2 temporary=0\n"
		"> notice notice=roll-stalled service=0 slot=0 serial=0 number=1\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"view service=0 ready=1 old=1 stalled=1 failures=3\n"
		"# it is tried again, and a better table takes over\n"
		"row service=0 change=changed process_limit=4 surge=1 roll_batch=1\n"
		"table\n"
		"> leftovers service=0\n"
		"> spawn service=0 slot=1 serial=5\n"
		"ready slot=1 serial=5\n"
		"> retire service=0 slot=0 serial=1\n"
		"> notice notice=rolled service=0 slot=0 serial=0 number=0\n"
		"> leftovers service=0\n"
		"view service=0 ready=1 retiring=1 old=0 stalled=0\n");
}

/* B1 */
static void an_old_one_that_ends_says_nothing_of_the_new_ones(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=4 surge=1 roll_batch=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"ready slot=0 serial=1\n"
		"ready slot=1 serial=2\n"
		"taken slot=0 serial=1\n"
		"row service=0 change=changed process_limit=4 surge=1 roll_batch=1\n"
		"table\n"
		"> leftovers service=0\n"
		"> spawn service=0 slot=2 serial=3\n"
		"exited slot=1 serial=2 code=0 signal=9\n"
		"> notice notice=died service=0 slot=1 serial=2 number=0\n"
		"> watch service=0\n"
		"view service=0 failures=0 old=1\n");
}

/* B3 */
static void where_all_is_calm_one_that_comes_is_enough(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=8 surge=2 roll_batch=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=3\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"> spawn service=0 slot=2 serial=3\n"
		"ready slot=0 serial=1\n"
		"ready slot=1 serial=2\n"
		"ready slot=2 serial=3\n"
		"due 0.002s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"at 20s\n"
		"row service=0 change=changed process_limit=8 surge=2 roll_batch=1\n"
		"table\n"
		"> leftovers service=0\n"
		"> spawn service=0 slot=3 serial=4\n"
		"> watch service=0\n"
		"ready slot=3 serial=4\n"
		"> retire service=0 slot=2 serial=3\n"
		"> retire service=0 slot=1 serial=2\n"
		"> retire service=0 slot=0 serial=1\n"
		"> notice notice=rolled service=0 slot=0 serial=0 number=0\n"
		"> leftovers service=0\n"
		"view service=0 ready=1 retiring=3 old=0 replaced=3\n");
}

/* B3 */
static void the_last_idle_old_one_waits_for_an_idle_new_one(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=4 surge=1 roll_batch=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"ready slot=0 serial=1\n"
		"taken slot=0 serial=1\n"
		"> watch service=0\n"
		"ready slot=0 serial=1\n"
		"> ignore service=0\n"
		"row service=0 change=changed process_limit=4 surge=1 roll_batch=1\n"
		"table\n"
		"> leftovers service=0\n"
		"> spawn service=0 slot=1 serial=2\n"
		"taken slot=1 serial=2\n"
		"> spawn service=0 slot=2 serial=3\n"
		"view service=0 old=1 ready=1 taken=1\n"
		"ready slot=2 serial=3\n"
		"> retire service=0 slot=0 serial=1\n"
		"> notice notice=rolled service=0 slot=0 serial=0 number=0\n"
		"> leftovers service=0\n"
		"view service=0 old=0 ready=1 taken=1 retiring=1\n");
}

/* B3 */
static void at_the_limit_it_waits_for_those_that_leave(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=2 surge=1 roll_batch=4\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"taken slot=0 serial=1\n"
		"taken slot=1 serial=2\n"
		"> notice notice=at-limit service=0 slot=0 serial=0 number=2\n"
		"row service=0 change=changed process_limit=2 surge=1 roll_batch=4\n"
		"table\n"
		"> leftovers service=0\n"
		"> spawn service=0 slot=2 serial=3\n"
		"ready slot=2 serial=3\n"
		"> retire service=0 slot=1 serial=2\n"
		"# one more than the limit is there, and no more\n"
		"view service=0 total=3 old=1 retiring=1\n"
		"exited slot=1 serial=2 code=0 signal=0\n"
		"> spawn service=0 slot=1 serial=4\n"
		"ready slot=1 serial=4\n"
		"> retire service=0 slot=0 serial=1\n"
		"> notice notice=rolled service=0 slot=0 serial=0 number=0\n"
		"> leftovers service=0\n"
		"view service=0 total=3 old=0 retiring=1\n");
}

/* B3 */
static void without_a_slot_for_two_one_leaves_first(void **state)
{
	(void)state;
	script_check_in(
		"row service=0 change=changed process_limit=4 surge=1 roll_batch=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"ready slot=0 serial=1\n"
		"ready slot=1 serial=2\n"
		"taken slot=0 serial=1\n"
		"row service=0 change=changed process_limit=4 surge=1 roll_batch=1\n"
		"table\n"
		"> leftovers service=0\n"
		"> retire service=0 slot=1 serial=2\n"
		"> watch service=0\n"
		"view service=0 old=1 retiring=1\n"
		"exited slot=1 serial=2 code=0 signal=0\n"
		"> spawn service=0 slot=1 serial=3\n"
		"ready slot=1 serial=3\n"
		"> retire service=0 slot=0 serial=1\n"
		"> notice notice=rolled service=0 slot=0 serial=0 number=0\n"
		"> leftovers service=0\n"
		"exited slot=0 serial=1 code=0 signal=0\n"
		"view service=0 old=0\n",
		(struct script_setup){.workers_max = 2});
}

/* B3 */
static void a_reload_takes_over_from_the_one_before(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=4 surge=2 roll_batch=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"ready slot=0 serial=1\n"
		"ready slot=1 serial=2\n"
		"taken slot=0 serial=1\n"
		"row service=0 change=changed process_limit=4 surge=2 roll_batch=1\n"
		"table\n"
		"> leftovers service=0\n"
		"> spawn service=0 slot=2 serial=3\n"
		"started slot=2 serial=3\n"
		"row service=0 change=changed process_limit=4 surge=2 roll_batch=1\n"
		"table\n"
		"> leftovers service=0\n"
		"> spawn service=0 slot=3 serial=4\n"
		"view service=0 old=3 starting=2\n"
		"ready slot=3 serial=4\n"
		"> retire service=0 slot=2 serial=3\n"
		"> spawn service=0 slot=4 serial=5\n"
		"ready slot=4 serial=5\n"
		"> retire service=0 slot=1 serial=2\n"
		"> spawn service=0 slot=5 serial=6\n"
		"ready slot=5 serial=6\n"
		"> retire service=0 slot=0 serial=1\n"
		"> notice notice=rolled service=0 slot=0 serial=0 number=0\n"
		"> leftovers service=0\n"
		"view service=0 old=0 retiring=3\n");
}

/* B3 */
static void other_listeners_are_not_waited_for(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=4 surge=2 roll_batch=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"taken slot=0 serial=1\n"
		"> watch service=0\n"
		"row service=0 change=replaced process_limit=4 surge=2 roll_batch=1\n"
		"table\n"
		"> retire service=0 slot=0 serial=1\n"
		"> leftovers service=0\n"
		"view service=0 old=0 retiring=1\n");
}

/* I50 */
static void a_new_one_that_dies_replaces_nobody(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=4 surge=1 roll_batch=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"ready slot=0 serial=1\n"
		"ready slot=1 serial=2\n"
		"taken slot=0 serial=1\n"
		"row service=0 change=changed process_limit=4 surge=1 roll_batch=1\n"
		"table\n"
		"> leftovers service=0\n"
		"> spawn service=0 slot=2 serial=3\n"
		"ready slot=2 serial=3\n"
		"> retire service=0 slot=1 serial=2\n"
		"> spawn service=0 slot=3 serial=4\n"
		"exited slot=2 serial=3 code=0 signal=9\n"
		"> notice notice=died service=0 slot=2 serial=3 number=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"> watch service=0\n"
		"view service=0 old=1 failures=1\n"
		"# the place of the dead one is made good before anybody else goes\n"
		"due ~\n"
		"> look service=0\n"
		"ready slot=3 serial=4\n"
		"view service=0 old=1 ready=1 taken=1\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_ones_come_first_and_then_the_old_ones_go),
		cmocka_unit_test(
			who_never_speaks_is_up_when_it_has_run_for_a_while),
		cmocka_unit_test(a_batch_is_a_part_of_them),
		cmocka_unit_test(
			new_ones_that_cannot_be_started_replace_nobody),
		cmocka_unit_test(
			an_old_one_that_ends_says_nothing_of_the_new_ones),
		cmocka_unit_test(where_all_is_calm_one_that_comes_is_enough),
		cmocka_unit_test(
			the_last_idle_old_one_waits_for_an_idle_new_one),
		cmocka_unit_test(at_the_limit_it_waits_for_those_that_leave),
		cmocka_unit_test(without_a_slot_for_two_one_leaves_first),
		cmocka_unit_test(a_reload_takes_over_from_the_one_before),
		cmocka_unit_test(other_listeners_are_not_waited_for),
		cmocka_unit_test(a_new_one_that_dies_replaces_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
