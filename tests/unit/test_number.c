/* SPDX-License-Identifier: MIT */
#include "check.h"

#include "base/number.h"
#include "base/prng.h"

static const struct number_limits any = {0, UINT64_MAX};

enum {
	UNTOUCHED = 4711,
};

struct sample {
	const char *text;
	enum number_result result;
	uint64_t value;
};

static void check(enum number_result (*parse)(struct text text,
			  struct number_limits limits, uint64_t *out),
	const struct sample *samples, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t value = UNTOUCHED;
		enum number_result result =
			parse(text_of(samples[i].text), any, &value);
		uint64_t expected = samples[i].result == NUMBER_OK
					    ? samples[i].value
					    : UNTOUCHED;

		if (result != samples[i].result || value != expected)
			fail_msg("'%s' gives %d and %llu", samples[i].text,
				(int)result, (unsigned long long)value);
	}
}

static void a_number_is_digits_and_nothing_else(void **state)
{
	static const struct sample samples[] = {
		{"0", NUMBER_OK, 0},
		{"100", NUMBER_OK, 100},
		{"010", NUMBER_OK, 10},
		{"18446744073709551615", NUMBER_OK, UINT64_MAX},
		{"18446744073709551616", NUMBER_TOO_LARGE, 0},
		{"99999999999999999999999", NUMBER_TOO_LARGE, 0},
		{"", NUMBER_EMPTY, 0},
		{"-1", NUMBER_GARBAGE, 0},
		{"+1", NUMBER_GARBAGE, 0},
		{" 1", NUMBER_GARBAGE, 0},
		{"1 ", NUMBER_GARBAGE, 0},
		{"0x10", NUMBER_GARBAGE, 0},
		{"1e3", NUMBER_GARBAGE, 0},
		{"ten", NUMBER_GARBAGE, 0},
		{"1.5", NUMBER_GARBAGE, 0},
	};

	(void)state;
	check(number_parse, samples, COUNT(samples));
}

static void limits_are_part_of_what_is_allowed(void **state)
{
	const struct number_limits limits = {5, 10};
	uint64_t value = UNTOUCHED;

	(void)state;
	assert_int_equal(
		number_parse(text_of("4"), limits, &value), NUMBER_TOO_SMALL);
	assert_int_equal(
		number_parse(text_of("11"), limits, &value), NUMBER_TOO_LARGE);
	assert_int_equal(value, UNTOUCHED);
	assert_int_equal(number_parse(text_of("5"), limits, &value), NUMBER_OK);
	assert_int_equal(value, 5);
	assert_int_equal(
		number_parse(text_of("10"), limits, &value), NUMBER_OK);
	assert_int_equal(value, 10);
	assert_int_equal(number_parse_duration(text_of("0"), limits, &value),
		NUMBER_TOO_SMALL);
	assert_int_equal(number_parse_size(text_of("1k"), limits, &value),
		NUMBER_TOO_LARGE);
}

static void octal_has_no_eight(void **state)
{
	static const struct sample samples[] = {
		{"0660", NUMBER_OK, 0660},
		{"22", NUMBER_OK, 022},
		{"0", NUMBER_OK, 0},
		{"08", NUMBER_GARBAGE, 0},
		{"0o22", NUMBER_GARBAGE, 0},
		{"", NUMBER_EMPTY, 0},
		{"7777777777777777777777", NUMBER_TOO_LARGE, 0},
	};

	(void)state;
	check(number_parse_octal, samples, COUNT(samples));
}

static void a_duration_has_a_unit(void **state)
{
	static const struct sample samples[] = {
		{"0", NUMBER_OK, 0},
		{"100s", NUMBER_OK, 100 * NS_PER_S},
		{"1.5s", NUMBER_OK, 1500 * NS_PER_MS},
		{"200ms", NUMBER_OK, 200 * NS_PER_MS},
		{"2m", NUMBER_OK, 120 * NS_PER_S},
		{"1h", NUMBER_OK, 3600 * NS_PER_S},
		{"1d", NUMBER_OK, 86400 * NS_PER_S},
		{"7us", NUMBER_OK, 7000},
		{"7ns", NUMBER_OK, 7},
		{"1h30m", NUMBER_OK, 5400 * NS_PER_S},
		{"4m10s", NUMBER_OK, 250 * NS_PER_S},
		{"1d0.5s", NUMBER_OK, 86400 * NS_PER_S + NS_PER_S / 2},
		{"0.000000001s", NUMBER_OK, 1},
		{"18446744073709551615ns", NUMBER_OK, UINT64_MAX},
		{"", NUMBER_EMPTY, 0},
		{"100", NUMBER_NO_UNIT, 0},
		{"1.5", NUMBER_NO_UNIT, 0},
		{"1h30", NUMBER_NO_UNIT, 0},
		{"00", NUMBER_NO_UNIT, 0},
		{"1x", NUMBER_BAD_UNIT, 0},
		{"1S", NUMBER_BAD_UNIT, 0},
		{"1 s", NUMBER_BAD_UNIT, 0},
		{"1sec", NUMBER_BAD_UNIT, 0},
		{"1s ", NUMBER_BAD_UNIT, 0},
		{"30m1h", NUMBER_BAD_UNIT, 0},
		{"1s1s", NUMBER_BAD_UNIT, 0},
		{"s", NUMBER_GARBAGE, 0},
		{"-1s", NUMBER_GARBAGE, 0},
		{"1.s", NUMBER_GARBAGE, 0},
		{".5s", NUMBER_GARBAGE, 0},
		{"1..5s", NUMBER_GARBAGE, 0},
		{"1,5s", NUMBER_BAD_UNIT, 0},
		{"1.5h30m", NUMBER_GARBAGE, 0},
		{"0.3ns", NUMBER_GARBAGE, 0},
		{"0.0000000001s", NUMBER_GARBAGE, 0},
		{"1.00000000000000000000000s", NUMBER_GARBAGE, 0},
		{"300000000000d", NUMBER_TOO_LARGE, 0},
		{"213503d24h", NUMBER_TOO_LARGE, 0},
		{"18446744073709551616s", NUMBER_TOO_LARGE, 0},
	};

	(void)state;
	check(number_parse_duration, samples, COUNT(samples));
}

