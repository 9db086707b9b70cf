/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <assert.h>
#include <string.h>

static const char hex_digits[] = "0123456789abcdef";

static bool is_bare_char(char c)
{
	return text_char_is_alnum(c) ||
	       (c != '\0' && strchr("._:/@%+,-[]*", c) != NULL);
}

static bool is_bare(struct text value)
{
	for (size_t i = 0; i < value.n; i++)
		if (!is_bare_char(value.bytes[i]))
			return false;
	return value.n > 0;
}

static void put_hex(struct text_builder *builder, char c)
{
	unsigned byte = (unsigned char)c;
	char hex[4] = {'\\', 'x', hex_digits[byte >> 4], hex_digits[byte & 15]};

	text_put_text(builder, (struct text){hex, sizeof(hex)});
}

static void put_escaped_char(struct text_builder *builder, char c)
{
	if (c == '"')
		text_put(builder, "\\\"");
	else if (c == '\\')
		text_put(builder, "\\\\");
	else if (c == '\n')
		text_put(builder, "\\n");
	else if (c == '\t')
		text_put(builder, "\\t");
	else if (text_char_is_printable(c))
		text_put_char(builder, c);
	else
		put_hex(builder, c);
}

void text_put_printable(struct text_builder *builder, struct text text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text_char_is_printable(text.bytes[i]))
			text_put_char(builder, text.bytes[i]);
		else
			put_hex(builder, text.bytes[i]);
}

void text_put_escaped(struct text_builder *builder, struct text value)
{
	for (size_t i = 0; i < value.n; i++)
		put_escaped_char(builder, value.bytes[i]);
}

void text_put_quoted(struct text_builder *builder, struct text value)
{
	text_put_char(builder, '"');
	text_put_escaped(builder, value);
	text_put_char(builder, '"');
}

void text_put_value(struct text_builder *builder, struct text value)
{
	if (is_bare(value))
		text_put_text(builder, value);
	else
		text_put_quoted(builder, value);
}

static bool is_key_char(char c)
{
	return text_char_is_lower(c) || text_char_is_digit(c) || c == '_' ||
	       c == '-';
}

static bool is_key(struct text key)
{
	for (size_t i = 0; i < key.n; i++)
		if (!is_key_char(key.bytes[i]))
			return false;
	return key.n > 0 && text_char_is_lower(key.bytes[0]);
}

void text_put_key_text(
	struct text_builder *builder, const char *key, struct text value)
{
	size_t before = builder->n;

	assert(is_key(text_of(key)));
	if (before > 0 && builder->bytes[before - 1] != '\n')
		text_put_char(builder, ' ');
	text_put(builder, key);
	text_put_char(builder, '=');
	text_put_value(builder, value);
	if (!builder->overflow)
		return;
	/* Half a pair would be read as garbage, or worse, as another value. */
	builder->n = before;
	builder->bytes[before] = '\0';
}

void text_put_key_value(
	struct text_builder *builder, const char *key, const char *value)
{
	text_put_key_text(builder, key, text_of(value));
}

void text_put_key_number(
	struct text_builder *builder, const char *key, uint64_t number)
{
	char digits[24];
	struct text_builder text;

	text_builder_init(&text, digits, sizeof(digits));
	text_put_number(&text, number);
	text_put_key_text(builder, key, text_built(&text));
}

static char first(const struct text *rest)
{
	return rest->n > 0 ? rest->bytes[0] : '\0';
}

static void step(struct text *rest, size_t n)
{
	assert(n <= rest->n);
	rest->bytes += n;
	rest->n -= n;
}

static struct text take_key(struct text *rest)
{
	struct text key = *rest;

	key.n = 0;
	while (key.n < rest->n && is_key_char(rest->bytes[key.n]))
		key.n++;
	step(rest, key.n);
	return key;
}

/* The one blank behind a piece, with something behind it; or the end. */
static bool take_blank(struct text *rest)
{
	if (rest->n == 0)
		return true;
	if (first(rest) != ' ' || rest->n == 1)
		return false;
	step(rest, 1);
	return true;
}

static int hex_value(char c)
{
	if (text_char_is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static bool take_hex(struct text *rest, struct text_builder *store)
{
	int high = rest->n >= 2 ? hex_value(rest->bytes[0]) : -1;
	int low = rest->n >= 2 ? hex_value(rest->bytes[1]) : -1;

	if (high < 0 || low < 0)
		return false;
	text_put_char(store, (char)(unsigned char)(high * 16 + low));
	step(rest, 2);
	return true;
}

static bool take_escape(struct text *rest, struct text_builder *store)
{
	char c = first(rest);

	if (rest->n == 0)
		return false;
	step(rest, 1);
	if (c == 'x')
		return take_hex(rest, store);
	if (c == 'n')
		text_put_char(store, '\n');
	else if (c == 't')
		text_put_char(store, '\t');
	else if (c == '"' || c == '\\')
		text_put_char(store, c);
	else
		return false;
	return true;
}

static bool take_quoted(struct text *rest, struct text_builder *store)
{
	step(rest, 1);
	while (rest->n > 0) {
		char c = first(rest);

		if (!text_char_is_printable(c))
			return false;
		step(rest, 1);
		if (c == '"')
			return true;
		if (c != '\\')
			text_put_char(store, c);
		else if (!take_escape(rest, store))
			return false;
	}
	return false;
}

static bool take_bare(struct text *rest, struct text_builder *store)
{
	size_t n = 0;

	while (n < rest->n && is_bare_char(rest->bytes[n]))
		n++;
	text_put_text(store, (struct text){rest->bytes, n});
	step(rest, n);
	return n > 0;
}

bool text_next_word(struct text *record, struct text *out_word)
{
	struct text rest = *record;
	struct text word = take_key(&rest);

	if (!is_key(word) || !take_blank(&rest))
		return false;
	*record = rest;
	*out_word = word;
	return true;
}

enum text_next text_next_pair(struct text *record, struct text_builder *store,
	struct text *out_key, struct text *out_value)
{
	struct text rest = *record;
	size_t before = store->n;
	struct text key;
	bool good;

	if (rest.n == 0)
		return TEXT_NEXT_END;
	key = take_key(&rest);
	if (!is_key(key) || first(&rest) != '=')
		return TEXT_NEXT_BAD;
	step(&rest, 1);
	if (first(&rest) == '"')
		good = take_quoted(&rest, store);
	else
		good = take_bare(&rest, store);
	if (!good || !take_blank(&rest))
		return TEXT_NEXT_BAD;
	*out_value = (struct text){store->bytes + before, store->n - before};
	text_put_char(store, '\0');
	if (store->overflow)
		return TEXT_NEXT_BAD;
	*out_key = key;
	*record = rest;
	return TEXT_NEXT_PAIR;
}
