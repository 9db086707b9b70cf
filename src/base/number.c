/* SPDX-License-Identifier: MIT */
#include "base/number.h"

#include <stdbool.h>
#include <stddef.h>

struct unit {
	const char *name;
	uint64_t factor;
};

/* From the largest to the smallest: parts of a duration come in this order. */
static const struct unit duration_units[] = {
	{"d", 86400 * NS_PER_S},
	{"h", 3600 * NS_PER_S},
	{"m", 60 * NS_PER_S},
	{"s", NS_PER_S},
	{"ms", NS_PER_MS},
	{"us", 1000},
	{"ns", 1},
};

static const struct unit size_units[] = {
	{"", 1},
	{"k", UINT64_C(1) << 10},
	{"M", UINT64_C(1) << 20},
	{"G", UINT64_C(1) << 30},
	{"T", UINT64_C(1) << 40},
};

enum {
	DURATION_UNITS_N = sizeof(duration_units) / sizeof(duration_units[0]),
	SIZE_UNITS_N = sizeof(size_units) / sizeof(size_units[0]),
};

static bool multiply(uint64_t a, uint64_t b, uint64_t *out)
{
	if (b != 0 && a > UINT64_MAX / b)
		return false;
	*out = a * b;
	return true;
}

static bool add(uint64_t a, uint64_t b, uint64_t *out)
{
	if (a > UINT64_MAX - b)
		return false;
	*out = a + b;
	return true;
}

/* The run of characters at the beginning that are digits, or that are not. */
static struct text take_run(struct text *rest, bool digits)
{
	struct text run = *rest;

	run.n = 0;
	while (run.n < rest->n &&
		text_char_is_digit(rest->bytes[run.n]) == digits)
		run.n++;
	rest->bytes += run.n;
	rest->n -= run.n;
	return run;
}

static enum number_result digits_value(
	struct text digits, unsigned base, uint64_t *out)
{
	uint64_t value = 0;

	if (digits.n == 0)
		return NUMBER_GARBAGE;
	for (size_t i = 0; i < digits.n; i++) {
		char c = digits.bytes[i];
		uint64_t digit = (uint64_t)(c - '0');

		if (!text_char_is_digit(c) || digit >= base)
			return NUMBER_GARBAGE;
		if (!multiply(value, base, &value) ||
			!add(value, digit, &value))
			return NUMBER_TOO_LARGE;
	}
	*out = value;
	return NUMBER_OK;
}

static enum number_result within(
	uint64_t value, struct number_limits limits, uint64_t *out)
{
	if (value < limits.min)
		return NUMBER_TOO_SMALL;
	if (value > limits.max)
		return NUMBER_TOO_LARGE;
	*out = value;
	return NUMBER_OK;
}

static enum number_result parse_digits(struct text text, unsigned base,
	struct number_limits limits, uint64_t *out)
{
	enum number_result result;
	uint64_t value;

	if (text.n == 0)
		return NUMBER_EMPTY;
	result = digits_value(text, base, &value);
	return result != NUMBER_OK ? result : within(value, limits, out);
}

enum number_result number_parse(
	struct text text, struct number_limits limits, uint64_t *out)
{
	return parse_digits(text, 10, limits, out);
}

enum number_result number_parse_octal(
	struct text text, struct number_limits limits, uint64_t *out)
{
	return parse_digits(text, 8, limits, out);
}

/* What the digits behind a point are worth in units of FACTOR. */
static enum number_result fraction_value(
	struct text digits, uint64_t factor, uint64_t *out)
{
	enum number_result result;
	uint64_t value, scale = 1;

	result = digits_value(digits, 10, &value);
	if (result != NUMBER_OK)
		return result;
	for (size_t i = 0; i < digits.n; i++)
		if (!multiply(scale, 10, &scale))
			return NUMBER_GARBAGE;
	if (!multiply(value, factor, &value) || value % scale != 0)
		return NUMBER_GARBAGE;
	*out = value / scale;
	return NUMBER_OK;
}

/* The index of NAME among the units from FROM on; DURATION_UNITS_N if none. */
static size_t duration_unit(struct text name, size_t from)
{
	while (from < DURATION_UNITS_N &&
		!text_is(name, duration_units[from].name))
		from++;
	return from;
}

/* One "1.5s" off *REST; the unit is smaller than the one before. */
struct part {
	uint64_t ns;
	size_t unit;
	bool has_fraction;
};

static enum number_result take_part(
	struct text *rest, size_t units_from, struct part *out)
{
	struct text whole = take_run(rest, true);
	struct text fraction = {"0", 1}, name;
	struct part part = {0};
	enum number_result result;
	uint64_t factor, value;

	if (rest->n > 0 && rest->bytes[0] == '.') {
		rest->bytes++;
		rest->n--;
		fraction = take_run(rest, true);
		part.has_fraction = true;
	}
	if (fraction.n == 0)
		return NUMBER_GARBAGE;
	name = take_run(rest, false);
	result = digits_value(whole, 10, &value);
	if (result != NUMBER_OK)
		return result;
	if (name.n == 0)
		return NUMBER_NO_UNIT;
	part.unit = duration_unit(name, units_from);
	if (part.unit == DURATION_UNITS_N)
		return NUMBER_BAD_UNIT;
	factor = duration_units[part.unit].factor;
	result = fraction_value(fraction, factor, &part.ns);
	if (result != NUMBER_OK)
		return result;
	if (!multiply(value, factor, &value) || !add(value, part.ns, &part.ns))
		return NUMBER_TOO_LARGE;
	*out = part;
	return NUMBER_OK;
}

enum number_result number_parse_duration(
	struct text text, struct number_limits limits_ns, uint64_t *out_ns)
{
	struct text rest = text;
	struct part part = {0};
	size_t units_from = 0;
	uint64_t sum = 0;

	if (text.n == 0)
		return NUMBER_EMPTY;
	if (text_is(text, "0"))
		return within(0, limits_ns, out_ns);
	while (rest.n > 0) {
		enum number_result result = take_part(&rest, units_from, &part);

		if (result != NUMBER_OK)
			return result;
		if (part.has_fraction && rest.n > 0)
			return NUMBER_GARBAGE;
		if (!add(sum, part.ns, &sum))
			return NUMBER_TOO_LARGE;
		units_from = part.unit + 1;
	}
	return within(sum, limits_ns, out_ns);
}

enum number_result number_parse_size(struct text text,
	struct number_limits limits_bytes, uint64_t *out_bytes)
{
	struct text name = text;
	struct text digits = take_run(&name, true);
	enum number_result result;
	uint64_t value;

	if (text.n == 0)
		return NUMBER_EMPTY;
	result = digits_value(digits, 10, &value);
	if (result != NUMBER_OK)
		return result;
	for (size_t i = 0; i < SIZE_UNITS_N; i++) {
		if (!text_is(name, size_units[i].name))
			continue;
		if (!multiply(value, size_units[i].factor, &value))
			return NUMBER_TOO_LARGE;
		return within(value, limits_bytes, out_bytes);
	}
	return NUMBER_BAD_UNIT;
}
