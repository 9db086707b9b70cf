/* SPDX-License-Identifier: MIT */
#include "sys/quota.h"

#include "sys_fixture.h"

static void make(const char *directory, const char *name, const char *text)
{
	char command[1200];

	(void)snprintf(command, sizeof(command), "mkdir -p '%s/%s'", scratch,
		directory);
	assert_int_equal(system(command), 0);
	(void)snprintf(
		command, sizeof(command), "%s/%s/%s", scratch, directory, name);
	write_text(command, text);
}

static unsigned quota_of(const char *list)
{
	write_text(in_scratch("list"), list);
	return sys_quota(in_scratch("list"), in_scratch("cg"));
}

static void part_of_a_processor_is_one(void **state)
{
	(void)state;
	make("cg/a/b", "cpu.max", "50000 100000\n");
	assert_int_equal(quota_of("0::/a/b\n"), 1);
	make("cg/a/b", "cpu.max", "250000 100000\n");
	assert_int_equal(quota_of("0::/a/b\n"), 3);
	make("cg/a/b", "cpu.max", "max 100000\n");
	assert_int_equal(quota_of("0::/a/b\n"), 0);
}

static void a_group_above_counts_too(void **state)
{
	(void)state;
	make("cg/a/b", "cpu.max", "800000 100000\n");
	make("cg/a", "cpu.max", "200000 100000\n");
	assert_int_equal(quota_of("0::/a/b\n"), 2);
	assert_int_equal(quota_of("0::/a/b/c\n"), 2); /* not to be seen */
	/* As a container has it: its own group is the root. */
	make("cg", "cpu.max", "400000 100000\n");
	assert_int_equal(quota_of("0::/\n"), 4);
	assert_int_equal(quota_of("0::/../elsewhere\n"), 4);
}

static void version_1_has_two_files(void **state)
{
	(void)state;
	make("cg/cpu,cpuacct/x", "cpu.cfs_quota_us", "150000\n");
	make("cg/cpu,cpuacct/x", "cpu.cfs_period_us", "50000\n");
	assert_int_equal(quota_of("5:cpuset:/x\n4:cpu,cpuacct:/x\n"), 3);
	make("cg/cpu,cpuacct/x", "cpu.cfs_quota_us", "-1\n");
	assert_int_equal(quota_of("5:cpuset:/x\n4:cpu,cpuacct:/x\n"), 0);
}

static void what_cannot_be_read_is_no_limit(void **state)
{
	(void)state;
	assert_int_equal(quota_of(""), 0);
	assert_int_equal(quota_of("nonsense\n0:\n1:cpu\n::::\n"), 0);
	make("cg/odd", "cpu.max", "0 0\n");
	assert_int_equal(quota_of("0::/odd\n"), 0);
	make("cg/odd", "cpu.max", "\n");
	assert_int_equal(quota_of("0::/odd\n"), 0);
	assert_int_equal(sys_quota("/nonexistent", "/nonexistent"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(part_of_a_processor_is_one,
			make_scratch, remove_scratch),
		cmocka_unit_test_setup_teardown(
			a_group_above_counts_too, make_scratch, remove_scratch),
		cmocka_unit_test_setup_teardown(
			version_1_has_two_files, make_scratch, remove_scratch),
		cmocka_unit_test_setup_teardown(what_cannot_be_read_is_no_limit,
			make_scratch, remove_scratch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
