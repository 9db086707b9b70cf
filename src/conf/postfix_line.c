/* SPDX-License-Identifier: MIT */
#include "conf/postfix_line.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "conf/postfix_report.h"
#include "conf/postfix_word.h"

void postfix_lines_init(
	struct postfix_lines *lines, struct arena *arena, struct text bytes)
{
	*lines = (struct postfix_lines){.arena = arena, .rest = bytes};
}

/* A blank line, or a comment. */
static bool vanishes(struct text line)
{
	for (size_t i = 0; i < line.n; i++)
		if (!postfix_is_space(line.bytes[i]))
			return line.bytes[i] == '#' || line.bytes[i] == '\0';
	return true;
}

static bool continues(struct text line)
{
	return line.n > 0 && postfix_is_space(line.bytes[0]);
}

static bool cut_line(struct postfix_lines *lines, struct text *out)
{
	if (!text_cut(&lines->rest, '\n', out))
		return false;
	lines->line++;
	return true;
}

/* The next physical line that goes on with the logical one. */
static bool cut_continuation(struct postfix_lines *lines, struct text *out)
{
	struct postfix_lines ahead = *lines;

	while (cut_line(&ahead, out)) {
		if (!vanishes(*out) && !continues(*out))
			return false;
		*lines = ahead;
		if (!vanishes(*out))
			return true;
	}
	return false;
}

/* FIRST and what follows it in LINES, as one text. */
static struct text join(struct postfix_lines *lines, struct text first)
{
	struct postfix_lines ahead = *lines;
	struct text piece, whole = {NULL, first.n};
	char *bytes;
	size_t at = first.n;

	while (cut_continuation(&ahead, &piece))
		whole.n += piece.n;
	bytes = arena_alloc(lines->arena, whole.n + 1);
	if (bytes == NULL)
		return whole;
	memcpy(bytes, first.bytes, first.n);
	for (; cut_continuation(lines, &piece); at += piece.n)
		memcpy(bytes + at, piece.bytes, piece.n);
	assert(at == whole.n);
	whole.bytes = bytes;
	return whole;
}

bool postfix_lines_next(struct postfix_lines *lines, struct postfix_line *out)
{
	struct text first, whole;

	do {
		if (!cut_line(lines, &first))
			return false;
	} while (vanishes(first));
	out->line = lines->line;
	out->is_indented = !lines->begun && continues(first);
	lines->begun = true;
	whole = join(lines, first);
	if (whole.bytes == NULL)
		return false;
	out->text = text_of(whole.bytes);
	out->is_cut = out->text.n < whole.n;
	return true;
}

bool postfix_line_is_skipped(
	const struct postfix_report *report, const struct postfix_line *line)
{
	struct postfix_remark remark = {.severity = POSTFIX_WARNING,
		.form = POSTFIX_FILE,
		.line = line->line};

	if (line->is_cut) {
		remark.remedy = "remove it";
		postfix_say_diag(report, &remark,
			"there is a NUL byte, and what is behind it does not "
			"count");
	}
	if (!line->is_indented)
		return false;
	remark.remedy = "remove the white space, or the line";
	postfix_say(report, &remark,
		"logical line must not start with whitespace: \"%s\"",
		line->text.bytes);
	return true;
}
