/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core_script.h"

static void a_client_has_its_time_and_no_more(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed request_time=2s kill_time=1s\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"taken slot=0 serial=1\n"
		"> watch service=0\n"
		"due 0.002s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"due 0.5s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"due 1s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"due 1.5s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"due 2s\n"
		"> look service=0\n"
		"> look service=0\n"
		"# it is not judged by what is known, but by what is found\n"
		"view service=0 taken=1 timeouts=0\n"
		"depth service=0 depth=0\n"
		"> notice notice=overdue service=0 slot=0 serial=1 number=2000000000\n"
		"> disconnect service=0 slot=0 serial=1\n"
		"> term service=0 slot=0 serial=1 overdue=1\n"
		"view service=0 retiring=1 timeouts=1\n"
		"due 3s\n"
		"> kill service=0 slot=0 serial=1\n"
		"exited slot=0 serial=1 code=0 signal=9\n"
		"view service=0 total=0 failures=0 throttled_ns=0 exits=1\n");
}

static void another_client_has_its_own_time(void **state)
{
	(void)state;
	script_check("row service=0 change=changed request_time=2s\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "taken slot=0 serial=1\n"
		     "> watch service=0\n"
		     "at 1.5s\n"
		     "ready slot=0 serial=1\n"
		     "taken slot=0 serial=1\n"
		     "at 2s\n"
		     "time\n"
		     "> look service=0\n"
		     "> look service=0\n"
		     "depth service=0 depth=0\n"
		     "view service=0 taken=1 timeouts=0\n");
}

static void a_newer_client_that_was_found_has_its_own_time(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed request_time=2s\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"taken slot=0 serial=1\n"
		"> watch service=0\n"
		"at 2s\n"
		"time\n"
		"> look service=0\n"
		"> look service=0\n"
		"> look service=0\n"
		"# the look found that this one came half a second ago\n"
		"taken slot=0 serial=1 since_ns=500000000\n"
		"depth service=0 depth=0\n"
		"view service=0 taken=1 timeouts=0 served=2\n"
		"at 3.499s\n"
		"time\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"view service=0 taken=1 timeouts=0\n"
		"at 3.5s\n"
		"time\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"> notice notice=overdue service=0 slot=0 serial=1 number=2000000000\n"
		"> disconnect service=0 slot=0 serial=1\n"
		"> term service=0 slot=0 serial=1 overdue=1\n"
		"view service=0 retiring=1 timeouts=1\n");
}

static void no_word_makes_a_client_older_than_the_last_avail(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed request_time=2s\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"ready slot=0 serial=1\n"
		"at 10s\n"
		"ready slot=0 serial=1\n"
		"> watch service=0\n"
		"at 11s\n"
		"taken slot=0 serial=1 since_ns=9000000000\n"
		"time\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"view service=0 taken=1 timeouts=0\n"
		"at 12s\n"
		"time\n"
		"> look service=0\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"> notice notice=overdue service=0 slot=0 serial=1 number=2000000000\n"
		"> disconnect service=0 slot=0 serial=1\n"
		"> term service=0 slot=0 serial=1 overdue=1\n"
		"view service=0 retiring=1 timeouts=1\n");
}

static void a_look_that_is_not_answered_is_asked_for_again(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed request_time=8s\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"taken slot=0 serial=1\n"
		"> watch service=0\n"
		"due 0.002s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"at 8s\n"
		"time\n"
		"> look service=0\n"
		"> look service=0\n"
		"view service=0 timeouts=0\n"
		"due 9s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"> notice notice=overdue service=0 slot=0 serial=1 number=9000000000\n"
		"> disconnect service=0 slot=0 serial=1\n"
		"> term service=0 slot=0 serial=1 overdue=1\n"
		"view service=0 timeouts=1\n");
}

static void who_cannot_be_heard_is_not_timed(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed request_time=2s liveness=2s max_age=2s\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"mute slot=0 serial=1\n"
		"> watch service=0\n"
		"at 100s\n"
		"time\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"view service=0 taken=1 mute=1 timeouts=0 hangs=0 worn=0\n");
}

