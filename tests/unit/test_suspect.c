/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core_script.h"

static void words_are_progress(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=2\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"ready slot=0 serial=1\n"
		"ready slot=1 serial=2\n"
		"due 0.002s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"due 1s\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"taken slot=0 serial=1\n"
		"due 2s\n"
		"> look service=0\n"
		"depth service=0 depth=1\n"
		"> watch service=0\n"
		"view service=0 ready=1 suspect=0\n"
		"clients service=0 depth=1\n"
		"due 3s\n"
		"> look service=0\n"
		"depth service=0 depth=1\n"
		"> notice notice=suspect service=0 slot=1 serial=2 number=1\n"
		"> examine service=0\n"
		"> notice notice=deaf service=0 slot=0 serial=0 number=1\n"
		"> notice notice=at-limit service=0 slot=0 serial=0 number=2\n"
		"view service=0 ready=1 suspect=1 deaf=1\n");
}

static void a_suspect_that_speaks_is_believed_again(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=2\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"ready slot=0 serial=1\n"
		"ready slot=1 serial=2\n"
		"due 0.002s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"due 1s\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"due 2s\n"
		"> look service=0\n"
		"depth service=0 depth=1\n"
		"> notice notice=suspect service=0 slot=0 serial=1 number=2\n"
		"> examine service=0\n"
		"> notice notice=deaf service=0 slot=0 serial=0 number=1\n"
		"> notice notice=at-limit service=0 slot=0 serial=0 number=2\n"
		"view service=0 ready=2 suspect=2 deaf=1 watching=0\n"
		"taken slot=0 serial=1\n"
		"view service=0 ready=1 suspect=1 deaf=0\n"
		"# it said so before; that is no sign of life\n"
		"ready slot=1 serial=2\n"
		"view service=0 ready=1 suspect=1\n"
		"taken slot=1 serial=2\n"
		"ready slot=1 serial=2\n"
		"> watch service=0\n"
		"view service=0 ready=1 suspect=0\n");
}

/* B2: who says AVAIL over and over must not keep its service deaf */
static void a_word_that_changes_nothing_is_no_progress(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=2\n"
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
		"ready slot=0 serial=1\n"
		"due 2s\n"
		"> look service=0\n"
		"depth service=0 depth=1\n"
		"> notice notice=suspect service=0 slot=0 serial=1 number=1\n"
		"> examine service=0\n"
		"> spawn service=0 slot=1 serial=2\n"
		"> watch service=0\n");
}

/* B2: whatever the patience, the client of one who was killed is known */
static void an_end_hastens_a_verdict_that_is_under_way(void **state)
{
	(void)state;
	script_check("row service=0 change=changed process_limit=3 "
		     "deaf_time=20s\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=2\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "> spawn service=0 slot=1 serial=2\n"
		     "ready slot=0 serial=1\n"
		     "ready slot=1 serial=2\n"
		     "taken slot=0 serial=1\n"
		     "ready slot=0 serial=1\n"
		     "due 0.002s\n"
		     "> look service=0\n"
		     "depth service=0 depth=0\n"
		     "due 1s\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "exited slot=0 serial=1 code=0 signal=9\n"
		     "> notice notice=died service=0 slot=0 serial=1 number=0\n"
		     "due 1.02s\n"
		     "> look service=0\n"
		     "depth service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=3\n"
		     "> watch service=0\n");
}

/* B2: gossip alone cannot keep a service deaf */
static void words_alone_are_not_believed_for_ever(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=3\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"ready slot=0 serial=1\n"
		"ready slot=1 serial=2\n"
		"due 0.002s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"due 1s\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"taken slot=0 serial=1\n"
		"ready slot=0 serial=1\n"
		"due 2s\n"
		"> look service=0\n"
		"depth service=0 depth=1\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"taken slot=0 serial=1\n"
		"ready slot=0 serial=1\n"
		"due 3s\n"
		"> look service=0\n"
		"depth service=0 depth=1\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"taken slot=0 serial=1\n"
		"ready slot=0 serial=1\n"
		"due 4s\n"
		"> look service=0\n"
		"depth service=0 depth=1\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"taken slot=0 serial=1\n"
		"ready slot=0 serial=1\n"
		"due 5s\n"
		"> look service=0\n"
		"depth service=0 depth=1\n"
		"> notice notice=suspect service=0 slot=0 serial=1 number=2\n"
		"> examine service=0\n"
		"> spawn service=0 slot=2 serial=3\n"
		"> watch service=0\n");
}

