/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CONF_POSTFIX_LINE_H
#define OSTLER_CONF_POSTFIX_LINE_H

#include <stdbool.h>

#include "base/text.h"

struct arena;
struct postfix_report;

/*
 * postfix_line - the logical lines of main.cf and master.cf
 *
 * Knows:   that blank lines and comments vanish wherever they are, and that a
 *          line that begins with white space continues the one before.
 * Decides: nothing.
 * Never:   joins with anything but the white space that is there; knows of
 *          quotes or backslashes.
 */
struct postfix_lines {
	struct arena *arena; /* borrowed; the lines live there */
	struct text rest;
	unsigned line; /* physical lines read so far */
	bool begun;
};

struct postfix_line {
	struct text text; /* NUL-terminated, without a NUL inside */
	unsigned line;	  /* where it begins */
	bool is_indented; /* continues nothing: the first of the file */
	bool is_cut;	  /* at a NUL; Postfix does not see the rest either */
};

void postfix_lines_init(
	struct postfix_lines *lines, struct arena *arena, struct text bytes);

/* False at the end of the file, or if there is no memory left. */
bool postfix_lines_next(struct postfix_lines *lines, struct postfix_line *out);

/*
 * Complain about LINE if its form is wrong. True: it is not to be looked at.
 */
bool postfix_line_is_skipped(
	const struct postfix_report *report, const struct postfix_line *line);

#endif
