/* SPDX-License-Identifier: MIT */
#include "conf/postfix_compare.h"

#include <assert.h>
#include <string.h>

#include "base/number.h"
#include "conf/postfix_word.h"

enum {
	LEVEL_BITS = 10, /* of a minor number, and of a patch number */
	LEVEL_PARTS = 3,
};

static const char *const operators[POSTFIX_OPERATORS_N] = {
	[POSTFIX_EQ] = "==",
	[POSTFIX_NE] = "!=",
	[POSTFIX_LT] = "<",
	[POSTFIX_LE] = "<=",
	[POSTFIX_GE] = ">=",
	[POSTFIX_GT] = ">",
};

enum postfix_operator postfix_operator_find(struct text text)
{
	enum postfix_operator found = 0;

	while (found < POSTFIX_OPERATORS_N && !text_is(text, operators[found]))
		found++;
	return found;
}

const char *postfix_operator_text(enum postfix_operator op)
{
	assert(op < POSTFIX_OPERATORS_N);
	return operators[op];
}

/* One number of it, with what strtol() would let stand before. */
static bool parse_level_part(
	struct text part, uint64_t max, uint64_t *out_number)
{
	bool is_negative = false;

	while (part.n > 0 && postfix_is_space(part.bytes[0]))
		part = postfix_behind(part, 1);
	if (part.n > 0 && (part.bytes[0] == '-' || part.bytes[0] == '+')) {
		is_negative = part.bytes[0] == '-';
		part = postfix_behind(part, 1);
	}
	return number_parse(part,
		       (struct number_limits){0, is_negative ? 0 : max},
		       out_number) == NUMBER_OK;
}

bool postfix_level_parse(struct text text, uint64_t *out_level)
{
	uint64_t max = INT64_MAX >> (LEVEL_BITS * (LEVEL_PARTS - 1));
	struct text part;
	uint64_t level = 0;
	unsigned parts = 0;

	while (text_cut(&text, '.', &part)) {
		uint64_t number;

		if (parts == LEVEL_PARTS ||
			!parse_level_part(part, max, &number))
			return false;
		max = (1 << LEVEL_BITS) - 1; /* but for the first */
		level = (level << LEVEL_BITS) | number;
		parts++;
	}
	for (; parts < LEVEL_PARTS; parts++)
		level <<= LEVEL_BITS;
	*out_level = level;
	return true;
}

/* Less than 0, 0, or more: LEFT against RIGHT. */
static int order_of_numbers(uint64_t left, uint64_t right)
{
	return left < right ? -1 : left > right;
}

static int order_of_texts(struct text left, struct text right)
{
	size_t n = left.n < right.n ? left.n : right.n;
	int order = n == 0 ? 0 : memcmp(left.bytes, right.bytes, n);

	return order != 0 ? order : order_of_numbers(left.n, right.n);
}

static bool holds(enum postfix_operator op, int order)
{
	switch (op) {
	case POSTFIX_EQ:
		return order == 0;
	case POSTFIX_NE:
		return order != 0;
	case POSTFIX_LT:
		return order < 0;
	case POSTFIX_LE:
		return order <= 0;
	case POSTFIX_GE:
		return order >= 0;
	case POSTFIX_GT:
		return order > 0;
	case POSTFIX_OPERATORS_N:
		break;
	}
	assert(false); /* the parser lets no other through */
	return false;
}

static bool parse_operand(struct text text, bool by_level, uint64_t *out,
	struct text_builder *trouble)
{
	const struct number_limits limits = {0, INT64_MAX};

	if (by_level && postfix_level_parse(text, out))
		return true;
	if (!by_level && number_parse(text, limits, out) == NUMBER_OK)
		return true;
	text_put_format(trouble,
		by_level ? "malformed compatibility level syntax: \"%.*s\""
			 : "mac_exp_eval: bad conversion: %.*s",
		(int)text.n, text.bytes);
	return false;
}

bool postfix_compare(enum postfix_operator op, bool by_level, struct text left,
	struct text right, bool *out, struct text_builder *trouble)
{
	uint64_t a, b;

	if (!by_level &&
		(!postfix_is_digits(left) || !postfix_is_digits(right))) {
		*out = holds(op, order_of_texts(left, right));
		return true;
	}
	if (!parse_operand(left, by_level, &a, trouble) ||
		!parse_operand(right, by_level, &b, trouble))
		return false;
	*out = holds(op, order_of_numbers(a, b));
	return true;
}