/* catalogue 13 */
static void no_suspect_is_killed_unless_the_operator_says_so(void **state)
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
		"depth service=0 depth=1\n"
		"> notice notice=suspect service=0 slot=0 serial=1 number=1\n"
		"> examine service=0\n"
		"> notice notice=deaf service=0 slot=0 serial=0 number=1\n"
		"due 3s\n"
		"> look service=0\n"
		"depth service=0 depth=1\n"
		"> examine service=0\n"
		"due 4s\n"
		"> look service=0\n"
		"depth service=0 depth=1\n"
		"> examine service=0\n"
		"view service=0 ready=1 suspect=1 deaf=1 total=1\n"
		"# the clients gave up: everybody is believed again\n"
		"due 5s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"> watch service=0\n"
		"view service=0 ready=1 suspect=0 deaf=0\n"
		"due never\n");
}

static void on_deaf_kill_ends_one_silent_worker_in_each_deaf_time(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=2 on_deaf_kill=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"ready slot=0 serial=1\n"
		"ready slot=1 serial=2\n"
		"due 0.002s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"due 1s\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"due 2s\n"
		"> look service=0\n"
		"depth service=0 depth=1\n"
		"> notice notice=suspect service=0 slot=0 serial=1 number=2\n"
		"> examine service=0\n"
		"> notice notice=deaf service=0 slot=0 serial=0 number=1\n"
		"> kill service=0 slot=0 serial=1\n"
		"> notice notice=at-limit service=0 slot=0 serial=0 number=2\n"
		"exited slot=0 serial=1 code=0 signal=9\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=3\n"
		"view service=0 ready=1 suspect=1 starting=1 failures=0\n");
}

/* B1 */
static void silent_workers_are_ready_when_the_queue_is_empty(void **state)
{
	(void)state;
	script_check("row service=0 change=changed\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=2\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "> spawn service=0 slot=1 serial=2\n"
		     "started slot=0 serial=1\n"
		     "worker slot=0 state=1\n"
		     "due 0.002s\n"
		     "> look service=0\n"
		     "depth service=0 depth=0\n"
		     "worker slot=0 state=2\n"
		     "worker slot=1 state=1\n"
		     "# with nobody waiting there is nothing to wait for\n"
		     "started slot=1 serial=2\n"
		     "worker slot=1 state=2\n");
}

/* B1 */
static void silent_workers_are_ready_after_the_start_time(void **state)
{
	(void)state;
	script_check("row service=0 change=changed\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "started slot=0 serial=1\n"
		     "due 0.002s\n"
		     "> look service=0\n"
		     "depth service=0 depth=1\n"
		     "due 0.004s\n"
		     "> look service=0\n"
		     "depth service=0 depth=1\n"
		     "due 0.008s\n"
		     "> look service=0\n"
		     "depth service=0 depth=1\n"
		     "due 0.016s\n"
		     "> look service=0\n"
		     "depth service=0 depth=1\n"
		     "due 0.032s\n"
		     "> look service=0\n"
		     "depth service=0 depth=1\n"
		     "at 999ms\n"
		     "time\n"
		     "> look service=0\n"
		     "worker slot=0 state=1\n"
		     "at 1s\n"
		     "time\n"
		     "> watch service=0\n"
		     "worker slot=0 state=2\n");
}

/* the others are busy, so no watch and no lease would find it */
static void a_suspect_in_the_way_at_the_limit_is_looked_after(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=2 on_deaf_kill=1\n"
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
		"depth service=0 depth=1\n"
		"> notice notice=suspect service=0 slot=0 serial=1 number=1\n"
		"> examine service=0\n"
		"> spawn service=0 slot=1 serial=2\n"
		"> watch service=0\n"
		"view service=0 ready=1 suspect=1 starting=1 deaf=0\n"
		"taken slot=1 serial=2\n"
		"> notice notice=at-limit service=0 slot=0 serial=0 number=2\n"
		"> ignore service=0\n"
		"view service=0 ready=1 suspect=1 taken=1 watching=0\n"
		"due 3s\n"
		"> look service=0\n"
		"depth service=0 depth=1\n"
		"> examine service=0\n"
		"> notice notice=deaf service=0 slot=0 serial=0 number=1\n"
		"> kill service=0 slot=0 serial=1\n"
		"exited slot=0 serial=1 code=0 signal=9\n"
		"> watch service=0\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_progress),
		cmocka_unit_test(a_suspect_that_speaks_is_believed_again),
		cmocka_unit_test(a_word_that_changes_nothing_is_no_progress),
		cmocka_unit_test(an_end_hastens_a_verdict_that_is_under_way),
		cmocka_unit_test(words_alone_are_not_believed_for_ever),
		cmocka_unit_test(
			no_suspect_is_killed_unless_the_operator_says_so),
		cmocka_unit_test(
			on_deaf_kill_ends_one_silent_worker_in_each_deaf_time),
		cmocka_unit_test(
			silent_workers_are_ready_when_the_queue_is_empty),
		cmocka_unit_test(silent_workers_are_ready_after_the_start_time),
		cmocka_unit_test(
			a_suspect_in_the_way_at_the_limit_is_looked_after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
