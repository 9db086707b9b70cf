/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core_script.h"

static void spares_are_there_before_anybody_knocks(void **state)
{
	(void)state;
	script_check("row service=0 change=changed spare_min=2\n"
		     "table\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "> spawn service=0 slot=1 serial=2\n"
		     "> watch service=0\n");
}

static void whoever_is_taken_or_gone_is_made_up_for(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed spare_min=2 process_limit=4\n"
		"table\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"> watch service=0\n"
		"ready slot=0 serial=1\n"
		"ready slot=1 serial=2\n"
		"taken slot=0 serial=1\n"
		"> spawn service=0 slot=2 serial=3\n"
		"ready slot=2 serial=3\n"
		"exited slot=1 serial=2 code=0 signal=9\n"
		"> notice notice=died service=0 slot=1 serial=2 number=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"taken slot=2 serial=3\n"
		"> notice notice=recovered service=0 slot=0 serial=0 number=0\n"
		"> spawn service=0 slot=1 serial=4\n"
		"> spawn service=0 slot=3 serial=5\n"
		"# four is the limit\n"
		"taken slot=1 serial=4\n");
}

/* The watch is not armed beside those that are starting. */
static void a_burst_that_is_longer_than_the_spares_is_seen(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed spare_min=1 process_limit=9\n"
		"table\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> watch service=0\n"
		"ready slot=0 serial=1\n"
		"at 10s\n"
		"clients service=0 depth=1\n"
		"taken slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"due 10.002s\n"
		"> look service=0\n"
		"depth service=0 depth=5\n"
		"> spawn service=0 slot=2 serial=3\n"
		"> spawn service=0 slot=3 serial=4\n"
		"> spawn service=0 slot=4 serial=5\n"
		"> spawn service=0 slot=5 serial=6\n");
}

static void spares_are_no_reason_for_stress(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed spare_min=3 process_limit=3 stress_time=1000s\n"
		"table\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"> watch service=0\n"
		"view service=0 stress=0 starting=2\n");
}

static void a_spare_that_idles_out_is_no_failure(void **state)
{
	(void)state;
	script_check("row service=0 change=changed spare_min=1\n"
		     "table\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "> watch service=0\n"
		     "started slot=0 serial=1\n"
		     "at 100s\n"
		     "exited slot=0 serial=1 code=0 signal=0\n"
		     "> spawn service=0 slot=0 serial=2\n"
		     "view service=0 failures=0 starting=1\n");
}

static void spares_that_fail_are_paused_for_as_all_are(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed spare_min=2\n"
		"table\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"> watch service=0\n"
		"exited slot=0 serial=1 code=1 signal=0\n"
		"> notice notice=died service=0 slot=0 serial=1 number=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"exited slot=1 serial=2 code=1 signal=0\n"
		"> notice notice=died service=0 slot=1 serial=2 number=0\n"
		"> ignore service=0\n"
		"due ~\n"
		"> spawn service=0 slot=1 serial=3\n"
		"> watch service=0\n"
		"# one at a time now, and each shows first that it stays\n"
		"started slot=1 serial=3\n"
		"view service=0 starting=0 ready=1\n"
		"due ~\n"
		"> spawn service=0 slot=0 serial=4\n");
}

static void a_new_generation_brings_its_spares_and_a_stop_none(void **state)
{
	(void)state;
	script_check("row service=0 change=changed spare_min=1 surge=1\n"
		     "table\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "> watch service=0\n"
		     "ready slot=0 serial=1\n"
		     "row service=0 change=changed spare_min=1 surge=1\n"
		     "table\n"
		     "> retire service=0 slot=0 serial=1\n"
		     "> leftovers service=0\n"
		     "> spawn service=0 slot=1 serial=2\n"
		     "stop\n"
		     "> retire service=0 slot=1 serial=2\n"
		     "> leftovers service=0\n"
		     "> ignore service=0\n"
		     "exited slot=0 serial=1 code=0 signal=0\n"
		     "exited slot=1 serial=2 code=0 signal=0\n"
		     "> close service=0\n"
		     "> done\n");
}

