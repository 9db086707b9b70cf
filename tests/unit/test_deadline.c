/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/prng.h"
#include "core/deadline.h"

#define THINGS 40

struct fixture {
	uint64_t at_ns[THINGS];
	uint32_t place[THINGS];
	uint32_t heap[THINGS];
	struct deadlines d;
};

static struct deadlines *init(struct fixture *f)
{
	*f = (struct fixture){.d.things = THINGS};
	f->d.at_ns = f->at_ns;
	f->d.place = f->place;
	f->d.heap = f->heap;
	return &f->d;
}

static void without_a_time_there_is_no_first(void **state)
{
	struct fixture f;
	struct deadlines *d = init(&f);

	(void)state;
	assert_true(deadline_first(d) == DEADLINE_NONE);
	assert_true(deadline_get(d, 3) == DEADLINE_NONE);
	deadline_set(d, 3, DEADLINE_NONE);
	assert_true(deadline_first(d) == DEADLINE_NONE);
}

static void the_earliest_is_first(void **state)
{
	struct fixture f;
	struct deadlines *d = init(&f);

	(void)state;
	deadline_set(d, 7, 300);
	deadline_set(d, 3, 100);
	deadline_set(d, 0, 200);
	assert_int_equal(deadline_first(d), 100);
	assert_int_equal(deadline_first_thing(d), 3);
	deadline_set(d, 3, DEADLINE_NONE);
	assert_int_equal(deadline_first_thing(d), 0);
	deadline_set(d, 0, 400);
	assert_int_equal(deadline_first_thing(d), 7);
	deadline_set(d, 0, 0);
	assert_int_equal(deadline_first(d), 0);
	assert_int_equal(deadline_first_thing(d), 0);
}

static void of_two_at_one_time_each_is_first_in_its_turn(void **state)
{
	struct fixture f;
	struct deadlines *d = init(&f);
	uint32_t one;

	(void)state;
	deadline_set(d, 1, 5);
	deadline_set(d, 2, 5);
	one = deadline_first_thing(d);
	deadline_set(d, one, DEADLINE_NONE);
	assert_int_equal(deadline_first_thing(d), 3 - one);
	deadline_set(d, 3 - one, DEADLINE_NONE);
	assert_true(deadline_first(d) == DEADLINE_NONE);
}

static uint64_t earliest(const uint64_t *plain)
{
	uint64_t at_ns = DEADLINE_NONE;

	for (uint32_t i = 0; i < THINGS; i++)
		if (plain[i] < at_ns)
			at_ns = plain[i];
	return at_ns;
}

static void a_hundred_thousand_moves_agree_with_a_plain_search(void **state)
{
	struct fixture f;
	struct deadlines *d = init(&f);
	uint64_t plain[THINGS];
	struct prng prng;

	(void)state;
	prng_seed(&prng, 42);
	for (uint32_t i = 0; i < THINGS; i++)
		plain[i] = DEADLINE_NONE;
	for (uint32_t n = 0; n < 100000; n++) {
		uint32_t thing = (uint32_t)prng_below(&prng, THINGS);

		plain[thing] = prng_below(&prng, 3) == 0
				       ? DEADLINE_NONE
				       : prng_below(&prng, 1000);
		deadline_set(d, thing, plain[thing]);
		assert_true(deadline_get(d, thing) == plain[thing]);
		assert_true(deadline_first(d) == earliest(plain));
		if (deadline_first(d) != DEADLINE_NONE)
			assert_true(plain[deadline_first_thing(d)] ==
				    deadline_first(d));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_time_there_is_no_first),
		cmocka_unit_test(the_earliest_is_first),
		cmocka_unit_test(of_two_at_one_time_each_is_first_in_its_turn),
		cmocka_unit_test(
			a_hundred_thousand_moves_agree_with_a_plain_search),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
