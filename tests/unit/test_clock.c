/* SPDX-License-Identifier: MIT */
#include "sys/clock.h"

#include <time.h>

#include "sys_fixture.h"

static void time_goes_forward(void **state)
{
	uint64_t before = clock_now_ns();
	uint64_t now = before;

	(void)state;
	assert_true(before > 0);
	for (unsigned i = 0; i < 100000000 && now == before; i++) {
		now = clock_now_ns();
		assert_true(now >= before);
	}
	assert_true(now > before);
}

static void it_is_the_monotonic_clock_in_nanoseconds(void **state)
{
	struct timespec first, last;
	uint64_t now;

	(void)state;
	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &first), 0);
	now = clock_now_ns();
	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &last), 0);
	assert_true(now >= (uint64_t)first.tv_sec * 1000000000u +
				   (uint64_t)first.tv_nsec);
	assert_true(now <= (uint64_t)last.tv_sec * 1000000000u +
				   (uint64_t)last.tv_nsec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_goes_forward),
		cmocka_unit_test(it_is_the_monotonic_clock_in_nanoseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
