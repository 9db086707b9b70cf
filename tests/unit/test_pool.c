/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core_script.h"

static void one_client_starts_one_worker(void **state)
{
	(void)state;
	script_check("row service=0 change=changed\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "clients service=0 depth=1\n"
		     "# the watch was off: the second one was stale\n");
}

/* catalogue 15: not one after the other */
static void a_burst_starts_as_many_as_wait(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=6\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=5\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"> spawn service=0 slot=2 serial=3\n"
		"> spawn service=0 slot=3 serial=4\n"
		"> spawn service=0 slot=4 serial=5\n"
		"# five wait, five come; while they come a sixth client needs one more\n"
		"due 0.002s\n"
		"> look service=0\n"
		"depth service=0 depth=6\n"
		"> spawn service=0 slot=5 serial=6\n"
		"due 0.004s\n"
		"> look service=0\n"
		"depth service=0 depth=6\n"
		"view service=0 starting=6 total=6 depth=6\n");
}

/* I4 */
static void no_more_are_started_than_the_limit(void **state)
{
	(void)state;
	script_check("row service=0 change=changed process_limit=3\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=9\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "> spawn service=0 slot=1 serial=2\n"
		     "> spawn service=0 slot=2 serial=3\n"
		     "view service=0 starting=3 limit=3 watching=0\n");
}

/* I4, I2 */
static void without_a_limit_the_slots_are_the_limit(void **state)
{
	(void)state;
	script_check_in("row service=0 change=changed process_limit=0\n"
			"table\n"
			"> watch service=0\n"
			"clients service=0 depth=9\n"
			"> spawn service=0 slot=0 serial=1\n"
			"> spawn service=0 slot=1 serial=2\n"
			"> spawn service=0 slot=2 serial=3\n"
			"> spawn service=0 slot=3 serial=4\n"
			"> spawn service=0 slot=4 serial=5\n"
			"view service=0 starting=5 limit=0 watching=0\n",
		(struct script_setup){
			.services_max = 4, .workers_max = 5, .last_serial = 0});
}

/* I7 */
static void two_services_share_the_slots_and_nothing_else(void **state)
{
	(void)state;
	script_check_in(
		"row service=0 change=changed\n"
		"row service=1 change=changed\n"
		"table\n"
		"> watch service=0\n"
		"> watch service=1\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"clients service=1 depth=2\n"
		"> spawn service=1 slot=2 serial=3\n"
		"view service=0 total=2\n"
		"view service=1 total=1\n"
		"taken slot=2 serial=3\n"
		"> watch service=1\n"
		"view service=1 total=1 watching=1\n"
		"# no slot is left; when one comes free, both may have it\n"
		"taken slot=0 serial=1\n"
		"taken slot=1 serial=2\n"
		"> watch service=0\n"
		"exited slot=0 serial=1 code=0 signal=0\n"
		"clients service=1 depth=1\n"
		"> spawn service=1 slot=0 serial=4\n"
		"# and it is used once\n"
		"clients service=0 depth=1\n"
		"> notice notice=no-slots service=0 slot=0 serial=0 number=3\n"
		"view service=0 total=1 watching=0\n"
		"# the next one is for who waits\n"
		"exited slot=2 serial=3 code=0 signal=0\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=2 serial=5\n",
		(struct script_setup){
			.services_max = 4, .workers_max = 3, .last_serial = 0});
}

/* B5: idle workers of one service must not starve another */
static void an_idle_worker_gives_its_slot_to_another_service(void **state)
{
	(void)state;
	script_check_in(
		"row service=0 change=changed\n"
		"row service=1 change=changed\n"
		"table\n"
		"> watch service=0\n"
		"> watch service=1\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"ready slot=0 serial=1\n"
		"taken slot=1 serial=2\n"
		"clients service=1 depth=2\n"
		"> notice notice=no-slots service=1 slot=0 serial=0 number=2\n"
		"> retire service=0 slot=0 serial=1\n"
		"> watch service=0\n"
		"# one at a time, and only an idle one\n"
		"ready slot=1 serial=2\n"
		"> ignore service=0\n"
		"exited slot=0 serial=1 code=0 signal=0\n"
		"> watch service=0\n"
		"> watch service=1\n"
		"clients service=1 depth=2\n"
		"> spawn service=1 slot=0 serial=3\n",
		(struct script_setup){
			.services_max = 4, .workers_max = 2, .last_serial = 0});
}

/* Or it would go before it is up, and the next one of its service, too. */
static void one_that_is_still_starting_keeps_its_slot(void **state)
{
	(void)state;
	script_check_in(
		"row service=0 change=changed\n"
		"row service=1 change=changed\n"
		"table\n"
		"> watch service=0\n"
		"> watch service=1\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"started slot=0 serial=1\n"
		"at 1s\n"
		"time\n"
		"> look service=0\n"
		"> watch service=0\n"
		"depth service=0 depth=1\n"
		"worker slot=0 state=2\n"
		"clients service=1 depth=1\n"
		"> notice notice=no-slots service=1 slot=0 serial=0 number=1\n"
		"# it is up, and can be spared\n"
		"ready slot=0 serial=1\n"
		"> retire service=0 slot=0 serial=1\n",
		(struct script_setup){.workers_max = 1});
}

