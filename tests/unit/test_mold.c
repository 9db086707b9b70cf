/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core_script.h"

#define UP                                                                     \
	"row service=0 change=changed mold=1\n"                                \
	"table\n"                                                              \
	"> watch service=0\n"                                                  \
	"clients service=0 depth=1\n"                                          \
	"> spawn service=0 slot=0 serial=1\n"                                  \
	"> spawn service=0 slot=1 serial=2 worker=mold\n"                      \
	"ready slot=0 serial=1\n"                                              \
	"taken slot=0 serial=1\n"                                              \
	"> watch service=0\n"

#define READY                                                                  \
	UP "ready slot=1 serial=2\n"                                           \
	   "view service=0 mold=3 guests=1 total=1\n"

static void a_mold_comes_with_the_first_worker_and_makes_the_others(
	void **state)
{
	(void)state;
	script_check(READY
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=2 serial=3 mold_slot=1 mold_serial=2\n"
		"ready slot=2 serial=3\n"
		"view service=0 mold=3 molded=1 starts=2\n");
}

static void until_it_is_ready_workers_are_started_as_ever(void **state)
{
	(void)state;
	script_check(UP "view service=0 mold=2\n"
			"clients service=0 depth=1\n"
			"> spawn service=0 slot=2 serial=3\n");
}

static void one_that_dies_costs_its_service_nothing_but_a_pause(void **state)
{
	(void)state;
	script_check(READY
		"exited slot=1 serial=2 code=0 signal=9\n"
		"> notice notice=died service=0 slot=1 serial=2 number=0\n"
		"> notice notice=mold-failed service=0 slot=0 serial=0 number=1000000000\n"
		"view service=0 mold=4 failures=0 throttled_ns=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=1 serial=3\n"
		"at 1s\n"
		"time\n"
		"> look service=0\n"
		"> spawn service=0 slot=2 serial=4 worker=mold\n"
		"> watch service=0\n"
		"exited slot=2 serial=4 code=1 signal=0\n"
		"> notice notice=died service=0 slot=2 serial=4 number=0\n"
		"> notice notice=mold-failed service=0 slot=0 serial=0 number=2000000000\n"
		"at 2s\n"
		"time\n"
		"> look service=0\n"
		"at 3s\n"
		"time\n"
		"> look service=0\n"
		"> spawn service=0 slot=2 serial=5 worker=mold\n");
}

static void an_order_that_fails_is_made_good_without_it(void **state)
{
	(void)state;
	script_check(READY
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=2 serial=3 mold_slot=1 mold_serial=2\n"
		"order-failed slot=2 serial=3\n"
		"> watch service=0\n"
		"view service=0 failures=0 throttled_ns=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=2 serial=4\n");
}

static void after_three_failed_orders_it_is_ended(void **state)
{
	(void)state;
	script_check(READY
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=2 serial=3 mold_slot=1 mold_serial=2\n"
		"order-failed slot=2 serial=3\n"
		"> watch service=0\n"
		"at 1s\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=2 serial=4 mold_slot=1 mold_serial=2\n"
		"order-failed slot=2 serial=4\n"
		"> watch service=0\n"
		"at 2s\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=2 serial=5 mold_slot=1 mold_serial=2\n"
		"order-failed slot=2 serial=5\n"
		"> notice notice=mold-failed service=0 slot=0 serial=0 number=1000000000\n"
		"> kill service=0 slot=1 serial=2\n"
		"> watch service=0\n"
		"view service=0 mold=4 failures=0\n");
}

static void orders_that_fail_together_count_once(void **state)
{
	(void)state;
	script_check(READY
		"clients service=0 depth=4\n"
		"> spawn service=0 slot=2 serial=3 mold_slot=1 mold_serial=2\n"
		"> spawn service=0 slot=3 serial=4 mold_slot=1 mold_serial=2\n"
		"> spawn service=0 slot=4 serial=5 mold_slot=1 mold_serial=2\n"
		"order-failed slot=2 serial=3\n"
		"> watch service=0\n"
		"order-failed slot=3 serial=4\n"
		"order-failed slot=4 serial=5\n"
		"view service=0 mold=3 failures=0\n");
}

static void one_order_that_is_kept_makes_good_for_others(void **state)
{
	(void)state;
	script_check(READY
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=2 serial=3 mold_slot=1 mold_serial=2\n"
		"order-failed slot=2 serial=3\n"
		"> watch service=0\n"
		"at 1s\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=2 serial=4 mold_slot=1 mold_serial=2\n"
		"order-failed slot=2 serial=4\n"
		"> watch service=0\n"
		"at 2s\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=2 serial=5 mold_slot=1 mold_serial=2\n"
		"ready slot=2 serial=5\n"
		"taken slot=2 serial=5\n"
		"> watch service=0\n"
		"at 3s\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=3 serial=6 mold_slot=1 mold_serial=2\n"
		"order-failed slot=3 serial=6\n"
		"> watch service=0\n"
		"view service=0 mold=3 molded=1\n");
}