static void a_size_counts_in_powers_of_1024(void **state)
{
	static const struct sample samples[] = {
		{"0", NUMBER_OK, 0},
		{"512", NUMBER_OK, 512},
		{"64k", NUMBER_OK, 65536},
		{"1M", NUMBER_OK, 1048576},
		{"2G", NUMBER_OK, UINT64_C(2) << 30},
		{"1T", NUMBER_OK, UINT64_C(1) << 40},
		{"16777215T", NUMBER_OK, UINT64_C(16777215) << 40},
		{"16777216T", NUMBER_TOO_LARGE, 0},
		{"", NUMBER_EMPTY, 0},
		{"k", NUMBER_GARBAGE, 0},
		{"1K", NUMBER_BAD_UNIT, 0},
		{"1kB", NUMBER_BAD_UNIT, 0},
		{"1.5M", NUMBER_BAD_UNIT, 0},
		{"1 M", NUMBER_BAD_UNIT, 0},
		{"-1", NUMBER_GARBAGE, 0},
	};

	(void)state;
	check(number_parse_size, samples, COUNT(samples));
}

static char text[80];
static struct text_builder builder;

static const char *duration(uint64_t ns)
{
	text_builder_init(&builder, text, sizeof(text));
	number_put_duration(&builder, ns);
	return text;
}

static void people_are_shown_two_units(void **state)
{
	(void)state;
	CHECK_TEXT(duration(0), "0s");
	CHECK_TEXT(duration(1), "1ns");
	CHECK_TEXT(duration(1500), "1.5us");
	CHECK_TEXT(duration(200 * NS_PER_MS), "200ms");
	CHECK_TEXT(duration(NS_PER_S - 1), "999.9ms");
	CHECK_TEXT(duration(NS_PER_S), "1s");
	CHECK_TEXT(duration(1500 * NS_PER_MS), "1.5s");
	CHECK_TEXT(duration(59999 * NS_PER_MS), "59.9s");
	CHECK_TEXT(duration(60 * NS_PER_S), "1m");
	CHECK_TEXT(duration(250 * NS_PER_S), "4m10s");
	CHECK_TEXT(duration(3661 * NS_PER_S), "1h1m");
	CHECK_TEXT(duration(100000 * NS_PER_S), "1d3h");
}

static void programs_are_given_exact_seconds(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} samples[] = {
		{0, "0"},
		{1, "0.000000001"},
		{100 * NS_PER_S, "100"},
		{1500 * NS_PER_MS, "1.5"},
		{1050 * NS_PER_MS, "1.05"},
		{UINT64_MAX, "18446744073.709551615"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		text_builder_init(&builder, text, sizeof(text));
		number_put_seconds(&builder, samples[i].ns);
		CHECK_TEXT(text, samples[i].text);
	}
}

static void a_size_comes_back_as_it_was_put(void **state)
{
	struct prng prng;

	(void)state;
	prng_seed(&prng, 3);
	for (int i = 0; i < 10000; i++) {
		uint64_t size = prng_next(&prng) >> prng_below(&prng, 64);
		uint64_t got = UNTOUCHED;

		if (i % 2 == 0)
			size = size >> 30 << (10 * prng_below(&prng, 4));
		text_builder_init(&builder, text, sizeof(text));
		number_put_size(&builder, size);
		assert_int_equal(
			number_parse_size(text_built(&builder), any, &got),
			NUMBER_OK);
		assert_true(got == size);
	}
	text_builder_init(&builder, text, sizeof(text));
	number_put_size(&builder, 65536);
	CHECK_TEXT(text, "64k");
}

static void seconds_come_back_as_they_were_put(void **state)
{
	struct prng prng;

	(void)state;
	prng_seed(&prng, 4);
	for (int i = 0; i < 10000; i++) {
		uint64_t ns = prng_next(&prng) >> prng_below(&prng, 64);
		uint64_t got = UNTOUCHED;

		text_builder_init(&builder, text, sizeof(text));
		number_put_seconds(&builder, ns);
		text_put_char(&builder, 's');
		assert_int_equal(
			number_parse_duration(text_built(&builder), any, &got),
			NUMBER_OK);
		assert_true(got == ns);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_is_digits_and_nothing_else),
		cmocka_unit_test(limits_are_part_of_what_is_allowed),
		cmocka_unit_test(octal_has_no_eight),
		cmocka_unit_test(a_duration_has_a_unit),
		cmocka_unit_test(a_size_counts_in_powers_of_1024),
		cmocka_unit_test(people_are_shown_two_units),
		cmocka_unit_test(programs_are_given_exact_seconds),
		cmocka_unit_test(a_size_comes_back_as_it_was_put),
		cmocka_unit_test(seconds_come_back_as_they_were_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
