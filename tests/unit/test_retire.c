/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core_script.h"

/* catalogue 29, 30, I13, I14: asked, SIGTERM, SIGKILL, stuck */
static void a_retired_idle_worker_has_a_grace_then_signals(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"due 0.002s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"ready slot=0 serial=1\n"
		"table\n"
		"> retire service=0 slot=0 serial=1\n"
		"> leftovers service=0\n"
		"worker slot=0 state=4 asked=1\n"
		"due 5.002s\n"
		"> notice notice=term service=0 slot=0 serial=1 number=0\n"
		"> disconnect service=0 slot=0 serial=1\n"
		"> term service=0 slot=0 serial=1\n"
		"due 10.002s\n"
		"> kill service=0 slot=0 serial=1\n"
		"due 15.002s\n"
		"> notice notice=stuck service=0 slot=0 serial=1 number=0\n"
		"due never\n"
		"view service=0 retiring=1 total=1\n"
		"exited slot=0 serial=1 code=0 signal=9\n"
		"> close service=0\n");
}

static void a_retired_taken_worker_has_its_drain_time(void **state)
{
	(void)state;
	script_check("row service=0 change=changed drain_time=60s\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "due 0.002s\n"
		     "> look service=0\n"
		     "depth service=0 depth=0\n"
		     "taken slot=0 serial=1\n"
		     "> watch service=0\n"
		     "row service=0 change=changed drain_time=60s\n"
		     "table\n"
		     "> retire service=0 slot=0 serial=1\n"
		     "> leftovers service=0\n"
		     "due 60.002s\n"
		     "> notice notice=term service=0 slot=0 serial=1 number=0\n"
		     "> disconnect service=0 slot=0 serial=1\n"
		     "> term service=0 slot=0 serial=1\n"
		     "exited slot=0 serial=1 code=0 signal=15\n"
		     "view service=0 failures=0\n");
}

/* B3: its next word fails */
static void one_that_says_avail_is_disconnected(void **state)
{
	(void)state;
	script_check("row service=0 change=changed\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "due 0.002s\n"
		     "> look service=0\n"
		     "depth service=0 depth=0\n"
		     "taken slot=0 serial=1\n"
		     "> watch service=0\n"
		     "row service=0 change=changed\n"
		     "table\n"
		     "> retire service=0 slot=0 serial=1\n"
		     "> leftovers service=0\n"
		     "ready slot=0 serial=1\n"
		     "> disconnect service=0 slot=0 serial=1\n"
		     "ready slot=0 serial=1\n"
		     "worker slot=0 state=4\n"
		     "exited slot=0 serial=1 code=0 signal=0\n");
}

/* B3, I9 */
static void a_retiring_worker_never_counts_as_available(void **state)
{
	(void)state;
	script_check("row service=0 change=changed\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "due 0.002s\n"
		     "> look service=0\n"
		     "depth service=0 depth=0\n"
		     "ready slot=0 serial=1\n"
		     "row service=0 change=changed\n"
		     "table\n"
		     "> retire service=0 slot=0 serial=1\n"
		     "> leftovers service=0\n"
		     "> watch service=0\n"
		     "ready slot=0 serial=1\n"
		     "> disconnect service=0 slot=0 serial=1\n"
		     "view service=0 ready=0 retiring=1 watching=1\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=1 serial=2\n");
}

/* a worker that says TAKEN and AVAIL for ever */
static void words_do_not_put_the_end_off(void **state)
{
	(void)state;
	script_check("row service=0 change=changed drain_time=60s\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "due 0.002s\n"
		     "> look service=0\n"
		     "depth service=0 depth=0\n"
		     "taken slot=0 serial=1\n"
		     "> watch service=0\n"
		     "row service=0 change=changed drain_time=60s\n"
		     "table\n"
		     "> retire service=0 slot=0 serial=1\n"
		     "> leftovers service=0\n"
		     "at 10s\n"
		     "ready slot=0 serial=1\n"
		     "> disconnect service=0 slot=0 serial=1\n"
		     "at 14s\n"
		     "taken slot=0 serial=1\n"
		     "at 50s\n"
		     "ready slot=0 serial=1\n"
		     "taken slot=0 serial=1\n"
		     "due 60.002s\n"
		     "> notice notice=term service=0 slot=0 serial=1 number=0\n"
		     "> term service=0 slot=0 serial=1\n");
}

/* B3: the Postfix way */
static void without_signals_an_idle_worker_has_the_drain_time_too(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed retire_signal=0 drain_time=60s\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"due 0.002s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"ready slot=0 serial=1\n"
		"row service=0 change=changed retire_signal=0 drain_time=60s\n"
		"table\n"
		"> retire service=0 slot=0 serial=1\n"
		"> leftovers service=0\n"
		"> watch service=0\n"
		"due 60.002s\n"
		"> notice notice=term service=0 slot=0 serial=1 number=0\n"
		"> disconnect service=0 slot=0 serial=1\n"
		"> term service=0 slot=0 serial=1\n");
}

