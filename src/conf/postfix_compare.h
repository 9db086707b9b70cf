/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CONF_POSTFIX_COMPARE_H
#define OSTLER_CONF_POSTFIX_COMPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

/*
 * postfix_compare - {A} op {B}, as main.cf compares
 *
 * Knows:   numbers, texts and compatibility levels.
 * Decides: which of them two operands are.
 * Never:   expands anything.
 */
enum postfix_operator {
	POSTFIX_EQ,
	POSTFIX_NE,
	POSTFIX_LT,
	POSTFIX_LE,
	POSTFIX_GE,
	POSTFIX_GT,
	POSTFIX_OPERATORS_N
};

/* The operator that is written so, or POSTFIX_OPERATORS_N. */
enum postfix_operator postfix_operator_find(struct text text);

const char *postfix_operator_text(enum postfix_operator op);

/*
 * "3", "3.6" or "3.6.1", as a number to compare with another such. False if
 * it is none.
 */
bool postfix_level_parse(struct text text, uint64_t *out_level);

/*
 * False, and why in TROUBLE, if the two cannot be compared. BY_LEVEL: they are
 * compatibility levels. Else they are numbers if both look like one.
 */
bool postfix_compare(enum postfix_operator op, bool by_level, struct text left,
	struct text right, bool *out, struct text_builder *trouble);

#endif