static void a_program_that_is_no_mold_is_not_tried_again(void **state)
{
	(void)state;
	script_check(UP
		"taken slot=1 serial=2\n"
		"> notice notice=no-mold service=0 slot=1 serial=2 number=0\n"
		"> retire service=0 slot=1 serial=2\n"
		"exited slot=1 serial=2 code=0 signal=0\n"
		"at 70s\n"
		"time\n"
		"> look service=0\n"
		"view service=0 mold=5 failures=0\n"
		"remold service=0\n"
		"> spawn service=0 slot=1 serial=3 worker=mold\n");
}

static void one_that_is_never_ready_is_ended(void **state)
{
	(void)state;
	script_check(UP
		"row service=0 change=policy mold=1 wakeup=60s\n"
		"table\n"
		"at 30s\n"
		"time\n"
		"> look service=0\n"
		"> notice notice=mold-failed service=0 slot=0 serial=0 number=1000000000\n"
		"> kill service=0 slot=1 serial=2\n");
}

static void a_reload_makes_a_new_one(void **state)
{
	(void)state;
	script_check(READY "row service=0 change=changed mold=1\n"
			   "table\n"
			   "> retire service=0 slot=0 serial=1\n"
			   "> retire service=0 slot=1 serial=2\n"
			   "> leftovers service=0\n"
			   "> spawn service=0 slot=2 serial=3 worker=mold\n"
			   "exited slot=1 serial=2 code=0 signal=0\n"
			   "view service=0 mold=2 guests=1\n"
			   "row service=0 change=policy mold=0\n"
			   "table\n"
			   "> retire service=0 slot=2 serial=3\n"
			   "view service=0 mold=0 guests=1\n");
}

static void it_can_be_made_anew_on_request(void **state)
{
	(void)state;
	script_check(READY "remold service=0\n"
			   "> retire service=0 slot=1 serial=2\n"
			   "> spawn service=0 slot=2 serial=3 worker=mold\n"
			   "view service=0 mold=2 guests=2\n");
}

static void one_that_makes_strangers_is_ended(void **state)
{
	(void)state;
	script_check(READY
		"stopped slot=1 serial=2\n"
		"> notice notice=mold-failed service=0 slot=0 serial=0 number=1000000000\n"
		"> kill service=0 slot=1 serial=2\n"
		"view service=0 mold=4\n");
}

static void a_stop_waits_for_it(void **state)
{
	(void)state;
	script_check(READY
		"stop\n"
		"> retire service=0 slot=0 serial=1\n"
		"> retire service=0 slot=1 serial=2\n"
		"> leftovers service=0\n"
		"> ignore service=0\n"
		"exited slot=0 serial=1 code=0 signal=0\n"
		"due ~\n"
		"> notice notice=term service=0 slot=1 serial=2 number=0\n"
		"> disconnect service=0 slot=1 serial=2\n"
		"> term service=0 slot=1 serial=2\n"
		"due ~\n"
		"> kill service=0 slot=1 serial=2\n"
		"exited slot=1 serial=2 code=0 signal=9\n"
		"> close service=0\n"
		"> done\n");
}

static void a_service_that_rests_makes_none(void **state)
{
	(void)state;
	script_check(READY
		"exited slot=1 serial=2 code=0 signal=9\n"
		"> notice notice=died service=0 slot=1 serial=2 number=0\n"
		"> notice notice=mold-failed service=0 slot=0 serial=0 number=1000000000\n"
		"exited slot=0 serial=1 code=0 signal=0\n"
		"due ~\n"
		"> look service=0\n"
		"due 1.002s\n"
		"view service=0 mold=1 guests=0\n");
}

static void its_slot_goes_to_a_worker_that_clients_wait_for(void **state)
{
	(void)state;
	script_check_in(READY
		"clients service=0 depth=3\n"
		"> spawn service=0 slot=2 serial=3 mold_slot=1 mold_serial=2\n"
		"ready slot=2 serial=3\n"
		"taken slot=2 serial=3\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> notice notice=no-slots service=0 slot=0 serial=0 number=3\n"
		"> retire service=0 slot=1 serial=2\n",
		(struct script_setup){.workers_max = 3});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_mold_comes_with_the_first_worker_and_makes_the_others),
		cmocka_unit_test(until_it_is_ready_workers_are_started_as_ever),
		cmocka_unit_test(
			one_that_dies_costs_its_service_nothing_but_a_pause),
		cmocka_unit_test(an_order_that_fails_is_made_good_without_it),
		cmocka_unit_test(after_three_failed_orders_it_is_ended),
		cmocka_unit_test(orders_that_fail_together_count_once),
		cmocka_unit_test(one_order_that_is_kept_makes_good_for_others),
		cmocka_unit_test(a_program_that_is_no_mold_is_not_tried_again),
		cmocka_unit_test(one_that_is_never_ready_is_ended),
		cmocka_unit_test(a_reload_makes_a_new_one),
		cmocka_unit_test(it_can_be_made_anew_on_request),
		cmocka_unit_test(one_that_makes_strangers_is_ended),
		cmocka_unit_test(a_stop_waits_for_it),
		cmocka_unit_test(a_service_that_rests_makes_none),
		cmocka_unit_test(
			its_slot_goes_to_a_worker_that_clients_wait_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
