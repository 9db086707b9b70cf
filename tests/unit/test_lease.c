/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core_script.h"

/* catalogue 12, B2: AVAIL is a lease */
static void a_stopped_ready_worker_costs_its_client_one_second(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"ready slot=0 serial=1\n"
		"due 0.002s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"due 1s\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"at 1.5s\n"
		"due 2s\n"
		"> look service=0\n"
		"depth service=0 depth=1\n"
		"> notice notice=suspect service=0 slot=0 serial=1 number=1\n"
		"> examine service=0\n"
		"> spawn service=0 slot=1 serial=2\n"
		"> watch service=0\n"
		"worker slot=0 state=2 suspect=1 asked=0\n"
		"view service=0 ready=1 suspect=1 starting=1\n");
}

/* workers may serve on without a word */
static void a_queue_that_moves_is_nobodys_fault(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"ready slot=0 serial=1\n"
		"due 0.002s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"due 1s\n"
		"> watch service=0\n"
		"clients service=0 depth=3\n"
		"due 2s\n"
		"> look service=0\n"
		"depth service=0 depth=2\n"
		"> watch service=0\n"
		"view service=0 suspect=0 deaf=0\n"
		"clients service=0 depth=2\n"
		"due 3s\n"
		"> look service=0\n"
		"depth service=0 depth=2\n"
		"> notice notice=suspect service=0 slot=0 serial=1 number=1\n"
		"> examine service=0\n"
		"> notice notice=deaf service=0 slot=0 serial=0 number=2\n"
		"view service=0 suspect=1 deaf=1\n");
}

/* B2: two wake-ups a second under load */
static void ready_workers_are_watched_at_most_once_a_second(void **state)
{
	(void)state;
	script_check("row service=0 change=changed\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "ready slot=0 serial=1\n"
		     "taken slot=0 serial=1\n"
		     "> watch service=0\n"
		     "ready slot=0 serial=1\n"
		     "> ignore service=0\n"
		     "at 900ms\n"
		     "taken slot=0 serial=1\n"
		     "> watch service=0\n"
		     "ready slot=0 serial=1\n"
		     "> ignore service=0\n"
		     "time\n"
		     "> look service=0\n"
		     "at 1s\n"
		     "time\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "taken slot=0 serial=1\n"
		     "> watch service=0\n"
		     "ready slot=0 serial=1\n"
		     "> ignore service=0\n"
		     "time\n"
		     "at 1.9s\n"
		     "taken slot=0 serial=1\n"
		     "> watch service=0\n"
		     "ready slot=0 serial=1\n"
		     "> ignore service=0\n");
}

/* B2: it took the wake-up of its siblings along */
static void a_client_whose_worker_was_killed_on_the_way_is_rescued_at_once(
	void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"taken slot=0 serial=1\n"
		"taken slot=1 serial=2\n"
		"> watch service=0\n"
		"ready slot=0 serial=1\n"
		"> ignore service=0\n"
		"ready slot=1 serial=2\n"
		"due 0.002s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"due 1s\n"
		"> watch service=0\n"
		"clients service=0 depth=0\n"
		"exited slot=0 serial=1 code=0 signal=9\n"
		"> notice notice=died service=0 slot=0 serial=1 number=0\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"due 1.02s\n"
		"> look service=0\n"
		"depth service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=3\n"
		"> watch service=0\n"
		"view service=0 ready=1 suspect=0 starting=1\n"
		"# it was the new one's turn; if it is not served either, the lease goes on\n"
		"clients service=0 depth=1\n"
		"due 1.022s\n"
		"> look service=0\n"
		"depth service=0 depth=1\n");
}

/* an end is looked into once */
static void ends_of_idle_workers_do_not_keep_the_master_awake(void **state)
{
	(void)state;
	script_check("row service=0 change=changed\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=2\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "> spawn service=0 slot=1 serial=2\n"
		     "taken slot=0 serial=1\n"
		     "taken slot=1 serial=2\n"
		     "> watch service=0\n"
		     "ready slot=0 serial=1\n"
		     "> ignore service=0\n"
		     "ready slot=1 serial=2\n"
		     "due 0.002s\n"
		     "> look service=0\n"
		     "depth service=0 depth=0\n"
		     "due 1s\n"
		     "> watch service=0\n"
		     "clients service=0 depth=0\n"
		     "exited slot=0 serial=1 code=0 signal=0\n"
		     "> watch service=0\n"
		     "clients service=0 depth=0\n"
		     "view service=0 watching=0\n");
}

