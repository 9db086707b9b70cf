/* SPDX-License-Identifier: MIT */
#include "conf_case.h"

#include <string.h>

#include "base/number.h"
#include "table/service.h"

static void nothing_is_tried_unless_it_is_asked_for(void **state)
{
	const struct policy *policy = &service_with("")->policy;

	(void)state;
	assert_int_equal(policy->canary, 0);
	assert_int_equal(policy->canary_min, 20);
	assert_true(policy->canary_time_ns == 60 * NS_PER_S);
}

static void a_number_or_a_part_of_the_workers(void **state)
{
	const struct policy *policy =
		&service_with("canary = \"10%\"\ncanary_time = 5s")->policy;

	(void)state;
	assert_int_equal(policy->canary, 10);
	assert_true(policy->canary_percent);
	assert_true(policy->canary_time_ns == 5 * NS_PER_S);
	policy = &service_with("canary = 3\ncanary_min = 0")->policy;
	assert_int_equal(policy->canary, 3);
	assert_false(policy->canary_percent);
	assert_int_equal(policy->canary_min, 0);
}

static void what_is_no_part_is_refused(void **state)
{
	(void)state;
	assert_non_null(strstr(read_service("canary = \"101%\""),
		"canary: '101%' is not a percentage"));
	assert_non_null(strstr(read_service("canary = \"0%\""),
		"canary: '0%' is not a percentage"));
	assert_non_null(strstr(read_service("canary = many"),
		"canary: 'many' is not a number"));
}

static void where_it_cannot_be_it_is_refused(void **state)
{
	(void)state;
	assert_non_null(strstr(read_service("canary = 1\nprocess_limit = 1"),
		"canary with process_limit = 1"));
	assert_non_null(strstr(read_service("canary = 1\n"
					    "stress_time = 5s"),
		"canary and stress_time"));
	assert_non_null(strstr(read_service("canary = 1\n"
					    "status_channel = shared"),
		"canary with status_channel = shared"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			nothing_is_tried_unless_it_is_asked_for, conf_setup,
			conf_teardown),
		cmocka_unit_test_setup_teardown(
			a_number_or_a_part_of_the_workers, conf_setup,
			conf_teardown),
		cmocka_unit_test_setup_teardown(
			what_is_no_part_is_refused, conf_setup, conf_teardown),
		cmocka_unit_test_setup_teardown(
			where_it_cannot_be_it_is_refused, conf_setup,
			conf_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
