/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core_script.h"

/* One worker, which has a client, and the door is watched. */
#define FULL                                                                   \
	"row service=0 change=changed process_limit=1 bounces=1 "              \
	"throttle_time=60s\n"                                                  \
	"table\n"                                                              \
	"> watch service=0\n"                                                  \
	"clients service=0 depth=1\n"                                          \
	"> spawn service=0 slot=0 serial=1\n"                                  \
	"taken slot=0 serial=1\n"                                              \
	"> watch service=0\n"                                                  \
	"due 0.002s\n"                                                         \
	"> look service=0\n"                                                   \
	"depth service=0 depth=0\n"                                            \
	"view service=0 full=1 bouncing=0\n"

#define BOUNCER                                                                \
	"clients service=0 depth=1\n"                                          \
	"> spawn service=0 slot=1 serial=2 worker=bouncer\n"                   \
	"started slot=1 serial=2\n"                                            \
	"ready slot=1 serial=2\n"                                              \
	"view service=0 bouncing=1 total=1 guests=1 failures=0\n"

static void a_full_service_has_a_bouncer_when_a_client_waits(void **state)
{
	(void)state;
	script_check(
		FULL BOUNCER "taken slot=1 serial=2\n"
			     "taken slot=1 serial=2\n"
			     "view service=0 refused=2 served=1\n"
			     "# a worker is ready: that is the end of it\n"
			     "ready slot=0 serial=1\n"
			     "> retire service=0 slot=1 serial=2\n"
			     "view service=0 bouncing=0 full=0\n"
			     "exited slot=1 serial=2 code=0 signal=0\n"
			     "view service=0 guests=0 failures=0 exits=0\n");
}

static void who_is_full_again_at_once_waits_a_moment_for_a_bouncer(void **state)
{
	(void)state;
	script_check(FULL BOUNCER
		"ready slot=0 serial=1\n"
		"> retire service=0 slot=1 serial=2\n"
		"taken slot=0 serial=1\n"
		"due 0.102s\n"
		"> watch service=0\n"
		"# the old one may still be there\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=2 serial=3 worker=bouncer\n");
}

/* As it is for those that turn some away by chance. */
#define FULL_BUT_THREE_WAIT                                                    \
	"row service=0 change=changed process_limit=1 bounces=1 "              \
	"bounce_over=3 bounce_stay=50ms throttle_time=60s\n"                   \
	"table\n"                                                              \
	"> watch service=0\n"                                                  \
	"clients service=0 depth=1\n"                                          \
	"> spawn service=0 slot=0 serial=1\n"                                  \
	"taken slot=0 serial=1\n"                                              \
	"> watch service=0\n"                                                  \
	"due 0.002s\n"                                                         \
	"> look service=0\n"                                                   \
	"depth service=0 depth=0\n"                                            \
	"view service=0 full=1 bouncing=0\n"

#define BOUNCER_FOR_FOUR                                                       \
	"clients service=0 depth=4\n"                                          \
	"> spawn service=0 slot=1 serial=2 worker=bouncer\n"                   \
	"started slot=1 serial=2\n"                                            \
	"ready slot=1 serial=2\n"

static void a_bouncer_comes_when_more_wait_than_it_would_leave(void **state)
{
	(void)state;
	script_check(FULL_BUT_THREE_WAIT "clients service=0 depth=3\n"
					 "view service=0 bouncing=0\n"
					 "due 0.102s\n"
					 "> watch service=0\n" BOUNCER_FOR_FOUR
					 "view service=0 bouncing=1\n");
	/* One may be a guess. */
	script_check(FULL_BUT_THREE_WAIT
		"clients service=0 depth=1\n"
		"> look service=0\n"
		"depth service=0 depth=3\n"
		"view service=0 bouncing=0\n"
		"due 0.102s\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> look service=0\n"
		"depth service=0 depth=4\n"
		"> spawn service=0 slot=1 serial=2 worker=bouncer\n");
}

static void one_that_may_stay_outlasts_a_moment_with_a_ready_worker(
	void **state)
{
	(void)state;
	script_check(FULL_BUT_THREE_WAIT BOUNCER_FOR_FOUR
		"ready slot=0 serial=1\n"
		"view service=0 full=0 bouncing=1\n"
		"taken slot=0 serial=1\n"
		"due never\n"
		"view service=0 full=1 bouncing=1\n");
	script_check(FULL_BUT_THREE_WAIT BOUNCER_FOR_FOUR
		"ready slot=0 serial=1\n"
		"due 0.052s\n"
		"> retire service=0 slot=1 serial=2\n"
		"view service=0 bouncing=0\n");
}

static void without_the_setting_clients_of_a_full_service_wait(void **state)
{
	(void)state;
	script_check("row service=0 change=changed process_limit=1\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "taken slot=0 serial=1\n"
		     "view service=0 full=1 bouncing=0 watching=0\n");
}

static void a_bouncer_that_dies_comes_again_ever_later(void **state)
{
	(void)state;
	script_check(FULL BOUNCER
		"exited slot=1 serial=2 code=1 signal=0\n"
		"> notice notice=died service=0 slot=1 serial=2 number=0\n"
		"view service=0 failures=0 throttled_ns=0\n"
		"due 0.202s\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=1 serial=3 worker=bouncer\n"
		"start-failed slot=1 serial=3 stage=3 error=2 temporary=0\n"
		"view service=0 failures=0 throttled_ns=0\n"
		"due 0.602s\n"
		"> watch service=0\n"
		"# a worker may be started all the while\n"
		"exited slot=0 serial=1 code=0 signal=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=4\n");
}

static void a_reload_turns_nobody_away(void **state)
{
	(void)state;
	script_check(
		FULL "row service=0 change=changed process_limit=1 bounces=1\n"
		     "table\n"
		     "> retire service=0 slot=0 serial=1\n"
		     "> leftovers service=0\n"
		     "> ignore service=0\n"
		     "view service=0 full=0\n");
}

static void a_removed_service_waits_for_its_bouncer(void **state)
{
	(void)state;
	script_check(FULL BOUNCER "table\n"
				  "> retire service=0 slot=0 serial=1\n"
				  "> retire service=0 slot=1 serial=2\n"
				  "> leftovers service=0\n"
				  "exited slot=0 serial=1 code=0 signal=0\n"
				  "exited slot=1 serial=2 code=0 signal=0\n"
				  "> close service=0\n");
}

static void the_last_slot_is_not_for_a_bouncer(void **state)
{
	(void)state;
	script_check_in(FULL "clients service=0 depth=1\n"
			     "due 1.002s\n"
			     "> watch service=0\n",
		(struct script_setup){.workers_max = 2});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_full_service_has_a_bouncer_when_a_client_waits),
		cmocka_unit_test(
			who_is_full_again_at_once_waits_a_moment_for_a_bouncer),
		cmocka_unit_test(
			a_bouncer_comes_when_more_wait_than_it_would_leave),
		cmocka_unit_test(
			one_that_may_stay_outlasts_a_moment_with_a_ready_worker),
		cmocka_unit_test(
			without_the_setting_clients_of_a_full_service_wait),
		cmocka_unit_test(a_bouncer_that_dies_comes_again_ever_later),
		cmocka_unit_test(a_reload_turns_nobody_away),
		cmocka_unit_test(a_removed_service_waits_for_its_bouncer),
		cmocka_unit_test(the_last_slot_is_not_for_a_bouncer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
