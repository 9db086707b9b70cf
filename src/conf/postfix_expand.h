/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CONF_POSTFIX_EXPAND_H
#define OSTLER_CONF_POSTFIX_EXPAND_H

#include <stdbool.h>

#include "base/text.h"

/*
 * postfix_expand - $name, ${name?text} and the rest of them in a value
 *
 * Knows:   how deep Postfix lets parameters refer to each other.
 * Decides: when an expansion has no end, or one too far away.
 * Never:   calls itself: what is left to do is on a list of its own, so that
 *          no text can exhaust the stack.
 */
struct postfix_macros {
	void *context;
	/* What NAME is set to, as it is written; NULL: not set. */
	const char *(*find)(void *context, struct text name);
};

/*
 * TEXT, expanded, into OUT. False, and why in TROUBLE, in Postfix's words. OUT
 * is then of no use.
 */
bool postfix_expand(const struct postfix_macros *macros, struct text text,
	struct text_builder *out, struct text_builder *trouble);

#endif
