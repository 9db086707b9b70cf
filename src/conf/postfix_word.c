/* SPDX-License-Identifier: MIT */
#include "conf/postfix_word.h"

#include <assert.h>
#include <string.h>

bool postfix_is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

bool postfix_is_name(char c)
{
	return text_char_is_alnum(c) || c == '_';
}

bool postfix_is_digits(struct text text)
{
	for (size_t i = 0; i < text.n; i++)
		if (!text_char_is_digit(text.bytes[i]))
			return false;
	return text.n > 0;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool postfix_same_word(struct text a, struct text b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.bytes[i]) != lower(b.bytes[i]))
			return false;
	return true;
}

struct text postfix_behind(struct text text, size_t n)
{
	assert(n <= text.n);
	return (struct text){text.bytes + n, text.n - n};
}

struct text postfix_trim(struct text text)
{
	while (text.n > 0 && postfix_is_space(text.bytes[0]))
		text = postfix_behind(text, 1);
	while (text.n > 0 && postfix_is_space(text.bytes[text.n - 1]))
		text.n--;
	return text;
}

static bool separates(const char *separators, char c)
{
	return memchr(separators, c, strlen(separators)) != NULL;
}

static void skip_separators(struct text *rest, const char *separators)
{
	while (rest->n > 0 && separates(separators, rest->bytes[0]))
		*rest = postfix_behind(*rest, 1);
}

bool postfix_cut_field(
	struct text *rest, const char *separators, struct text *out_field)
{
	size_t n = 0;

	skip_separators(rest, separators);
	while (n < rest->n && !separates(separators, rest->bytes[n]))
		n++;
	*out_field = (struct text){rest->bytes, n};
	*rest = postfix_behind(*rest, n);
	return n > 0;
}

size_t postfix_balanced(struct text text, char open, char close)
{
	size_t depth = 0;

	assert(text.n > 0 && text.bytes[0] == open);
	for (size_t i = 0; i < text.n; i++) {
		if (text.bytes[i] == open)
			depth++;
		else if (text.bytes[i] == close && --depth == 0)
			return i + 1;
	}
	return 0;
}

/* The next piece, braces and all. A '}' without its '{' is like any byte. */
static bool cut_piece(
	struct text *rest, const char *separators, struct text *out)
{
	size_t n = 0, depth = 0;

	skip_separators(rest, separators);
	for (; n < rest->n; n++) {
		char c = rest->bytes[n];

		if (depth == 0 && separates(separators, c))
			break;
		if (c == '{')
			depth++;
		else if (c == '}' && depth > 0)
			depth--;
	}
	*out = (struct text){rest->bytes, n};
	*rest = postfix_behind(*rest, n);
	return n > 0;
}

enum postfix_word_result postfix_cut_word(
	struct text *rest, const char *separators, struct text *out_word)
{
	size_t n;

	if (!cut_piece(rest, separators, out_word))
		return POSTFIX_WORD_END;
	if (out_word->bytes[0] != '{')
		return POSTFIX_WORD;
	n = postfix_balanced(*out_word, '{', '}');
	if (n == 0)
		return POSTFIX_WORD_UNCLOSED;
	if (n < out_word->n)
		return POSTFIX_WORD_FOLLOWED;
	*out_word = postfix_trim((struct text){out_word->bytes + 1, n - 2});
	return POSTFIX_WORD;
}