/* B7: MUTE */
static void one_that_cannot_be_heard_is_ended_by_signal(void **state)
{
	(void)state;
	script_check("row service=0 change=changed\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "due 0.002s\n"
		     "> look service=0\n"
		     "depth service=0 depth=0\n"
		     "ready slot=0 serial=1\n"
		     "mute slot=0 serial=1\n"
		     "> watch service=0\n"
		     "table\n"
		     "> disconnect service=0 slot=0 serial=1\n"
		     "> term service=0 slot=0 serial=1\n"
		     "> leftovers service=0\n"
		     "> ignore service=0\n"
		     "exited slot=0 serial=1 code=0 signal=15\n"
		     "> close service=0\n");
}

static void a_retiring_worker_may_close_its_channel_and_finish(void **state)
{
	(void)state;
	script_check("row service=0 change=changed drain_time=60s\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "due 0.002s\n"
		     "> look service=0\n"
		     "depth service=0 depth=0\n"
		     "taken slot=0 serial=1\n"
		     "> watch service=0\n"
		     "row service=0 change=changed drain_time=60s\n"
		     "table\n"
		     "> retire service=0 slot=0 serial=1\n"
		     "> leftovers service=0\n"
		     "mute slot=0 serial=1\n"
		     "due 60.002s\n"
		     "> notice notice=term service=0 slot=0 serial=1 number=0\n"
		     "> disconnect service=0 slot=0 serial=1\n"
		     "> term service=0 slot=0 serial=1\n");
}

static void a_stop_shortens_what_a_reload_gave(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed drain_time=300s\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"due 0.002s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"taken slot=0 serial=1\n"
		"> watch service=0\n"
		"row service=0 change=changed drain_time=300s\n"
		"table\n"
		"> retire service=0 slot=0 serial=1\n"
		"> leftovers service=0\n"
		"at 10s\n"
		"stop\n"
		"> leftovers service=0\n"
		"> ignore service=0\n"
		"due 40s\n"
		"> notice notice=term service=0 slot=0 serial=1 number=0\n"
		"> disconnect service=0 slot=0 serial=1\n"
		"> term service=0 slot=0 serial=1\n"
		"due 45s\n"
		"> kill service=0 slot=0 serial=1\n"
		"due 50s\n"
		"> notice notice=stuck service=0 slot=0 serial=1 number=0\n"
		"> done\n");
}

static void a_reload_does_not_lengthen_what_another_gave(void **state)
{
	(void)state;
	script_check("row service=0 change=changed drain_time=60s\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "due 0.002s\n"
		     "> look service=0\n"
		     "depth service=0 depth=0\n"
		     "taken slot=0 serial=1\n"
		     "> watch service=0\n"
		     "row service=0 change=changed drain_time=60s\n"
		     "table\n"
		     "> retire service=0 slot=0 serial=1\n"
		     "> leftovers service=0\n"
		     "at 50s\n"
		     "row service=0 change=changed drain_time=60s\n"
		     "table\n"
		     "> leftovers service=0\n"
		     "# nor does a word after it\n"
		     "taken slot=0 serial=1\n"
		     "due 60.002s\n"
		     "> notice notice=term service=0 slot=0 serial=1 number=0\n"
		     "> disconnect service=0 slot=0 serial=1\n"
		     "> term service=0 slot=0 serial=1\n");
}

static void to_hurry_is_sigterm_at_once_and_sigkill_after(void **state)
{
	(void)state;
	script_check("row service=0 change=changed\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=2\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "> spawn service=0 slot=1 serial=2\n"
		     "ready slot=0 serial=1\n"
		     "taken slot=1 serial=2\n"
		     "hurry\n"
		     "> retire service=0 slot=1 serial=2\n"
		     "> retire service=0 slot=0 serial=1\n"
		     "> leftovers service=0\n"
		     "> disconnect service=0 slot=0 serial=1\n"
		     "> term service=0 slot=0 serial=1\n"
		     "> disconnect service=0 slot=1 serial=2\n"
		     "> term service=0 slot=1 serial=2\n"
		     "hurry\n"
		     "exited slot=0 serial=1 code=0 signal=15\n"
		     "due 5s\n"
		     "> kill service=0 slot=1 serial=2\n"
		     "exited slot=1 serial=2 code=0 signal=9\n"
		     "> close service=0\n"
		     "> done\n");
}

static void to_quit_is_sigkill_at_once(void **state)
{
	(void)state;
	script_check("row service=0 change=changed\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=2\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "> spawn service=0 slot=1 serial=2\n"
		     "stop\n"
		     "> retire service=0 slot=1 serial=2\n"
		     "> retire service=0 slot=0 serial=1\n"
		     "> leftovers service=0\n"
		     "hurry\n"
		     "> disconnect service=0 slot=0 serial=1\n"
		     "> term service=0 slot=0 serial=1\n"
		     "> disconnect service=0 slot=1 serial=2\n"
		     "> term service=0 slot=1 serial=2\n"
		     "quit\n"
		     "> kill service=0 slot=0 serial=1\n"
		     "> kill service=0 slot=1 serial=2\n"
		     "quit\n"
		     "exited slot=1 serial=2 code=0 signal=9\n"
		     "exited slot=0 serial=1 code=0 signal=9\n"
		     "> close service=0\n"
		     "> done\n");
}

