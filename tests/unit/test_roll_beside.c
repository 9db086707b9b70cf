/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core_script.h"

/* B3 */
static void a_stop_and_a_lost_listener_end_it(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=4 surge=2 roll_batch=1\n"
		"row service=1 change=changed process_limit=4 surge=2 roll_batch=1\n"
		"table\n"
		"> watch service=0\n"
		"> watch service=1\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"clients service=1 depth=1\n"
		"> spawn service=1 slot=1 serial=2\n"
		"ready slot=0 serial=1\n"
		"ready slot=1 serial=2\n"
		"row service=0 change=changed process_limit=4 surge=2 roll_batch=1\n"
		"row service=1 change=changed process_limit=4 surge=2 roll_batch=1\n"
		"table\n"
		"> leftovers service=0\n"
		"> spawn service=0 slot=2 serial=3\n"
		"> leftovers service=1\n"
		"> spawn service=1 slot=3 serial=4\n"
		"listener-lost service=0\n"
		"> reopen service=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"> retire service=0 slot=2 serial=3\n"
		"> retire service=0 slot=0 serial=1\n"
		"> leftovers service=0\n"
		"view service=0 old=0\n"
		"stop\n"
		"> leftovers service=0\n"
		"> retire service=1 slot=3 serial=4\n"
		"> retire service=1 slot=1 serial=2\n"
		"> leftovers service=1\n"
		"view service=1 old=0\n");
}

/* B3 */
static void only_so_many_generations_leave_at_a_time(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=8 surge=4 generations_max=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"taken slot=0 serial=1\n"
		"> watch service=0\n"
		"row service=0 change=changed process_limit=8 surge=4 generations_max=1\n"
		"table\n"
		"> retire service=0 slot=0 serial=1\n"
		"> leftovers service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"taken slot=1 serial=2\n"
		"> watch service=0\n"
		"row service=0 change=changed process_limit=8 surge=4 generations_max=1\n"
		"table\n"
		"> retire service=0 slot=1 serial=2\n"
		"> leftovers service=0\n"
		"> disconnect service=0 slot=0 serial=1\n"
		"> term service=0 slot=0 serial=1\n"
		"view service=0 retiring=2\n");
}

/* B10 */
static void a_mold_is_made_first(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=4 surge=2 roll_batch=1 mold=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2 worker=mold\n"
		"ready slot=0 serial=1\n"
		"ready slot=1 serial=2\n"
		"row service=0 change=changed process_limit=4 surge=2 roll_batch=1 mold=1\n"
		"table\n"
		"> retire service=0 slot=1 serial=2\n"
		"> leftovers service=0\n"
		"> spawn service=0 slot=2 serial=3 worker=mold\n"
		"view service=0 old=1 guests=2\n"
		"ready slot=2 serial=3\n"
		"> spawn service=0 slot=3 serial=4 mold_slot=2 mold_serial=3\n"
		"started slot=3 serial=4\n"
		"ready slot=3 serial=4\n"
		"> retire service=0 slot=0 serial=1\n"
		"> notice notice=rolled service=0 slot=0 serial=0 number=0\n"
		"> leftovers service=0\n"
		"view service=0 old=0\n");
}

/* I36 */
static void older_ones_are_not_held_to_new_time_limits(void **state)
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
		"row service=0 change=changed process_limit=4 surge=2 roll_batch=1 request_time=1s\n"
		"table\n"
		"> leftovers service=0\n"
		"> spawn service=0 slot=1 serial=2\n"
		"> ignore service=0\n"
		"start-failed slot=1 serial=2 stage=4 error=2 temporary=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"ready slot=0 serial=1\n"
		"taken slot=0 serial=1\n"
		"at 5s\n"
		"time\n"
		"> look service=0\n"
		"> look service=0\n"
		"> spawn service=0 slot=1 serial=3\n"
		"> watch service=0\n"
		"start-failed slot=1 serial=3 stage=4 error=2 temporary=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"> ignore service=0\n"
		"depth service=0 depth=0\n"
		"depth service=0 depth=0\n"
		"time\n"
		"depth service=0 depth=0\n"
		"view service=0 old=1 taken=1 timeouts=0\n");
}

/* I35 */
static void a_worn_one_waits_for_its_turn(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=4 surge=1 roll_batch=1 replace_first=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"taken slot=0 serial=1\n"
		"taken slot=1 serial=2\n"
		"> watch service=0\n"
		"row service=0 change=changed process_limit=4 surge=1 roll_batch=1 replace_first=1\n"
		"table\n"
		"> leftovers service=0\n"
		"> spawn service=0 slot=2 serial=3\n"
		"> ignore service=0\n"
		"worn slot=0 serial=1 wear=use\n"
		"view service=0 recycled=0 old=2\n"
		"ready slot=2 serial=3\n"
		"> retire service=0 slot=1 serial=2\n"
		"> spawn service=0 slot=3 serial=4\n"
		"view service=0 recycled=0 old=1\n");
}

/* B5 */
static void clients_of_others_come_before_it(void **state)
{
	(void)state;
	script_check_in(
		"row service=0 change=changed process_limit=4 surge=1 roll_batch=1\n"
		"row service=1 change=changed process_limit=4\n"
		"table\n"
		"> watch service=0\n"
		"> watch service=1\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"taken slot=0 serial=1\n"
		"taken slot=1 serial=2\n"
		"> watch service=0\n"
		"clients service=1 depth=1\n"
		"> notice notice=no-slots service=1 slot=0 serial=0 number=2\n"
		"row service=0 change=changed process_limit=4 surge=1 roll_batch=1\n"
		"row service=1 change=same process_limit=4\n"
		"table\n"
		"> leftovers service=0\n"
		"> retire service=0 slot=1 serial=2\n"
		"exited slot=1 serial=2 code=0 signal=0\n"
		"> watch service=1\n"
		"clients service=1 depth=1\n"
		"> spawn service=1 slot=1 serial=3\n"
		"view service=0 old=1 starting=0\n",
		(struct script_setup){.workers_max = 2});
}

/* I50 */
static void a_limit_that_is_lowered_meanwhile_sends_old_ones_away(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=4 surge=1 roll_batch=1\n"
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
		"row service=0 change=changed process_limit=4 surge=1 roll_batch=1\n"
		"table\n"
		"> leftovers service=0\n"
		"> spawn service=0 slot=4 serial=5\n"
		"ready slot=4 serial=5\n"
		"> retire service=0 slot=3 serial=4\n"
		"scale service=0 process_limit=2 spare_min=0 spare_max=0\n"
		"> retire service=0 slot=2 serial=3\n"
		"> retire service=0 slot=1 serial=2\n"
		"view service=0 old=1 ready=1 taken=1 retiring=3\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stop_and_a_lost_listener_end_it),
		cmocka_unit_test(only_so_many_generations_leave_at_a_time),
		cmocka_unit_test(a_mold_is_made_first),
		cmocka_unit_test(older_ones_are_not_held_to_new_time_limits),
		cmocka_unit_test(a_worn_one_waits_for_its_turn),
		cmocka_unit_test(clients_of_others_come_before_it),
		cmocka_unit_test(
			a_limit_that_is_lowered_meanwhile_sends_old_ones_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
