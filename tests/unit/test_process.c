/* SPDX-License-Identifier: MIT */
#include "sys/process.h"

#include "sys_fixture.h"

static void the_youngest_children_are_told_if_there_are_many(void **state)
{
	int pids[3], children[2];
	int before = sys_children(children, 2);
	int n;

	(void)state;
	if (before == -ENOENT)
		skip(); /* not every kernel tells */
	for (unsigned i = 0; i < 3; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0)
			_exit(0);
	}
	n = sys_children(children, 2);
	assert_int_equal(n, before + 3);
	assert_int_not_equal(children[0], children[1]);
	for (unsigned i = 0; i < 2; i++)
		assert_true(children[i] == pids[1] || children[i] == pids[2]);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_youngest_children_are_told_if_there_are_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
