/* SPDX-License-Identifier: MIT */
#include "conf/postfix_reference.h"

#include <string.h>

#include "conf/postfix_word.h"

enum {
	AFTER_BYTES = 20, /* how much of what is wrong is shown */
};

struct reading {
	struct text content;
	size_t at;
	size_t from, to; /* what was read last: shown before what is wrong */
	struct text_builder *trouble;
};

static bool at_end(const struct reading *reading)
{
	return reading->at == reading->content.n;
}

/* The byte that is next; a NUL at the end. */
static char next(const struct reading *reading)
{
	return at_end(reading) ? '\0' : reading->content.bytes[reading->at];
}

static struct text rest(const struct reading *reading)
{
	return postfix_behind(reading->content, reading->at);
}

static void skip_spaces(struct reading *reading)
{
	while (!at_end(reading) && postfix_is_space(next(reading)))
		reading->at++;
}

static bool fail(const struct reading *reading, const char *what)
{
	struct text before = {reading->content.bytes + reading->from,
		reading->to - reading->from};
	struct text after = rest(reading);

	if (after.n > AFTER_BYTES)
		after.n = AFTER_BYTES;
	text_put_format(reading->trouble, "%s at: \"...%.*s>>>%.*s\"", what,
		(int)before.n, before.bytes, (int)after.n, after.bytes);
	return false;
}

/* "{...}", and the spaces behind it. */
static bool cut_braced(struct reading *reading, struct text *out)
{
	struct text text = rest(reading);
	size_t n = postfix_balanced(text, '{', '}');

	if (n == 0) {
		text_put_format(reading->trouble,
			"unbalanced {} in attribute expression: \"%.*s\"",
			(int)text.n, text.bytes);
		return false;
	}
	*out = (struct text){text.bytes + 1, n - 2};
	reading->from = reading->at + 1;
	reading->at += n;
	reading->to = reading->at;
	skip_spaces(reading);
	return true;
}

/* "{...}", or all that is left, with its spaces. */
static bool cut_operand(struct reading *reading, struct text *out)
{
	size_t begin = reading->at;

	skip_spaces(reading);
	if (next(reading) == '{')
		return cut_braced(reading, out);
	reading->at = begin;
	*out = rest(reading);
	reading->at = reading->content.n;
	return true;
}

static bool parse_no(struct reading *reading, struct postfix_reference *out)
{
	reading->at++; /* the ':' */
	if (!cut_operand(reading, &out->no))
		return false;
	return at_end(reading) || fail(reading, "unexpected input");
}

static bool parse_choice(struct reading *reading, struct postfix_reference *out)
{
	out->chooses = true;
	out->yes = out->no = text_of(NULL);
	if (next(reading) == ':')
		return parse_no(reading, out);
	reading->at++; /* the '?' */
	if (!cut_operand(reading, &out->yes))
		return false;
	if (at_end(reading))
		return true;
	if (next(reading) != ':')
		return fail(reading, "\":\" expected");
	return parse_no(reading, out);
}

static bool is_operator(char c)
{
	return c == '=' || c == '!' || c == '<' || c == '>';
}

static bool parse_operator(
	struct reading *reading, struct postfix_reference *out)
{
	struct text text = rest(reading), suffix;
	size_t n = 0;

	while (n < text.n && is_operator(text.bytes[n]))
		n++;
	out->op = postfix_operator_find((struct text){text.bytes, n});
	if (out->op == POSTFIX_OPERATORS_N)
		return fail(reading,
			"\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" "
			"or \">=\"\" or \">\" expected");
	reading->from = reading->at;
	reading->at += n;
	reading->to = reading->at;
	suffix = (struct text){text.bytes + n, 0};
	while (n + suffix.n < text.n &&
		text_char_is_alnum(text.bytes[n + suffix.n]))
		suffix.n++;
	if (suffix.n > 0 && !text_is(suffix, "level")) {
		reading->content.n = reading->at + suffix.n;
		return fail(reading, "bad operator suffix");
	}
	out->by_level = suffix.n > 0;
	reading->at += suffix.n;
	return true;
}

/* The operator is shown with a blank before it, however it is written. */
static bool fail_operand(const struct reading *reading,
	const struct postfix_reference *reference, struct text after)
{
	if (after.n > AFTER_BYTES)
		after.n = AFTER_BYTES;
	text_put_format(reading->trouble,
		"\"{expression}\" expected at: \"...{%.*s} %s>>>%.*s\"",
		(int)reference->left.n, reference->left.bytes,
		postfix_operator_text(reference->op), (int)after.n,
		after.bytes);
	return false;
}

/* Both operands, and what is between them. */
static bool parse_operands(
	struct reading *reading, struct postfix_reference *out)
{
	struct text behind;

	if (!cut_braced(reading, &out->left) || !parse_operator(reading, out))
		return false;
	behind = rest(reading);
	skip_spaces(reading);
	if (next(reading) != '{')
		return fail_operand(reading, out, behind);
	return cut_braced(reading, &out->right);
}

static bool parse_comparison(
	struct reading *reading, struct postfix_reference *out)
{
	out->is_comparison = out->chooses = true;
	out->yes = text_of("true");
	if (!parse_operands(reading, out))
		return false;
	out->at = reading->at;
	out->behind = reading->to;
	return true;
}

bool postfix_reference_choose(
	struct postfix_reference *reference, struct text_builder *trouble)
{
	struct reading reading = {.content = reference->content,
		.at = reference->at,
		.from = reference->behind - 1, /* the '}' */
		.to = reference->behind,
		.trouble = trouble};

	if (at_end(&reading))
		return true;
	if (next(&reading) == '?' || next(&reading) == ':')
		return parse_choice(&reading, reference);
	return fail(&reading, "\"?\" or \":\" expected");
}

static bool parse_name(struct reading *reading, struct postfix_reference *out)
{
	size_t begin = reading->at;

	while (!at_end(reading) && postfix_is_name(next(reading)))
		reading->at++;
	reading->to = reading->at;
	out->name = (struct text){
		reading->content.bytes + begin, reading->at - begin};
	skip_spaces(reading);
	if (at_end(reading))
		return true;
	if (next(reading) == '?' || next(reading) == ':')
		return parse_choice(reading, out);
	reading->at = reading->to;
	return fail(reading, "attribute name syntax error");
}

bool postfix_reference_parse(struct text content, struct postfix_reference *out,
	struct text_builder *trouble)
{
	struct reading reading = {.content = content, .trouble = trouble};

	*out = (struct postfix_reference){
		.name = {content.bytes, 0}, .content = content};
	skip_spaces(&reading);
	if (next(&reading) == '{')
		return parse_comparison(&reading, out);
	return parse_name(&reading, out);
}
