/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core_script.h"

#define FULL                                                                   \
	"row service=0 change=changed process_limit=1\n"                       \
	"table\n"                                                              \
	"> watch service=0\n"                                                  \
	"clients service=0 depth=1\n"                                          \
	"> spawn service=0 slot=0 serial=1\n"                                  \
	"ready slot=0 serial=1\n"                                              \
	"taken slot=0 serial=1\n"

static void a_higher_limit_lets_the_waiting_be_seen(void **state)
{
	(void)state;
	script_check(
		FULL "scale service=0 process_limit=3 spare_min=0 spare_max=0\n"
		     "> watch service=0\n"
		     "view service=0 limit=3\n"
		     "clients service=0 depth=5\n"
		     "> spawn service=0 slot=1 serial=2\n"
		     "> spawn service=0 slot=2 serial=3\n");
}

static void a_lower_limit_takes_the_idle_now_and_the_taken_when_free(
	void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=3 spare_min=3\n"
		"table\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"> spawn service=0 slot=2 serial=3\n"
		"> watch service=0\n"
		"ready slot=0 serial=1\n"
		"ready slot=1 serial=2\n"
		"ready slot=2 serial=3\n"
		"taken slot=0 serial=1\n"
		"taken slot=1 serial=2\n"
		"scale service=0 process_limit=1 spare_min=0 spare_max=0\n"
		"> retire service=0 slot=2 serial=3\n"
		"> ignore service=0\n"
		"view service=0 limit=1 taken=2 retiring=1\n"
		"ready slot=1 serial=2\n"
		"> retire service=0 slot=1 serial=2\n"
		"view service=0 taken=1 retiring=2\n");
}

static void spares_come_at_once(void **state)
{
	(void)state;
	script_check("row service=0 change=changed process_limit=4\n"
		     "table\n"
		     "> watch service=0\n"
		     "scale service=0 process_limit=4 spare_min=2 spare_max=3\n"
		     "> spawn service=0 slot=0 serial=1\n"
		     "> spawn service=0 slot=1 serial=2\n"
		     "view service=0 limit=4 spare_min=2 spare_max=3\n");
}

static void a_table_puts_its_own_back(void **state)
{
	(void)state;
	script_check(
		FULL "scale service=0 process_limit=3 spare_min=1 spare_max=2\n"
		     "> spawn service=0 slot=1 serial=2\n"
		     "view service=0 limit=3 spare_min=1 spare_max=2\n"
		     "ready slot=1 serial=2\n"
		     "row service=0 change=same process_limit=1\n"
		     "table\n"
		     "> retire service=0 slot=1 serial=2\n"
		     "view service=0 limit=1 spare_min=0 spare_max=0\n");
}

/* What may go over the limit while others leave is for more than one. */
static void one_is_never_two(void **state)
{
	(void)state;
	script_check(
		"row service=0 change=changed process_limit=4 surge=1\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"ready slot=0 serial=1\n"
		"taken slot=0 serial=1\n"
		"> watch service=0\n"
		"scale service=0 process_limit=1 spare_min=0 spare_max=0\n"
		"> ignore service=0\n"
		"listener-lost service=0\n"
		"> reopen service=0\n"
		"> notice notice=throttled service=0 slot=0 serial=0 number=*\n"
		"> retire service=0 slot=0 serial=1\n"
		"> leftovers service=0\n"
		"at 5s\n"
		"time\n"
		"> look service=0\n"
		"view service=0 total=1\n");
}

static void one_that_leaves_or_is_not_there_is_let_be(void **state)
{
	(void)state;
	script_check(
		FULL "scale service=3 process_limit=3 spare_min=1 spare_max=2\n"
		     "stop\n"
		     "> retire service=0 slot=0 serial=1\n"
		     "> leftovers service=0\n"
		     "scale service=0 process_limit=3 spare_min=1 spare_max=2\n"
		     "view service=0 limit=1 total=1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_higher_limit_lets_the_waiting_be_seen),
		cmocka_unit_test(
			a_lower_limit_takes_the_idle_now_and_the_taken_when_free),
		cmocka_unit_test(spares_come_at_once),
		cmocka_unit_test(a_table_puts_its_own_back),
		cmocka_unit_test(one_is_never_two),
		cmocka_unit_test(one_that_leaves_or_is_not_there_is_let_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
