/* SPDX-License-Identifier: MIT */
#include "conf/postfix_report.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/text.h"

enum {
	PROBLEM_BYTES = 1024, /* the rest of a longer one is cut off */
	LINE_BYTES = 2001,    /* what Postfix logs at most, and a NUL */
};

static void add_diag(const struct postfix_report *report,
	const struct postfix_remark *remark, const char *problem)
{
	diags_add(report->diags,
		&(struct diag){.severity = remark->severity == POSTFIX_FATAL
						   ? DIAG_ERROR
						   : DIAG_WARNING,
			.file = report->file,
			.line = remark->line,
			.service = remark->service,
			.problem = problem,
			.remedy = remark->remedy});
}

static void put_severity(
	struct text_builder *builder, enum postfix_severity severity)
{
	switch (severity) {
	case POSTFIX_INFO:
		return;
	case POSTFIX_WARNING:
		text_put(builder, "warning: ");
		return;
	case POSTFIX_FATAL:
		text_put(builder, "fatal: ");
		return;
	}
}

static void put_place(struct text_builder *builder,
	const struct postfix_report *report,
	const struct postfix_remark *remark)
{
	switch (remark->form) {
	case POSTFIX_BARE:
		return;
	case POSTFIX_FILE:
		text_put_format(builder, "%s: ", report->file);
		return;
	case POSTFIX_LINE:
		text_put_format(
			builder, "%s: line %u: ", report->file, remark->line);
		return;
	case POSTFIX_COMMA:
		text_put_format(
			builder, "%s, line %u: ", report->file, remark->line);
		return;
	case POSTFIX_IN_FILE:
		text_put_format(builder, "file %s: ", report->file);
		return;
	}
}

/* Without memory a line is missing in the log; the diags count all the same. */
static void add_log(const struct postfix_report *report,
	const struct postfix_remark *remark, const char *problem)
{
	struct postfix_log *log = report->log;
	struct postfix_said *said;
	struct text_builder builder;
	char line[LINE_BYTES];

	if (log == NULL)
		return;
	text_builder_init(&builder, line, sizeof(line));
	put_severity(&builder, remark->severity);
	put_place(&builder, report, remark);
	text_put(&builder, problem);
	said = arena_alloc(log->arena, sizeof(*said));
	if (said == NULL)
		return;
	said->severity = remark->severity;
	said->text = arena_copy(log->arena, text_built(&builder));
	if (said->text == NULL)
		return;
	if (log->last == NULL)
		log->first = said;
	else
		log->last->next = said;
	log->last = said;
}

#define FORMAT_PROBLEM(problem, format)                                        \
	do {                                                                   \
		va_list args;                                                  \
                                                                               \
		va_start(args, format);                                        \
		(void)vsnprintf(problem, sizeof(problem), format, args);       \
		va_end(args);                                                  \
	} while (0)

void postfix_say(const struct postfix_report *report,
	const struct postfix_remark *remark, const char *format, ...)
{
	char problem[PROBLEM_BYTES];

	FORMAT_PROBLEM(problem, format);
	add_diag(report, remark, problem);
	add_log(report, remark, problem);
}

void postfix_say_diag(const struct postfix_report *report,
	const struct postfix_remark *remark, const char *format, ...)
{
	char problem[PROBLEM_BYTES];

	FORMAT_PROBLEM(problem, format);
	add_diag(report, remark, problem);
}

void postfix_say_log(const struct postfix_report *report,
	const struct postfix_remark *remark, const char *format, ...)
{
	char problem[PROBLEM_BYTES];

	FORMAT_PROBLEM(problem, format);
	add_log(report, remark, problem);
}

size_t postfix_report_errors(const struct postfix_report *report)
{
	return report->diags->errors_n;
}
