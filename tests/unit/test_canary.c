/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core_script.h"

/* Two workers that serve, and a row that is tried by one more. */
#define TRIED                                                                  \
	"row service=0 change=changed process_limit=2\n"                       \
	"table\n"                                                              \
	"> watch service=0\n"                                                  \
	"clients service=0 depth=2\n"                                          \
	"> spawn service=0 slot=0 serial=1\n"                                  \
	"> spawn service=0 slot=1 serial=2\n"                                  \
	"ready slot=0 serial=1\n"                                              \
	"ready slot=1 serial=2\n"                                              \
	"depth service=0 depth=0\n"                                            \
	"row service=0 trial=1 change=changed process_limit=3 canary=1 "       \
	"canary_time=10s canary_min=2\n"                                       \
	"table\n"                                                              \
	"> spawn service=0 slot=2 serial=3 canary=1\n"

/* Catalogue I51: beside the others, over their limit, and no more of them. */
static void a_canary_comes_beside_the_others(void **state)
{
	(void)state;
	script_check(TRIED
		"started slot=2 serial=3\n"
		"exited slot=2 serial=3 code=1 signal=0\n"
		"> notice notice=died service=0 slot=2 serial=3 number=0\n"
		"> rollback service=0 slot=2 serial=3 number=*\n"
		"> watch service=0\n"
		"view service=0 total=2 ready=2 throttled_ns=0 failures=0\n");
}

/* Catalogue I52 */
static void one_that_dies_decides_and_pauses_nobody(void **state)
{
	(void)state;
	script_check(TRIED
		"started slot=2 serial=3\n"
		"exited slot=2 serial=3 code=1 signal=0\n"
		"> notice notice=died service=0 slot=2 serial=3 number=0\n"
		"> rollback service=0 slot=2 serial=3 number=*\n"
		"> watch service=0\n"
		"view service=0 total=2 ready=2 throttled_ns=0 failures=0\n");
}

static void one_that_cannot_be_started_decides(void **state)
{
	(void)state;
	script_check(
		TRIED "ready slot=2 serial=3\n"
		      "taken slot=2 serial=3\n"
		      "ready slot=2 serial=3\n"
		      "due 0.002s\n"
		      "> look service=0\n"
		      "depth service=0 depth=0\n"
		      "due 1s\n"
		      "> watch service=0\n"
		      "due 10s\n"
		      "> look service=0\n"
		      "taken slot=2 serial=3 unseen=1 clients=4\n"
		      "ready slot=2 serial=3\n"
		      "depth service=0 depth=0\n"
		      "> promote service=0\n"
		      "> retire service=0 slot=1 serial=2\n"
		      "> retire service=0 slot=0 serial=1\n"
		      "> leftovers service=0\n"
		      "view service=0 limit=3 total=3 ready=1 retiring=2\n");
}

static void what_only_lacks_a_resource_is_tried_again(void **state)
{
	(void)state;
	script_check(TRIED
		"start-failed slot=2 serial=3 stage=1 error=11 temporary=1\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"> watch service=0\n"
		"due ~\n"
		"> look service=0\n");
}

static void the_others_die_as_often(void **state)
{
	(void)state;
	script_check(TRIED
		"ready slot=2 serial=3\n"
		"taken slot=0 serial=1\n"
		"taken slot=1 serial=2\n"
		"taken slot=2 serial=3\n"
		"> notice notice=at-limit service=0 slot=0 serial=0 number=2\n"
		"exited slot=0 serial=1 code=0 signal=11\n"
		"> notice notice=died service=0 slot=0 serial=1 number=0\n"
		"> watch service=0\n"
		"exited slot=1 serial=2 code=0 signal=11\n"
		"> notice notice=died service=0 slot=1 serial=2 number=0\n"
		"exited slot=2 serial=3 code=0 signal=11\n"
		"> notice notice=died service=0 slot=2 serial=3 number=0\n"
		"> spawn service=0 slot=2 serial=4 canary=1\n"
		"> ignore service=0\n"
		"view service=0 total=1 failures=3\n");
}

static void enough_clients_and_all_are_replaced(void **state)
{
	(void)state;
	script_check(
		TRIED "ready slot=2 serial=3\n"
		      "taken slot=2 serial=3\n"
		      "ready slot=2 serial=3\n"
		      "due 0.002s\n"
		      "> look service=0\n"
		      "depth service=0 depth=0\n"
		      "due 1s\n"
		      "> watch service=0\n"
		      "due 10s\n"
		      "> look service=0\n"
		      "taken slot=2 serial=3 unseen=1 clients=4\n"
		      "ready slot=2 serial=3\n"
		      "depth service=0 depth=0\n"
		      "> promote service=0\n"
		      "> retire service=0 slot=1 serial=2\n"
		      "> retire service=0 slot=0 serial=1\n"
		      "> leftovers service=0\n"
		      "view service=0 limit=3 total=3 ready=1 retiring=2\n");
}

static void too_few_clients_change_nothing(void **state)
{
	(void)state;
	script_check(
		TRIED "ready slot=2 serial=3\n"
		      "taken slot=2 serial=3\n"
		      "ready slot=2 serial=3\n"
		      "due 0.002s\n"
		      "> look service=0\n"
		      "depth service=0 depth=0\n"
		      "due 1s\n"
		      "> watch service=0\n"
		      "due 10s\n"
		      "> look service=0\n"
		      "depth service=0 depth=0\n"
		      "> rollback service=0 slot=0 serial=0 number=*\n"
		      "> retire service=0 slot=2 serial=3\n"
		      "view service=0 limit=2 total=3 ready=2 retiring=1\n");
}

