/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CONF_POSTFIX_VALUE_H
#define OSTLER_CONF_POSTFIX_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "conf/maincf.h"

struct postfix_report;

/*
 * postfix_value - a number, a time, a yes or no in main.cf
 *
 * Knows:   how Postfix writes them, and its words for those that are wrong.
 * Decides: whether a value is of its kind, and within its limits.
 * Never:   expands it.
 */

/*
 * TEXT as SETTING has it, in *OUT: seconds, 0 or 1, or the number; 0 for a
 * text. False, and a complaint at LINE, if it is not good.
 */
bool postfix_value_parse(const struct postfix_report *report,
	const struct postfix_setting *setting, const char *text, unsigned line,
	int32_t *out);

#endif
