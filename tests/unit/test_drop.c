/* SPDX-License-Identifier: MIT */
#include "check.h"

#include "programs/bounce/drop.h"

static struct drop parsed(const char *word)
{
	struct drop drop;

	if (!drop_parse(word, &drop))
		fail_msg("%s", word);
	return drop;
}

static void what_is_not_start_rate_full_is_refused(void **state)
{
	static const char *const words[] = {"", "1", "1:2",
		"1:2:", "1:2:3:", "1:0:3", "1:101:3", "3:50:3", "4:50:3",
		"-1:50:3", " 1:50:3", "1: 50:3", "1:50:3 ", "0x1:50:3",
		"1:50:1000001", "1:50:99999999999999999999", "1::3"};
	struct drop drop;

	(void)state;
	for (size_t i = 0; i < COUNT(words); i++)
		if (drop_parse(words[i], &drop))
			fail_msg("%s", words[i]);
	drop = parsed("0:100:1000000");
	assert_int_equal(drop.start, 0);
	assert_int_equal(drop.rate, 100);
	assert_int_equal(drop.full, 1000000);
}

/* Of so many dice in equal distances, how many percent say "go"? */
static int percent(const char *word, uint32_t before)
{
	int goes = 0;

	for (uint32_t i = 0; i < 100; i++) {
		struct drop drop = parsed(word);

		drop.kept = before;
		goes += drop_judge(&drop, i * 42949673U);
	}
	return goes;
}

static void the_chance_grows_from_rate_at_start_to_certainty_at_full(
	void **state)
{
	(void)state;
	assert_int_equal(percent("10:30:60", 0), 0);
	assert_int_equal(percent("10:30:60", 9), 0);
	assert_int_equal(percent("10:30:60", 10), 30);
	assert_int_equal(percent("10:30:60", 35), 65);
	assert_int_equal(percent("10:30:60", 59), 98 + 1);
	assert_int_equal(percent("10:30:60", 60), 100);
	assert_int_equal(percent("10:30:60", 1000), 100);
	assert_int_equal(percent("0:1:1000000", 0), 1);
	assert_int_equal(percent("0:100:1", 0), 100);
}

static void each_client_is_judged_once_when_it_comes(void **state)
{
	struct drop drop = parsed("2:100:4");

	(void)state;
	/* Three are there: the third has two before it. */
	assert_int_equal(drop_look(&drop, 3, 1), 3);
	assert_false(drop_judge(&drop, 0));
	assert_false(drop_judge(&drop, 0));
	assert_true(drop_judge(&drop, 0));
	/* It went; another came. */
	assert_int_equal(drop_look(&drop, 3, 1), 1);
	assert_true(drop_judge(&drop, 0));
	/* One was served while one came: the wake-up tells. */
	assert_int_equal(drop_look(&drop, 2, 1), 1);
	assert_false(drop_judge(&drop, 0));
	/* All were served before anybody looked. */
	assert_int_equal(drop_look(&drop, 0, 2), 0);
	assert_int_equal(drop_look(&drop, 1, 1), 1);
	assert_false(drop_judge(&drop, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_start_rate_full_is_refused),
		cmocka_unit_test(
			the_chance_grows_from_rate_at_start_to_certainty_at_full),
		cmocka_unit_test(each_client_is_judged_once_when_it_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
