/* SPDX-License-Identifier: MIT */
#include "check.h"

#include "base/prng.h"

static void the_numbers_are_those_of_splitmix64(void **state)
{
	struct prng prng;

	(void)state;
	/* The published first outputs for the seed 1234567. */
	prng_seed(&prng, 1234567);
	assert_true(prng_next(&prng) == UINT64_C(6457827717110365317));
	assert_true(prng_next(&prng) == UINT64_C(3203168211198807973));
	assert_true(prng_next(&prng) == UINT64_C(9817491932198370423));
}

static void the_same_seed_gives_the_same_numbers(void **state)
{
	struct prng one, other;

	(void)state;
	prng_seed(&one, 42);
	prng_seed(&other, 42);
	for (int i = 0; i < 100; i++)
		assert_true(prng_next(&one) == prng_next(&other));
}

static void below_stays_below_and_reaches_everything(void **state)
{
	struct prng prng;

	(void)state;
	prng_seed(&prng, 0);
	for (uint64_t n = 1; n <= 10; n++) {
		unsigned seen = 0;

		for (int i = 0; i < 1000; i++) {
			uint64_t value = prng_below(&prng, n);

			assert_true(value < n);
			seen |= 1U << value;
		}
		assert_int_equal(seen, (1U << n) - 1);
	}
	assert_true(prng_below(&prng, UINT64_MAX) < UINT64_MAX);
}

static void below_favours_nobody(void **state)
{
	struct prng prng;
	unsigned counts[3] = {0};
	const uint64_t n = UINT64_C(3) << 62; /* a quarter is thrown again */

	(void)state;
	prng_seed(&prng, 7);
	for (int i = 0; i < 30000; i++)
		counts[prng_below(&prng, n) >> 62]++;
	for (int i = 0; i < 3; i++) {
		assert_true(counts[i] > 9500);
		assert_true(counts[i] < 10500);
	}
}

static void less_is_by_up_to_an_eighth_and_the_same_again(void **state)
{
	uint64_t least = UINT64_MAX, most = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 1000; seed++) {
		uint64_t n = prng_less(800, seed);

		assert_int_equal(n, prng_less(800, seed));
		least = n < least ? n : least;
		most = n > most ? n : most;
	}
	assert_int_equal(least, 700);
	assert_int_equal(most, 800);
	assert_int_equal(prng_less(7, 1), 7);
	assert_int_equal(prng_less(0, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_numbers_are_those_of_splitmix64),
		cmocka_unit_test(the_same_seed_gives_the_same_numbers),
		cmocka_unit_test(below_stays_below_and_reaches_everything),
		cmocka_unit_test(below_favours_nobody),
		cmocka_unit_test(less_is_by_up_to_an_eighth_and_the_same_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