static void one_that_never_comes_gives_its_slot(void **state)
{
	(void)state;
	script_check_in(
		"row service=0 change=changed\n"
		"row service=1 change=changed\n"
		"table\n"
		"> watch service=0\n"
		"> watch service=1\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"started slot=0 serial=1\n"
		"at 1s\n"
		"time\n"
		"> look service=0\n"
		"> watch service=0\n"
		"depth service=0 depth=1\n"
		"clients service=0 depth=1\n"
		"clients service=1 depth=1\n"
		"> notice notice=no-slots service=1 slot=0 serial=0 number=1\n"
		"due 2s\n"
		"> look service=0\n"
		"depth service=0 depth=1\n"
		"> notice notice=suspect service=0 slot=0 serial=1 number=1\n"
		"> examine service=0\n"
		"> notice notice=deaf service=0 slot=0 serial=0 number=1\n"
		"> watch service=0\n"
		"> retire service=0 slot=0 serial=1\n",
		(struct script_setup){.workers_max = 1});
}

/* B2 */
static void the_master_listens_when_all_are_taken(void **state)
{
	(void)state;
	script_check("row service=0 change=changed process_limit=2\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "started slot=0 serial=1\n"
		     "taken slot=0 serial=1\n"
		     "> watch service=0\n"
		     "view service=0 taken=1 watching=1\n"
		     "ready slot=0 serial=1\n"
		     "> ignore service=0\n"
		     "view service=0 ready=1 watching=0\n");
}

static void at_the_limit_nobody_listens_and_it_is_said_once(void **state)
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
		"view service=0 taken=2 watching=0\n"
		"ready slot=0 serial=1\n"
		"taken slot=0 serial=1\n"
		"at 61s\n"
		"ready slot=0 serial=1\n"
		"> watch service=0\n"
		"taken slot=0 serial=1\n"
		"> notice notice=at-limit service=0 slot=0 serial=0 number=2\n"
		"> ignore service=0\n");
}

/* catalogue 16: the order of one round */
static void a_word_that_comes_before_the_clients_saves_a_start(void **state)
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
		"# watched again; then in one round it is ready, and the watch fires\n"
		"ready slot=0 serial=1\n"
		"> ignore service=0\n"
		"clients service=0 depth=1\n");
}

/* I6, catalogue 9, 10, 19: what is said of the old one is dropped */
static void a_slot_is_used_again_under_another_serial(void **state)
{
	(void)state;
	script_check("row service=0 change=changed\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "taken slot=0 serial=1\n"
		     "> watch service=0\n"
		     "exited slot=0 serial=1 code=0 signal=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=2\n"
		     "ready slot=0 serial=1\n"
		     "taken slot=0 serial=1\n"
		     "exited slot=0 serial=1 code=0 signal=0\n"
		     "worker slot=0 state=1 serial=2\n"
		     "ready slot=7 serial=2\n"
		     "ready slot=4000000000 serial=2\n"
		     "clients service=3 depth=1\n"
		     "listener-lost service=4000000000\n"
		     "worker slot=0 state=1 serial=2\n");
}

/* I28 */
static void serials_begin_again_and_never_meet(void **state)
{
	(void)state;
	script_check_in("row service=0 change=changed\n"
			"table\n"
			"> watch service=0\n"
			"clients service=0 depth=3\n"
			"> spawn service=0 slot=0 serial=4294967294\n"
			"> spawn service=0 slot=1 serial=4294967295\n"
			"> spawn service=0 slot=2 serial=1\n"
			"worker slot=0 serial=4294967294\n"
			"worker slot=1 serial=4294967295\n"
			"worker slot=2 serial=1\n"
			"taken slot=2 serial=1\n"
			"taken slot=1 serial=4294967295\n"
			"taken slot=0 serial=4294967294\n"
			"> watch service=0\n"
			"exited slot=2 serial=1 code=0 signal=0\n"
			"clients service=0 depth=2\n"
			"> spawn service=0 slot=2 serial=2\n"
			"worker slot=2 serial=2\n",
		(struct script_setup){.services_max = 4,
			.workers_max = 3,
			.last_serial = 4294967293});
}

/* catalogue 63, I20 */
static void a_wake_up_comes_once_however_late(void **state)
{
	(void)state;
	script_check("row service=0 change=changed wakeup=10s\n"
		     "table\n"
		     "> watch service=0\n"
		     "due 0s\n"
		     "> wake service=0\n"
		     "due 10s\n"
		     "> wake service=0\n"
		     "at 1h\n"
		     "time\n"
		     "> wake service=0\n"
		     "due 3610s\n"
		     "> wake service=0\n");
}

