/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CONF_POSTFIX_REPORT_H
#define OSTLER_CONF_POSTFIX_REPORT_H

#include <stddef.h>

struct arena;
struct diags;

/*
 * postfix_report - what is wrong, said twice: to the operator, with file,
 * line and remedy, and in the words in which Postfix would log it
 *
 * Knows:   the five ways in which Postfix names a place.
 * Decides: nothing.
 * Never:   stops at the first error: who logs chooses what to log.
 */
enum postfix_severity {
	POSTFIX_INFO,
	POSTFIX_WARNING,
	POSTFIX_FATAL, /* Postfix would have ended here */
};

enum postfix_form {
	POSTFIX_BARE,	/* "PROBLEM" */
	POSTFIX_FILE,	/* "FILE: PROBLEM" */
	POSTFIX_LINE,	/* "FILE: line N: PROBLEM" */
	POSTFIX_COMMA,	/* "FILE, line N: PROBLEM" */
	POSTFIX_IN_FILE /* "file FILE: PROBLEM" */
};

struct postfix_said {
	enum postfix_severity severity;
	const char *text; /* "fatal: ...", "warning: ...", or the bare text */
	const struct postfix_said *next;
};

/* In the order of finding; memory is the arena's. */
struct postfix_log {
	struct arena *arena; /* borrowed */
	const struct postfix_said *first;
	struct postfix_said *last;
};

struct postfix_report {
	const char *file;	 /* that is read just now */
	struct diags *diags;	 /* borrowed */
	struct postfix_log *log; /* borrowed; or NULL */
};

struct postfix_remark {
	enum postfix_severity severity;
	enum postfix_form form;
	unsigned line;	     /* for the operator, whatever the form; or 0 */
	const char *service; /* or NULL */
	const char *remedy;  /* or NULL */
};

/* For both. */
void postfix_say(const struct postfix_report *report,
	const struct postfix_remark *remark, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* For the operator alone, and for the log alone. */
void postfix_say_diag(const struct postfix_report *report,
	const struct postfix_remark *remark, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void postfix_say_log(const struct postfix_report *report,
	const struct postfix_remark *remark, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* How many errors there are so far. */
size_t postfix_report_errors(const struct postfix_report *report);

#endif