/* As prefork_matrix A2 has it: none was idle for long, and one was needed. */
static void workers_that_are_woken_in_turns_are_trimmed(void **state)
{
	(void)state;
	script_check("row service=0 change=changed trim_interval=30s\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=3\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "> spawn service=0 slot=1 serial=2\n"
		     "> spawn service=0 slot=2 serial=3\n"
		     "ready slot=0 serial=1\n"
		     "ready slot=1 serial=2\n"
		     "ready slot=2 serial=3\n"
		     "depth service=0 depth=0\n"
		     "at 10s\n"
		     "taken slot=0 serial=1\n"
		     "> watch service=0\n"
		     "ready slot=0 serial=1\n"
		     "at 20s\n"
		     "taken slot=1 serial=2\n"
		     "ready slot=1 serial=2\n"
		     "at 29s\n"
		     "taken slot=2 serial=3\n"
		     "ready slot=2 serial=3\n"
		     "at 30s\n"
		     "time\n"
		     "> look service=0\n"
		     "> look service=0\n"
		     "depth service=0 depth=0\n"
		     "> retire service=0 slot=2 serial=3\n"
		     "view service=0 ready=2 trimmed=1 retiring=1\n"
		     "# of the two one is always left\n"
		     "at 60s\n"
		     "time\n"
		     "> notice notice=term service=0 slot=2 serial=3 number=0\n"
		     "> disconnect service=0 slot=2 serial=3\n"
		     "> term service=0 slot=2 serial=3\n"
		     "> look service=0\n"
		     "depth service=0 depth=0\n"
		     "> retire service=0 slot=1 serial=2\n"
		     "view service=0 ready=1 trimmed=2\n");
}

static void who_is_needed_at_once_stays_and_so_do_spares(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed spare_min=1 trim_interval=30s\n"
		"table\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> watch service=0\n"
		"clients service=0 depth=4\n"
		"> spawn service=0 slot=1 serial=2\n"
		"> spawn service=0 slot=2 serial=3\n"
		"> spawn service=0 slot=3 serial=4\n"
		"ready slot=0 serial=1\n"
		"ready slot=1 serial=2\n"
		"ready slot=2 serial=3\n"
		"ready slot=3 serial=4\n"
		"depth service=0 depth=0\n"
		"at 10s\n"
		"taken slot=0 serial=1\n"
		"taken slot=1 serial=2\n"
		"ready slot=0 serial=1\n"
		"ready slot=1 serial=2\n"
		"at 11s\n"
		"time\n"
		"> look service=0\n"
		"at 30s\n"
		"time\n"
		"> look service=0\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"> retire service=0 slot=3 serial=4\n"
		"> watch service=0\n"
		"view service=0 ready=3\n");
}

static void who_served_unseen_was_not_idle(void **state)
{
	(void)state;
	script_check("row service=0 change=changed trim_interval=30s\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=3\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "> spawn service=0 slot=1 serial=2\n"
		     "> spawn service=0 slot=2 serial=3\n"
		     "ready slot=0 serial=1\n"
		     "ready slot=1 serial=2\n"
		     "ready slot=2 serial=3\n"
		     "depth service=0 depth=0\n"
		     "at 30s\n"
		     "time\n"
		     "> look service=0\n"
		     "> look service=0\n"
		     "> watch service=0\n"
		     "taken slot=0 serial=1 unseen=1\n"
		     "ready slot=0 serial=1\n"
		     "taken slot=1 serial=2 unseen=1\n"
		     "ready slot=1 serial=2\n"
		     "taken slot=2 serial=3 unseen=1\n"
		     "ready slot=2 serial=3\n"
		     "depth service=0 depth=0\n"
		     "view service=0 ready=3 trimmed=0\n");
}

static void nobody_is_trimmed_while_clients_wait(void **state)
{
	(void)state;
	script_check("row service=0 change=changed trim_interval=30s\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=2\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "> spawn service=0 slot=1 serial=2\n"
		     "ready slot=0 serial=1\n"
		     "ready slot=1 serial=2\n"
		     "depth service=0 depth=0\n"
		     "at 30s\n"
		     "time\n"
		     "> look service=0\n"
		     "> look service=0\n"
		     "> watch service=0\n"
		     "depth service=0 depth=1\n"
		     "view service=0 ready=2 trimmed=0\n");
}

static void more_than_spare_max_go_soon(void **state)
{
	(void)state;
	script_check("row service=0 change=changed spare_max=2\n"
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
		     "depth service=0 depth=0\n"
		     "at 1s\n"
		     "time\n"
		     "> look service=0\n"
		     "> look service=0\n"
		     "> watch service=0\n"
		     "depth service=0 depth=0\n"
		     "> retire service=0 slot=3 serial=4\n"
		     "view service=0 ready=3 trimmed=1\n");
}

/* P10 */
static void with_spares_and_nothing_to_do_there_is_no_timer(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed spare_min=2 spare_max=3 trim_interval=30s\n"
		"table\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"> watch service=0\n"
		"ready slot=0 serial=1\n"
		"ready slot=1 serial=2\n"
		"due never\n");
}

