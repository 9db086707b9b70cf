/* SPDX-License-Identifier: MIT */
#include "conf/mastercf_field.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/number.h"
#include "conf/postfix_report.h"
#include "conf/postfix_word.h"

void mastercf_refuse(struct mastercf_fields *fields, const char *remedy,
	const char *format, ...)
{
	char problem[1024];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(problem, sizeof(problem), format, args);
	va_end(args);
	fields->is_bad = true;
	postfix_say(fields->report,
		&(struct postfix_remark){.severity = POSTFIX_FATAL,
			.form = POSTFIX_LINE,
			.line = fields->line,
			.service = fields->service,
			.remedy = remedy},
		"%s", problem);
}

bool mastercf_cut(
	struct mastercf_fields *fields, const char *name, struct text *out)
{
	if (fields->is_over)
		return false;
	if (postfix_cut_field(&fields->rest, POSTFIX_BLANKS, out))
		return true;
	fields->is_over = true;
	mastercf_refuse(fields,
		"write name, type, private, unprivileged, chroot, wakeup_time, "
		"max_proc, command",
		"missing \"%s\" field", name);
	return false;
}

bool mastercf_cut_required(
	struct mastercf_fields *fields, const char *name, struct text *out)
{
	if (!mastercf_cut(fields, name, out))
		return false;
	if (!text_is(*out, "-"))
		return true;
	mastercf_refuse(
		fields, "write one", "field \"%s\" has no default value", name);
	return false;
}

static void refuse_value(struct mastercf_fields *fields, const char *name,
	struct text value, const char *remedy)
{
	mastercf_refuse(fields, remedy, "field \"%s\": bad value: \"%.*s\"",
		name, (int)value.n, value.bytes);
}

bool mastercf_cut_flag(
	struct mastercf_fields *fields, const char *name, bool otherwise)
{
	struct text word;

	if (!mastercf_cut(fields, name, &word) || text_is(word, "-"))
		return otherwise;
	if (text_is(word, "y") || text_is(word, "n"))
		return word.bytes[0] == 'y';
	refuse_value(fields, name, word, "write y, n or -");
	return otherwise;
}

/* What is behind the digits does not count. */
uint32_t mastercf_cut_number(struct mastercf_fields *fields, const char *name,
	uint32_t otherwise, struct text *out_word)
{
	const struct number_limits limits = {0, INT32_MAX};
	struct text digits;
	uint64_t number;

	*out_word = text_of(NULL);
	if (!mastercf_cut(fields, name, out_word) || text_is(*out_word, "-"))
		return otherwise;
	digits = (struct text){out_word->bytes, 0};
	while (digits.n < out_word->n &&
		text_char_is_digit(out_word->bytes[digits.n]))
		digits.n++;
	if (number_parse(digits, limits, &number) == NUMBER_OK)
		return (uint32_t)number;
	refuse_value(fields, name, *out_word, "write a number, or -");
	return otherwise;
}
