/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_BASE_NUMBER_H
#define OSTLER_BASE_NUMBER_H

#include <stdint.h>

#include "base/text.h"

/*
 * number - numbers, durations and sizes, as people write and read them
 *
 * Knows:   the units: ns us ms s m h d, and k M G T (powers of 1024).
 * Decides: nothing.
 * Never:   guesses. Blanks, signs, a missing or unknown unit, a fraction too
 *          fine to keep and a figure too large are errors, not roundings.
 */
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

enum number_result {
	NUMBER_OK,
	NUMBER_EMPTY,	 /* nothing there */
	NUMBER_GARBAGE,	 /* not a number, or something behind it */
	NUMBER_NO_UNIT,	 /* a duration other than 0 needs one */
	NUMBER_BAD_UNIT, /* a unit that does not exist, or in the wrong place */
	NUMBER_TOO_SMALL, /* below the least that is allowed */
	NUMBER_TOO_LARGE, /* above the most, or more than 64 bits hold */
};

struct number_limits {
	uint64_t min;
	uint64_t max;
};

/* All of them write *OUT only on NUMBER_OK. */

/* "100": decimal digits only. */
enum number_result number_parse(
	struct text text, struct number_limits limits, uint64_t *out);

/* "0660": octal digits only, with or without a leading 0. */
enum number_result number_parse_octal(
	struct text text, struct number_limits limits, uint64_t *out);

/* "100s", "1.5s", "200ms", "1h30m" (largest unit first), or "0". */
enum number_result number_parse_duration(
	struct text text, struct number_limits limits_ns, uint64_t *out_ns);

/* "512", "64k", "1M", "2G", "1T": bytes. */
enum number_result number_parse_size(struct text text,
	struct number_limits limits_bytes, uint64_t *out_bytes);

/* The two largest units that say something: "1.5s", "4m10s", "3d4h". */
void number_put_duration(struct text_builder *builder, uint64_t ns);

/* Exact, in seconds, for programs: "100", "1.5", "0.000000001". */
void number_put_seconds(struct text_builder *builder, uint64_t ns);

/* Exact: the largest unit without a rest: "64k", "1025", "2G". */
void number_put_size(struct text_builder *builder, uint64_t bytes);

#endif
