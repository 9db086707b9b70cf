/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CONF_POSTFIX_REFERENCE_H
#define OSTLER_CONF_POSTFIX_REFERENCE_H

#include <stdbool.h>

#include "base/text.h"
#include "conf/postfix_compare.h"

/*
 * postfix_reference - what stands between the braces of ${...}
 *
 * Knows:   NAME, NAME?TEXT, NAME:TEXT, NAME?{TEXT}:{TEXT}, and {A} op {B}
 *          in the place of NAME.
 * Decides: nothing.
 * Never:   looks anything up: all texts are views, as they are written.
 */
struct postfix_reference {
	bool is_comparison;
	struct text name; /* may be empty, which is the name of nothing */
	struct text left, right;
	enum postfix_operator op;
	bool by_level;
	bool chooses; /* between YES and NO; a comparison always does */
	struct text yes, no;
	struct text content; /* all of it */
	size_t at;	     /* of a comparison: where the choice is */
	size_t behind;	     /* where its second operand ended */
};

/* False, and why in TROUBLE, in Postfix's words. */
bool postfix_reference_parse(struct text content, struct postfix_reference *out,
	struct text_builder *trouble);

/*
 * The choice of a comparison, which Postfix looks at only when it has compared.
 * The same.
 */
bool postfix_reference_choose(
	struct postfix_reference *reference, struct text_builder *trouble);

#endif