static void a_worker_that_promised_to_speak_is_missed(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed liveness=2s kill_time=1s\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"ready slot=0 serial=1\n"
		"due 0.002s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"at 3s\n"
		"time\n"
		"> watch service=0\n"
		"ready slot=0 serial=1\n"
		"at 6.999s\n"
		"time\n"
		"view service=0 ready=1 hangs=0\n"
		"at 7s\n"
		"time\n"
		"> notice notice=silent service=0 slot=0 serial=1 number=4000000000\n"
		"> disconnect service=0 slot=0 serial=1\n"
		"> term service=0 slot=0 serial=1\n"
		"view service=0 retiring=1 hangs=1\n"
		"due 8s\n"
		"> kill service=0 slot=0 serial=1\n");
}

static void with_a_client_it_need_not_speak(void **state)
{
	(void)state;
	script_check("row service=0 change=changed liveness=2s\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "taken slot=0 serial=1\n"
		     "> watch service=0\n"
		     "due 0.002s\n"
		     "> look service=0\n"
		     "depth service=0 depth=0\n"
		     "at 20s\n"
		     "time\n"
		     "view service=0 taken=1 hangs=0\n");
}

static void but_if_it_does_it_goes_on(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed liveness=2s\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"taken slot=0 serial=1\n"
		"> watch service=0\n"
		"at 1s\n"
		"taken slot=0 serial=1\n"
		"view service=0 taken=1 served=1 redundant=1\n"
		"at 4.999s\n"
		"time\n"
		"> look service=0\n"
		"view service=0 taken=1 hangs=0\n"
		"at 5s\n"
		"time\n"
		"> notice notice=silent service=0 slot=0 serial=1 number=4000000000\n"
		"> disconnect service=0 slot=0 serial=1\n"
		"> term service=0 slot=0 serial=1\n"
		"view service=0 taken=0 hangs=1\n");
}

static void a_beat_is_no_newer_client(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed liveness=2s request_time=3s\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"taken slot=0 serial=1\n"
		"> watch service=0\n"
		"at 1.5s\n"
		"taken slot=0 serial=1\n"
		"at 2.9s\n"
		"taken slot=0 serial=1\n"
		"at 3s\n"
		"time\n"
		"> look service=0\n"
		"> look service=0\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"> notice notice=overdue service=0 slot=0 serial=1 number=3000000000\n"
		"> disconnect service=0 slot=0 serial=1\n"
		"> term service=0 slot=0 serial=1 overdue=1\n"
		"view service=0 timeouts=1\n");
}

static void a_policy_is_in_force_at_once(void **state)
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
		"at 10s\n"
		"row service=0 change=policy request_time=5s\n"
		"table\n"
		"time\n"
		"> look service=0\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"> notice notice=overdue service=0 slot=0 serial=1 number=10000000000\n"
		"> disconnect service=0 slot=0 serial=1\n"
		"> term service=0 slot=0 serial=1 overdue=1\n"
		"view service=0 timeouts=1\n");
}

static void age_is_wear(void **state)
{
	(void)state;
	script_check("row service=0 change=changed process_limit=3 max_age=8s\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=2\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "> spawn service=0 slot=1 serial=2\n"
		     "ready slot=0 serial=1\n"
		     "ready slot=1 serial=2\n"
		     "at 7s\n"
		     "time\n"
		     "> look service=0\n"
		     "> watch service=0\n"
		     "view service=0 worn=0\n"
		     "worker slot=0 wear=0\n"
		     "worker slot=1 wear=0\n"
		     "at 8s\n"
		     "time\n"
		     "> spawn service=0 slot=2 serial=3\n"
		     "> look service=0\n"
		     "view service=0 recycled=0 ready=2 starting=1 worn=2\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_has_its_time_and_no_more),
		cmocka_unit_test(another_client_has_its_own_time),
		cmocka_unit_test(
			a_newer_client_that_was_found_has_its_own_time),
		cmocka_unit_test(
			no_word_makes_a_client_older_than_the_last_avail),
		cmocka_unit_test(
			a_look_that_is_not_answered_is_asked_for_again),
		cmocka_unit_test(who_cannot_be_heard_is_not_timed),
		cmocka_unit_test(a_worker_that_promised_to_speak_is_missed),
		cmocka_unit_test(with_a_client_it_need_not_speak),
		cmocka_unit_test(but_if_it_does_it_goes_on),
		cmocka_unit_test(a_beat_is_no_newer_client),
		cmocka_unit_test(a_policy_is_in_force_at_once),
		cmocka_unit_test(age_is_wear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