static void a_verdict_does_not_wait_for_ever(void **state)
{
	(void)state;
	script_check(TRIED "ready slot=2 serial=3\n"
			   "due 0.002s\n"
			   "> look service=0\n"
			   "depth service=0 depth=0\n"
			   "due 1s\n"
			   "> watch service=0\n"
			   "due 10s\n"
			   "> look service=0\n"
			   "due 11s\n"
			   "> rollback service=0 slot=0 serial=0 number=*\n"
			   "> retire service=0 slot=2 serial=3\n"
			   "view service=0 limit=2 total=3 retiring=1\n");
}

static void the_operator_takes_it_back(void **state)
{
	(void)state;
	script_check(TRIED
		"ready slot=2 serial=3\n"
		"row service=0 trial=1 change=policy process_limit=3 canary=1 canary_time=20s canary_min=0\n"
		"table\n"
		"due 0.002s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"due 1s\n"
		"> watch service=0\n"
		"due 20s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"> promote service=0\n"
		"> retire service=0 slot=1 serial=2\n"
		"> retire service=0 slot=0 serial=1\n"
		"> leftovers service=0\n"
		"view service=0 limit=3\n");
}

static void another_row_is_tried_instead(void **state)
{
	(void)state;
	script_check(TRIED
		"ready slot=2 serial=3\n"
		"row service=0 trial=1 change=changed process_limit=4 canary=1 canary_time=10s canary_min=2\n"
		"table\n"
		"> retire service=0 slot=2 serial=3\n"
		"view service=0 limit=2 total=3 retiring=1\n");
}

static void the_same_row_goes_on_by_other_rules(void **state)
{
	(void)state;
	script_check(TRIED
		"ready slot=2 serial=3\n"
		"row service=0 trial=1 change=policy process_limit=3 canary=1 canary_time=20s canary_min=0\n"
		"table\n"
		"due 0.002s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"due 1s\n"
		"> watch service=0\n"
		"due 20s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"> promote service=0\n"
		"> retire service=0 slot=1 serial=2\n"
		"> retire service=0 slot=0 serial=1\n"
		"> leftovers service=0\n"
		"view service=0 limit=3\n");
}

static void a_stop_ends_canaries_too(void **state)
{
	(void)state;
	script_check(TRIED "ready slot=2 serial=3\n"
			   "stop\n"
			   "> retire service=0 slot=2 serial=3\n"
			   "> retire service=0 slot=1 serial=2\n"
			   "> retire service=0 slot=0 serial=1\n"
			   "> leftovers service=0\n"
			   "view service=0 retiring=3\n");
}

static void who_loses_the_listener_has_no_verdict(void **state)
{
	(void)state;
	script_check(TRIED
		"ready slot=2 serial=3\n"
		"listener-lost service=0\n"
		"> rollback service=0 slot=0 serial=0 number=*\n"
		"> retire service=0 slot=2 serial=3\n"
		"> reopen service=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"> retire service=0 slot=1 serial=2\n"
		"> retire service=0 slot=0 serial=1\n"
		"> leftovers service=0\n"
		"> notice notice=at-limit service=0 slot=0 serial=0 number=2\n"
		"view service=0 limit=2 retiring=3\n");
}

static void a_part_of_the_workers_is_at_least_one(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=10 surge=2 spare_min=4\n"
		"table\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"> spawn service=0 slot=2 serial=3\n"
		"> spawn service=0 slot=3 serial=4\n"
		"> watch service=0\n"
		"ready slot=0 serial=1\n"
		"ready slot=1 serial=2\n"
		"ready slot=2 serial=3\n"
		"ready slot=3 serial=4\n"
		"row service=0 trial=1 change=changed process_limit=10 surge=2 spare_min=4 canary=40 canary_percent=1 canary_time=10s\n"
		"table\n"
		"> spawn service=0 slot=4 serial=5 canary=1\n"
		"> spawn service=0 slot=5 serial=6 canary=1\n"
		"view service=0 total=6\n");
}

static void a_lone_worker_is_never_two(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"ready slot=0 serial=1\n"
		"row service=0 trial=1 change=changed process_limit=1 canary=1 canary_time=10s\n"
		"table\n"
		"> promote service=0\n"
		"> retire service=0 slot=0 serial=1\n"
		"> leftovers service=0\n"
		"view service=0 total=1 retiring=1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_canary_comes_beside_the_others),
		cmocka_unit_test(one_that_dies_decides_and_pauses_nobody),
		cmocka_unit_test(one_that_cannot_be_started_decides),
		cmocka_unit_test(what_only_lacks_a_resource_is_tried_again),
		cmocka_unit_test(the_others_die_as_often),
		cmocka_unit_test(enough_clients_and_all_are_replaced),
		cmocka_unit_test(too_few_clients_change_nothing),
		cmocka_unit_test(a_verdict_does_not_wait_for_ever),
		cmocka_unit_test(the_operator_takes_it_back),
		cmocka_unit_test(another_row_is_tried_instead),
		cmocka_unit_test(the_same_row_goes_on_by_other_rules),
		cmocka_unit_test(a_stop_ends_canaries_too),
		cmocka_unit_test(who_loses_the_listener_has_no_verdict),
		cmocka_unit_test(a_part_of_the_workers_is_at_least_one),
		cmocka_unit_test(a_lone_worker_is_never_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