/* B1 */
static void workers_that_promised_a_word_are_waited_for(void **state)
{
	(void)state;
	script_check("row service=0 change=changed ready_notify=1\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "started slot=0 serial=1\n"
		     "due 0.002s\n"
		     "> look service=0\n"
		     "depth service=0 depth=0\n"
		     "at 29s\n"
		     "time\n"
		     "> watch service=0\n"
		     "worker slot=0 state=1\n"
		     "ready slot=0 serial=1\n"
		     "worker slot=0 state=2\n");
}

/* they are not deaf, and more of them would only be slower */
static void slow_starters_are_given_twice_their_time(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed ready_notify=1 process_limit=3\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"at 20s\n"
		"ready slot=0 serial=1\n"
		"> watch service=0\n"
		"taken slot=0 serial=1\n"
		"view service=0 start_time_ns=5750000000\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"due 20.002s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"due 21s\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"due 21.002s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"# deaf_time is over at 22s, but the new one has not had its time\n"
		"due 32.5s\n"
		"> look service=0\n"
		"depth service=0 depth=1\n"
		"> examine service=0\n"
		"> spawn service=0 slot=2 serial=3\n"
		"> watch service=0\n"
		"view service=0 starting=2\n");
}

/* F20 */
static void a_watch_that_fires_for_nobody_starts_nobody(void **state)
{
	(void)state;
	script_check("row service=0 change=changed\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=0\n"
		     "> watch service=0\n"
		     "clients service=0 depth=0\n"
		     "> watch service=0\n"
		     "view service=0 total=0 watching=1\n");
}

/* F22 */
static void an_answer_that_is_lost_is_asked_for_again(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"ready slot=0 serial=1\n"
		"due 0.002s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"due 1s\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"due 2s\n"
		"> look service=0\n"
		"due 3s\n"
		"> look service=0\n"
		"depth service=0 depth=1\n"
		"> notice notice=suspect service=0 slot=0 serial=1 number=1\n"
		"> examine service=0\n"
		"> notice notice=deaf service=0 slot=0 serial=0 number=1\n"
		"view service=0 deaf=1\n"
		"due 4s\n"
		"> look service=0\n"
		"due 5s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"> watch service=0\n"
		"view service=0 deaf=0 suspect=0\n");
}

static void a_look_says_how_many_more_are_needed(void **state)
{
	(void)state;
	script_check("row service=0 change=changed process_limit=6\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "due 0.002s\n"
		     "> look service=0\n"
		     "depth service=0 depth=4\n"
		     "> spawn service=0 slot=1 serial=2\n"
		     "> spawn service=0 slot=2 serial=3\n"
		     "> spawn service=0 slot=3 serial=4\n"
		     "# those that come anyway are counted\n"
		     "view service=0 starting=4\n"
		     "due 0.004s\n"
		     "> look service=0\n"
		     "depth service=0 depth=2\n"
		     "view service=0 starting=4\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_stopped_ready_worker_costs_its_client_one_second),
		cmocka_unit_test(a_queue_that_moves_is_nobodys_fault),
		cmocka_unit_test(
			ready_workers_are_watched_at_most_once_a_second),
		cmocka_unit_test(
			a_client_whose_worker_was_killed_on_the_way_is_rescued_at_once),
		cmocka_unit_test(
			ends_of_idle_workers_do_not_keep_the_master_awake),
		cmocka_unit_test(workers_that_promised_a_word_are_waited_for),
		cmocka_unit_test(slow_starters_are_given_twice_their_time),
		cmocka_unit_test(a_watch_that_fires_for_nobody_starts_nobody),
		cmocka_unit_test(an_answer_that_is_lost_is_asked_for_again),
		cmocka_unit_test(a_look_says_how_many_more_are_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