static void a_share_is_left_free_for_its_service(void **state)
{
	(void)state;
	script_check_in(
		"row service=0 change=changed\n"
		"row service=1 change=changed share=2\n"
		"table\n"
		"> watch service=0\n"
		"> watch service=1\n"
		"clients service=0 depth=3\n"
		"> spawn service=0 slot=0 serial=1\n"
		"taken slot=0 serial=1\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> notice notice=no-slots service=0 slot=0 serial=0 number=3\n"
		"view service=0 starved=1 total=1\n"
		"clients service=1 depth=3\n"
		"> spawn service=1 slot=1 serial=2\n"
		"> spawn service=1 slot=2 serial=3\n"
		"view service=1 total=2\n",
		(struct script_setup){
			.services_max = 2, .workers_max = 3, .last_serial = 0});
}

static void idle_workers_of_a_share_are_not_taken_away(void **state)
{
	(void)state;
	script_check_in(
		"row service=0 change=changed\n"
		"row service=1 change=changed share=1\n"
		"table\n"
		"> watch service=0\n"
		"> watch service=1\n"
		"clients service=1 depth=2\n"
		"> spawn service=1 slot=0 serial=1\n"
		"> spawn service=1 slot=1 serial=2\n"
		"ready slot=0 serial=1\n"
		"ready slot=1 serial=2\n"
		"depth service=1 depth=0\n"
		"clients service=0 depth=2\n"
		"> notice notice=no-slots service=0 slot=0 serial=0 number=2\n"
		"> retire service=1 slot=1 serial=2\n"
		"exited slot=1 serial=2 code=0 signal=0\n"
		"> watch service=1\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=1 serial=3\n"
		"taken slot=1 serial=3\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"view service=0 starved=1 total=1\n"
		"view service=1 ready=1\n",
		(struct script_setup){
			.services_max = 2, .workers_max = 2, .last_serial = 0});
}

/* A client comes before a spare, and no slot goes to and fro between them. */
static void spares_wait_while_clients_of_others_do(void **state)
{
	(void)state;
	script_check_in(
		"row service=0 change=changed spare_min=2\n"
		"row service=1 change=changed\n"
		"table\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"> watch service=0\n"
		"> watch service=1\n"
		"ready slot=0 serial=1\n"
		"ready slot=1 serial=2\n"
		"clients service=1 depth=1\n"
		"> notice notice=no-slots service=1 slot=0 serial=0 number=2\n"
		"> retire service=0 slot=1 serial=2\n"
		"exited slot=1 serial=2 code=0 signal=0\n"
		"> watch service=1\n"
		"clients service=1 depth=1\n"
		"> spawn service=1 slot=1 serial=3\n"
		"ready slot=1 serial=3\n"
		"at 1.5s\n"
		"time\n"
		"> look service=1\n"
		"> watch service=1\n"
		"depth service=1 depth=0\n"
		"view service=0 total=1\n"
		"# it goes by itself\n"
		"taken slot=1 serial=3\n"
		"exited slot=1 serial=3 code=0 signal=0\n"
		"> spawn service=0 slot=1 serial=4\n",
		(struct script_setup){
			.services_max = 2, .workers_max = 2, .last_serial = 0});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spares_are_there_before_anybody_knocks),
		cmocka_unit_test(whoever_is_taken_or_gone_is_made_up_for),
		cmocka_unit_test(
			a_burst_that_is_longer_than_the_spares_is_seen),
		cmocka_unit_test(spares_are_no_reason_for_stress),
		cmocka_unit_test(a_spare_that_idles_out_is_no_failure),
		cmocka_unit_test(spares_that_fail_are_paused_for_as_all_are),
		cmocka_unit_test(
			a_new_generation_brings_its_spares_and_a_stop_none),
		cmocka_unit_test(workers_that_are_woken_in_turns_are_trimmed),
		cmocka_unit_test(who_is_needed_at_once_stays_and_so_do_spares),
		cmocka_unit_test(who_served_unseen_was_not_idle),
		cmocka_unit_test(nobody_is_trimmed_while_clients_wait),
		cmocka_unit_test(more_than_spare_max_go_soon),
		cmocka_unit_test(
			with_spares_and_nothing_to_do_there_is_no_timer),
		cmocka_unit_test(a_share_is_left_free_for_its_service),
		cmocka_unit_test(idle_workers_of_a_share_are_not_taken_away),
		cmocka_unit_test(spares_wait_while_clients_of_others_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
