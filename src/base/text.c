/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct text text_of(const char *string)
{
	if (string == NULL)
		return (struct text){"", 0};
	return (struct text){string, strlen(string)};
}

bool text_equal(struct text a, struct text b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.bytes, b.bytes, a.n) == 0);
}

bool text_is(struct text text, const char *string)
{
	return text_equal(text, text_of(string));
}

bool text_starts_with(struct text text, const char *prefix)
{
	struct text head = text_of(prefix);

	if (text.n < head.n)
		return false;
	return text_equal((struct text){text.bytes, head.n}, head);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct text text_trim(struct text text)
{
	while (text.n > 0 && is_blank(text.bytes[0])) {
		text.bytes++;
		text.n--;
	}
	while (text.n > 0 && is_blank(text.bytes[text.n - 1]))
		text.n--;
	return text;
}

bool text_cut(struct text *rest, char separator, struct text *out_piece)
{
	struct text piece = *rest;

	if (rest->bytes == NULL)
		return false;
	for (size_t i = 0; i < rest->n; i++) {
		if (rest->bytes[i] != separator)
			continue;
		piece.n = i;
		rest->bytes += i + 1;
		rest->n -= i + 1;
		*out_piece = piece;
		return true;
	}
	*rest = (struct text){NULL, 0};
	*out_piece = piece;
	return true;
}

bool text_char_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool text_char_is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

bool text_char_is_alnum(char c)
{
	return text_char_is_digit(c) || text_char_is_lower(c) ||
	       (c >= 'A' && c <= 'Z');
}

bool text_char_is_printable(char c)
{
	return c >= ' ' && c <= '~';
}

void text_builder_init(struct text_builder *builder, char *buffer, size_t size)
{
	assert(buffer != NULL);
	assert(size > 0);
	*builder = (struct text_builder){.bytes = buffer, .size = size};
	buffer[0] = '\0';
}

void text_builder_reset(struct text_builder *builder)
{
	text_builder_init(builder, builder->bytes, builder->size);
}

struct text text_built(const struct text_builder *builder)
{
	return (struct text){builder->bytes, builder->n};
}

void text_put(struct text_builder *builder, const char *string)
{
	text_put_text(builder, text_of(string));
}

void text_put_text(struct text_builder *builder, struct text text)
{
	size_t room = builder->size - 1 - builder->n;

	assert(builder->n < builder->size);
	if (builder->overflow)
		return;
	if (text.n > room) {
		builder->overflow = true;
		text.n = room;
	}
	if (text.n > 0)
		memcpy(builder->bytes + builder->n, text.bytes, text.n);
	builder->n += text.n;
	builder->bytes[builder->n] = '\0';
}

void text_put_char(struct text_builder *builder, char c)
{
	text_put_text(builder, (struct text){&c, 1});
}

void text_put_number(struct text_builder *builder, uint64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	text_put_text(builder, (struct text){digits + at, sizeof(digits) - at});
}

void text_put_format(struct text_builder *builder, const char *format, ...)
{
	size_t room = builder->size - builder->n;
	va_list args;
	int n;

	if (builder->overflow)
		return;
	va_start(args, format);
	n = vsnprintf(builder->bytes + builder->n, room, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= room) {
		builder->overflow = true;
		builder->n += n < 0 ? 0 : room - 1;
		builder->bytes[builder->n] = '\0';
		return;
	}
	builder->n += (size_t)n;
}