/* I20 */
static void a_paused_service_is_not_woken(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed wakeup=150ms\n"
		"table\n"
		"> watch service=0\n"
		"due 0s\n"
		"> wake service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"start-failed slot=0 serial=1 stage=9 error=2 temporary=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"due 0.002s\n"
		"> look service=0\n"
		"due 0.15s\n"
		"# the pause is 200 ms, or an eighth less or more\n"
		"due ~\n"
		"> watch service=0\n"
		"due 0.3s\n"
		"> wake service=0\n");
}

static void a_wake_up_can_be_set_moved_and_removed(void **state)
{
	(void)state;
	script_check("row service=0 change=changed\n"
		     "table\n"
		     "> watch service=0\n"
		     "due never\n"
		     "row service=0 change=policy wakeup=10s\n"
		     "table\n"
		     "due 10s\n"
		     "> wake service=0\n"
		     "row service=0 change=policy wakeup=2s\n"
		     "table\n"
		     "due 12s\n"
		     "> wake service=0\n"
		     "row service=0 change=policy\n"
		     "table\n"
		     "due never\n");
}

/* I2 */
static void a_lowered_limit_sends_the_idle_ones_away(void **state)
{
	(void)state;
	script_check("row service=0 change=changed process_limit=4\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=4\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "> spawn service=0 slot=1 serial=2\n"
		     "> spawn service=0 slot=2 serial=3\n"
		     "> spawn service=0 slot=3 serial=4\n"
		     "ready slot=0 serial=1\n"
		     "ready slot=1 serial=2\n"
		     "taken slot=2 serial=3\n"
		     "taken slot=3 serial=4\n"
		     "row service=0 change=policy process_limit=1\n"
		     "table\n"
		     "> retire service=0 slot=1 serial=2\n"
		     "> retire service=0 slot=0 serial=1\n"
		     "# of the taken ones, one may stay\n"
		     "view service=0 ready=0 taken=2 retiring=2\n"
		     "ready slot=2 serial=3\n"
		     "> retire service=0 slot=2 serial=3\n"
		     "ready slot=3 serial=4\n"
		     "view service=0 ready=1 retiring=3\n");
}

/* B3: qmgr and its kin are never two */
static void workers_that_leave_count_against_the_limit(void **state)
{
	(void)state;
	script_check("row service=0 change=changed process_limit=1\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "ready slot=0 serial=1\n"
		     "row service=0 change=changed process_limit=1\n"
		     "table\n"
		     "> retire service=0 slot=0 serial=1\n"
		     "> leftovers service=0\n"
		     "view service=0 retiring=1 total=1 watching=0\n"
		     "exited slot=0 serial=1 code=0 signal=0\n"
		     "> watch service=0\n"
		     "view service=0 total=0 watching=1\n");
}

/* B3, catalogue 70 */
static void surge_lets_the_new_ones_in_while_the_old_ones_leave(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=2 surge=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"taken slot=0 serial=1\n"
		"taken slot=1 serial=2\n"
		"> notice notice=at-limit service=0 slot=0 serial=0 number=2\n"
		"row service=0 change=changed process_limit=2 surge=1\n"
		"table\n"
		"> retire service=0 slot=1 serial=2\n"
		"> retire service=0 slot=0 serial=1\n"
		"> leftovers service=0\n"
		"> watch service=0\n"
		"clients service=0 depth=5\n"
		"> spawn service=0 slot=2 serial=3\n"
		"view service=0 starting=1 retiring=2 total=3 watching=0\n"
		"exited slot=0 serial=1 code=0 signal=0\n"
		"exited slot=1 serial=2 code=0 signal=0\n"
		"view service=0 starting=1 retiring=0 total=1\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_client_starts_one_worker),
		cmocka_unit_test(a_burst_starts_as_many_as_wait),
		cmocka_unit_test(no_more_are_started_than_the_limit),
		cmocka_unit_test(without_a_limit_the_slots_are_the_limit),
		cmocka_unit_test(two_services_share_the_slots_and_nothing_else),
		cmocka_unit_test(
			an_idle_worker_gives_its_slot_to_another_service),
		cmocka_unit_test(one_that_is_still_starting_keeps_its_slot),
		cmocka_unit_test(one_that_never_comes_gives_its_slot),
		cmocka_unit_test(the_master_listens_when_all_are_taken),
		cmocka_unit_test(
			at_the_limit_nobody_listens_and_it_is_said_once),
		cmocka_unit_test(
			a_word_that_comes_before_the_clients_saves_a_start),
		cmocka_unit_test(a_slot_is_used_again_under_another_serial),
		cmocka_unit_test(serials_begin_again_and_never_meet),
		cmocka_unit_test(a_wake_up_comes_once_however_late),
		cmocka_unit_test(a_paused_service_is_not_woken),
		cmocka_unit_test(a_wake_up_can_be_set_moved_and_removed),
		cmocka_unit_test(a_lowered_limit_sends_the_idle_ones_away),
		cmocka_unit_test(workers_that_leave_count_against_the_limit),
		cmocka_unit_test(
			surge_lets_the_new_ones_in_while_the_old_ones_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
