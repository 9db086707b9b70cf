/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core_script.h"

static void another_comes_before_the_worn_one_goes(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=2 replace_first=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"taken slot=0 serial=1\n"
		"taken slot=1 serial=2\n"
		"> notice notice=at-limit service=0 slot=0 serial=0 number=2\n"
		"worn slot=0 serial=1 wear=use\n"
		"> spawn service=0 slot=2 serial=3\n"
		"worker slot=0 state=3 wear=1\n"
		"# only one at a time\n"
		"worn slot=1 serial=2 wear=memory\n"
		"view service=0 taken=2 starting=1 worn=2 recycled=0\n"
		"ready slot=2 serial=3\n"
		"> retire service=0 slot=0 serial=1\n"
		"view service=0 ready=1 taken=1 retiring=1 worn=1 recycled=1\n"
		"# the limit is exceeded by one, not by two\n"
		"due 0.002s\n"
		"> look service=0\n"
		"exited slot=0 serial=1 code=0 signal=0\n"
		"> spawn service=0 slot=0 serial=4\n"
		"view service=0 total=3 worn=1\n");
}

static void the_limit_is_kept_to_where_it_must(void **state)
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
		"worn slot=0 serial=1 wear=use\n"
		"> retire service=0 slot=0 serial=1\n"
		"worn slot=1 serial=2 wear=use\n"
		"view service=0 taken=1 retiring=1 total=2\n"
		"exited slot=0 serial=1 code=0 signal=0\n"
		"> spawn service=0 slot=0 serial=3\n"
		"clients service=0 depth=1\n"
		"taken slot=0 serial=3\n"
		"> retire service=0 slot=1 serial=2\n");
}

static void a_lone_worker_is_never_two(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=1 replace_first=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"taken slot=0 serial=1\n"
		"worn slot=0 serial=1 wear=use\n"
		"> retire service=0 slot=0 serial=1\n"
		"view service=0 retiring=1 total=1\n");
}

static void within_the_limit_nobody_is_over_it(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=4\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"taken slot=0 serial=1\n"
		"taken slot=1 serial=2\n"
		"> watch service=0\n"
		"worn slot=0 serial=1 wear=use\n"
		"> spawn service=0 slot=2 serial=3\n"
		"> ignore service=0\n"
		"worn slot=1 serial=2 wear=use\n"
		"ready slot=2 serial=3\n"
		"> retire service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=3 serial=4\n"
		"# the old one is replaced and within the limit: the next one's turn\n"
		"view service=0 starting=1 ready=1 taken=1 retiring=1\n");
}

static void who_would_not_be_missed_is_not_replaced(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=4 max_age=30s\n"
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
		"at 30s\n"
		"time\n"
		"> watch service=0\n"
		"> look service=0\n"
		"# who seems idle may be so no more: that is looked at first\n"
		"view service=0 ready=2 worn=2 recycled=0\n"
		"depth service=0 depth=0\n"
		"> retire service=0 slot=0 serial=1\n"
		"view service=0 ready=1 retiring=1 worn=1\n"
		"# one at a time; and the last that is idle would be missed\n"
		"exited slot=0 serial=1 code=0 signal=0\n"
		"> spawn service=0 slot=0 serial=3\n"
		"view service=0 ready=1 starting=1\n");
}

static void spares_would_be_missed_though_nobody_came(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=4 max_age=30s spare_min=2\n"
		"table\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"> watch service=0\n"
		"ready slot=0 serial=1\n"
		"ready slot=1 serial=2\n"
		"at 30s\n"
		"time\n"
		"> spawn service=0 slot=2 serial=3\n"
		"view service=0 ready=2 starting=1 recycled=0\n"
		"ready slot=2 serial=3\n"
		"> retire service=0 slot=1 serial=2\n"
		"> spawn service=0 slot=3 serial=4\n"
		"view service=0 ready=2 starting=1 retiring=1 recycled=1\n");
}

static void who_is_found_to_be_taken_would_be_missed(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=4 replace_first=1 max_age=30s\n"
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
		"at 30s\n"
		"time\n"
		"> watch service=0\n"
		"> look service=0\n"
		"taken slot=1 serial=2 since_ns=5000000000\n"
		"depth service=0 depth=0\n"
		"> spawn service=0 slot=2 serial=3\n"
		"view service=0 ready=1 taken=1 starting=1 recycled=0\n");
}

static void where_clients_came_lately_all_are_missed(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=4 replace_first=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"taken slot=0 serial=1\n"
		"taken slot=1 serial=2\n"
		"> watch service=0\n"
		"due 0.002s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"ready slot=0 serial=1\n"
		"> ignore service=0\n"
		"ready slot=1 serial=2\n"
		"worn slot=0 serial=1 wear=use\n"
		"> spawn service=0 slot=2 serial=3\n"
		"view service=0 ready=2 starting=1 recycled=0\n");
}

static void idle_ones_go_first(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=4\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=3\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"> spawn service=0 slot=2 serial=3\n"
		"taken slot=0 serial=1\n"
		"taken slot=1 serial=2\n"
		"taken slot=2 serial=3\n"
		"> watch service=0\n"
		"due 0.002s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"worn slot=0 serial=1 wear=use\n"
		"> spawn service=0 slot=3 serial=4\n"
		"> ignore service=0\n"
		"worn slot=1 serial=2 wear=use\n"
		"ready slot=2 serial=3\n"
		"worn slot=2 serial=3 wear=use\n"
		"ready slot=3 serial=4\n"
		"> retire service=0 slot=0 serial=1\n"
		"view service=0 taken=1 ready=2 starting=0 retiring=1 worn=2\n");
}