/* I13 */
static void a_ladder_is_never_descended(void **state)
{
	(void)state;
	script_check("row service=0 change=changed\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "due 0.002s\n"
		     "> look service=0\n"
		     "depth service=0 depth=0\n"
		     "taken slot=0 serial=1\n"
		     "> watch service=0\n"
		     "quit\n"
		     "> retire service=0 slot=0 serial=1\n"
		     "> leftovers service=0\n"
		     "> ignore service=0\n"
		     "> kill service=0 slot=0 serial=1\n"
		     "hurry\n"
		     "stop\n"
		     "row service=0 change=changed\n"
		     "table\n"
		     "exited slot=0 serial=1 code=0 signal=9\n"
		     "> close service=0\n"
		     "> done\n");
}

/* catalogue 32, I27 */
static void what_sigkill_cannot_end_does_not_keep_the_master(void **state)
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
		"quit\n"
		"> retire service=0 slot=1 serial=2\n"
		"> retire service=0 slot=0 serial=1\n"
		"> leftovers service=0\n"
		"> ignore service=0\n"
		"> kill service=0 slot=0 serial=1\n"
		"> kill service=0 slot=1 serial=2\n"
		"exited slot=1 serial=2 code=0 signal=9\n"
		"due 5s\n"
		"> notice notice=stuck service=0 slot=0 serial=1 number=0\n"
		"> done\n"
		"due never\n"
		"view service=0 retiring=1 stuck=1\n"
		"# it may end after all\n"
		"exited slot=0 serial=1 code=0 signal=9\n"
		"> close service=0\n");
}

static void times_that_are_zero_are_at_once(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed drain_time_ns=0 kill_time_ns=0\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"due 0.002s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"taken slot=0 serial=1\n"
		"> watch service=0\n"
		"row service=0 change=changed drain_time_ns=0 kill_time_ns=0\n"
		"table\n"
		"> retire service=0 slot=0 serial=1\n"
		"> leftovers service=0\n"
		"due 0.002s\n"
		"> notice notice=term service=0 slot=0 serial=1 number=0\n"
		"> disconnect service=0 slot=0 serial=1\n"
		"> term service=0 slot=0 serial=1\n"
		"> kill service=0 slot=0 serial=1\n"
		"due 1.002s\n"
		"> notice notice=stuck service=0 slot=0 serial=1 number=0\n");
}

/* catalogue 64 */
static void times_of_years_do_not_overflow(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed drain_time=365d kill_time_ns=18446744073709551615\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"due 0.002s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"taken slot=0 serial=1\n"
		"> watch service=0\n"
		"row service=0 change=changed drain_time_ns=18446744073709551615\n"
		"table\n"
		"> retire service=0 slot=0 serial=1\n"
		"> leftovers service=0\n"
		"at 1s\n"
		"time\n"
		"hurry\n"
		"> leftovers service=0\n"
		"> ignore service=0\n"
		"> disconnect service=0 slot=0 serial=1\n"
		"> term service=0 slot=0 serial=1\n"
		"at 2s\n"
		"time\n");
}

/* B1 */
static void an_end_that_was_asked_for_is_no_failure(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"row service=0 change=changed\n"
		"table\n"
		"> retire service=0 slot=1 serial=2\n"
		"> retire service=0 slot=0 serial=1\n"
		"> leftovers service=0\n"
		"> watch service=0\n"
		"exited slot=0 serial=1 code=1 signal=0\n"
		"> notice notice=died service=0 slot=0 serial=1 number=0\n"
		"start-failed slot=1 serial=2 stage=9 error=2 temporary=0\n"
		"view service=0 failures=0 watching=1\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_retired_idle_worker_has_a_grace_then_signals),
		cmocka_unit_test(a_retired_taken_worker_has_its_drain_time),
		cmocka_unit_test(one_that_says_avail_is_disconnected),
		cmocka_unit_test(a_retiring_worker_never_counts_as_available),
		cmocka_unit_test(words_do_not_put_the_end_off),
		cmocka_unit_test(
			without_signals_an_idle_worker_has_the_drain_time_too),
		cmocka_unit_test(one_that_cannot_be_heard_is_ended_by_signal),
		cmocka_unit_test(
			a_retiring_worker_may_close_its_channel_and_finish),
		cmocka_unit_test(a_stop_shortens_what_a_reload_gave),
		cmocka_unit_test(a_reload_does_not_lengthen_what_another_gave),
		cmocka_unit_test(to_hurry_is_sigterm_at_once_and_sigkill_after),
		cmocka_unit_test(to_quit_is_sigkill_at_once),
		cmocka_unit_test(a_ladder_is_never_descended),
		cmocka_unit_test(
			what_sigkill_cannot_end_does_not_keep_the_master),
		cmocka_unit_test(times_that_are_zero_are_at_once),
		cmocka_unit_test(times_of_years_do_not_overflow),
		cmocka_unit_test(an_end_that_was_asked_for_is_no_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
