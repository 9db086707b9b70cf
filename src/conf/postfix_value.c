/* SPDX-License-Identifier: MIT */
#include "conf/postfix_value.h"

#include <assert.h>
#include <string.h>

#include "base/number.h"
#include "conf/postfix_report.h"
#include "conf/postfix_word.h"

struct checking {
	const struct postfix_report *report;
	const struct postfix_setting *setting;
	const char *text;
	struct postfix_remark remark;
};

/* Digits with a sign, perhaps; *REST is what is behind. False if it overflows.*/
static bool parse_int(struct text text, int32_t *out, struct text *rest)
{
	const struct number_limits limits = {0, INT32_MAX};
	bool is_negative = false;
	uint64_t number;
	struct text digits;

	while (text.n > 0 && postfix_is_space(text.bytes[0]))
		text = postfix_behind(text, 1);
	if (text.n > 0 && (text.bytes[0] == '-' || text.bytes[0] == '+')) {
		is_negative = text.bytes[0] == '-';
		text = postfix_behind(text, 1);
	}
	digits = (struct text){text.bytes, 0};
	while (digits.n < text.n && text_char_is_digit(text.bytes[digits.n]))
		digits.n++;
	*rest = postfix_behind(text, digits.n);
	if (number_parse(digits, limits, &number) != NUMBER_OK)
		return false;
	*out = is_negative ? -(int32_t)number : (int32_t)number;
	return true;
}

static bool refuse_number(const struct checking *checking)
{
	postfix_say(checking->report, &checking->remark,
		"bad numerical configuration: %s = %s", checking->setting->name,
		checking->text);
	return false;
}

static bool parse_number(struct checking *checking, int32_t *out)
{
	const struct postfix_setting *setting = checking->setting;
	struct text rest;
	int32_t number;

	checking->remark.remedy = "write a whole number";
	if (!parse_int(text_of(checking->text), &number, &rest) || rest.n > 0)
		return refuse_number(checking);
	checking->remark.remedy = "write another number";
	if (number < setting->min) {
		postfix_say(checking->report, &checking->remark,
			"invalid %s parameter value %d < %d", setting->name,
			number, (int)setting->min);
		return false;
	}
	*out = number;
	return true;
}

/* 0: there is no such unit. */
static int32_t unit_seconds(char unit)
{
	switch (unit) {
	case '\0': /* all times that the master reads are in seconds */
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 60 * 60;
	case 'd':
		return 24 * 60 * 60;
	case 'w':
		return 7 * 24 * 60 * 60;
	}
	return 0;
}

/* Only the first letter of the unit counts. */
static bool parse_seconds(const char *text, int32_t *out)
{
	struct text rest;
	int32_t number, unit;

	if (!parse_int(text_of(text), &number, &rest) || number < 0)
		return false;
	unit = unit_seconds(rest.n == 0 ? '\0' : rest.bytes[0]);
	if (unit == 0 || number > INT32_MAX / unit)
		return false;
	*out = number * unit;
	return true;
}

static bool parse_time(struct checking *checking, int32_t *out)
{
	const struct postfix_setting *setting = checking->setting;
	int32_t seconds;
	bool is_less;

	checking->remark.remedy = "write it as in 60s, 5m, 1h, 1d, 1w";
	if (!parse_seconds(checking->text, &seconds)) {
		postfix_say(checking->report, &checking->remark,
			"parameter %s: bad time value or unit: %s",
			setting->name, checking->text);
		return false;
	}
	is_less = seconds < setting->min;
	if (is_less || (setting->max > 0 && seconds > setting->max)) {
		checking->remark.remedy = "write another time";
		postfix_say(checking->report, &checking->remark,
			"invalid %s: %s (%s %d)", setting->name, checking->text,
			is_less ? "min" : "max",
			(int)(is_less ? setting->min : setting->max));
		return false;
	}
	*out = seconds;
	return true;
}

static bool parse_switch(struct checking *checking, int32_t *out)
{
	struct text text = text_of(checking->text);

	*out = postfix_same_word(text, text_of("yes"));
	if (*out != 0 || postfix_same_word(text, text_of("no")))
		return true;
	checking->remark.remedy = "write yes or no";
	postfix_say(checking->report, &checking->remark,
		"bad boolean configuration: %s = %s", checking->setting->name,
		checking->text);
	return false;
}

static bool check_length(struct checking *checking, int32_t *out)
{
	const struct postfix_setting *setting = checking->setting;

	*out = 0;
	if (strlen(checking->text) >= (size_t)setting->min)
		return true;
	checking->remark.remedy =
		"remove the line, or write something behind the =";
	postfix_say(checking->report, &checking->remark,
		"bad string length %d < %d: %s = %s",
		(int)strlen(checking->text), (int)setting->min, setting->name,
		checking->text);
	return false;
}

bool postfix_value_parse(const struct postfix_report *report,
	const struct postfix_setting *setting, const char *text, unsigned line,
	int32_t *out)
{
	struct checking checking = {.report = report,
		.setting = setting,
		.text = text,
		.remark = {.severity = POSTFIX_FATAL,
			.form = POSTFIX_BARE,
			.line = line}};

	switch (setting->kind) {
	case POSTFIX_TEXT:
		return check_length(&checking, out);
	case POSTFIX_NUMBER:
		return parse_number(&checking, out);
	case POSTFIX_TIME:
		return parse_time(&checking, out);
	case POSTFIX_SWITCH:
		return parse_switch(&checking, out);
	}
	assert(false); /* every kind is named above */
	return false;
}