static void a_replacement_that_fails_gives_the_token_back(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=2 replace_first=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"taken slot=0 serial=1\n"
		"taken slot=1 serial=2\n"
		"> notice notice=at-limit service=0 slot=0 serial=0 number=2\n"
		"worn slot=0 serial=1 wear=use\n"
		"> spawn service=0 slot=2 serial=3\n"
		"start-failed slot=2 serial=3 stage=1 error=2 temporary=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"view service=0 taken=2 worn=1 failures=1\n"
		"at 1s\n"
		"time\n"
		"> look service=0\n"
		"> spawn service=0 slot=2 serial=4\n"
		"> watch service=0\n"
		"view service=0 taken=2 worn=1 starting=1\n");
}

static void a_replacement_that_says_nothing_has_its_time(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=2 replace_first=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"taken slot=0 serial=1\n"
		"taken slot=1 serial=2\n"
		"> notice notice=at-limit service=0 slot=0 serial=0 number=2\n"
		"due 0.002s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"worn slot=0 serial=1 wear=use\n"
		"> spawn service=0 slot=2 serial=3\n"
		"started slot=2 serial=3\n"
		"# ready by presumption; but whether it is up nobody knows\n"
		"view service=0 ready=1 taken=2\n"
		"due ~\n"
		"> retire service=0 slot=0 serial=1\n"
		"view service=0 ready=1 taken=1 retiring=1\n");
}

static void a_busy_worker_is_given_all_the_time(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=2 drain_time=1s\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"taken slot=0 serial=1\n"
		"taken slot=1 serial=2\n"
		"> notice notice=at-limit service=0 slot=0 serial=0 number=2\n"
		"due 0.002s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"worn slot=0 serial=1 wear=use\n"
		"> retire service=0 slot=0 serial=1\n"
		"at 86400s\n"
		"time\n"
		"view service=0 retiring=1 taken=1\n");
}

static void but_where_clients_have_a_time_it_is_no_more_than_that_of_two(
	void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=1 request_time=4s\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"taken slot=0 serial=1\n"
		"due 0.002s\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"worn slot=0 serial=1 wear=use\n"
		"> retire service=0 slot=0 serial=1\n"
		"due 8.002s\n"
		"> notice notice=term service=0 slot=0 serial=1 number=0\n"
		"> disconnect service=0 slot=0 serial=1\n"
		"> term service=0 slot=0 serial=1\n");
}

static void one_that_serves_nobody_is_not_worn(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=2 replace_first=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"ready slot=0 serial=1\n"
		"worn slot=0 serial=1 wear=memory\n"
		"worker slot=0 state=2 wear=0\n");
}

static void who_is_awaited_is_not_replaced(void **state)
{
	(void)state;
	script_check("row service=0 change=changed process_limit=1 max_age=1s "
		     "deaf_time=10s\n"
		     "table\n"
		     "> watch service=0\n"
		     "clients service=0 depth=1\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "started slot=0 serial=1\n"
		     "at 1.5s\n"
		     "time\n"
		     "> look service=0\n"
		     "> watch service=0\n"
		     "view service=0 total=1 retiring=0 worn=1\n"
		     "# it takes long to start, but it comes: now it may go\n"
		     "taken slot=0 serial=1\n"
		     "> retire service=0 slot=0 serial=1\n"
		     "> ignore service=0\n");
}

static void without_a_slot_the_worn_one_goes_first(void **state)
{
	(void)state;
	script_check_in(
		"row service=0 change=changed process_limit=4 replace_first=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"taken slot=0 serial=1\n"
		"taken slot=1 serial=2\n"
		"> watch service=0\n"
		"worn slot=0 serial=1 wear=use\n"
		"> retire service=0 slot=0 serial=1\n"
		"worn slot=1 serial=2 wear=use\n"
		"view service=0 taken=1 retiring=1 total=2\n",
		(struct script_setup){.workers_max = 2});
}

static void a_reload_takes_the_token_along(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=2 replace_first=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=2\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"taken slot=0 serial=1\n"
		"taken slot=1 serial=2\n"
		"> notice notice=at-limit service=0 slot=0 serial=0 number=2\n"
		"worn slot=0 serial=1 wear=use\n"
		"> spawn service=0 slot=2 serial=3\n"
		"row service=0 change=changed process_limit=2 replace_first=1\n"
		"table\n"
		"> retire service=0 slot=2 serial=3\n"
		"> retire service=0 slot=1 serial=2\n"
		"> retire service=0 slot=0 serial=1\n"
		"> leftovers service=0\n"
		"view service=0 worn=0 retiring=3 recycled=0\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_comes_before_the_worn_one_goes),
		cmocka_unit_test(the_limit_is_kept_to_where_it_must),
		cmocka_unit_test(a_lone_worker_is_never_two),
		cmocka_unit_test(within_the_limit_nobody_is_over_it),
		cmocka_unit_test(who_would_not_be_missed_is_not_replaced),
		cmocka_unit_test(spares_would_be_missed_though_nobody_came),
		cmocka_unit_test(who_is_found_to_be_taken_would_be_missed),
		cmocka_unit_test(where_clients_came_lately_all_are_missed),
		cmocka_unit_test(idle_ones_go_first),
		cmocka_unit_test(a_replacement_that_fails_gives_the_token_back),
		cmocka_unit_test(a_replacement_that_says_nothing_has_its_time),
		cmocka_unit_test(a_busy_worker_is_given_all_the_time),
		cmocka_unit_test(
			but_where_clients_have_a_time_it_is_no_more_than_that_of_two),
		cmocka_unit_test(one_that_serves_nobody_is_not_worn),
		cmocka_unit_test(who_is_awaited_is_not_replaced),
		cmocka_unit_test(without_a_slot_the_worn_one_goes_first),
		cmocka_unit_test(a_reload_takes_the_token_along),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
