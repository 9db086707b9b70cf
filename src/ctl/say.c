/* SPDX-License-Identifier: MIT */
#include "ctl/say.h"

#include <stdarg.h>

#include "base/number.h"
#include "base/text.h"
#include "proto/control.h"

enum { CHUNK = 256 };

/* text_put_printable() makes four bytes of one, at most. */
static void put_printable(FILE *stream, struct text text)
{
	char shown[4 * CHUNK + 1];
	struct text_builder builder;

	while (text.n > 0) {
		struct text piece = {
			text.bytes, text.n < CHUNK ? text.n : CHUNK};

		text_builder_init(&builder, shown, sizeof(shown));
		text_put_printable(&builder, piece);
		fputs(shown, stream);
		text.bytes += piece.n;
		text.n -= piece.n;
	}
}

void say_text(FILE *stream, const char *text)
{
	put_printable(stream, text_of(text));
}

__attribute__((format(printf, 2, 0))) static void put_line(
	FILE *stream, const char *format, va_list arguments)
{
	/* A whole record and some words of ours. */
	static char line[CONTROL_LINE_MAX + 1024];

	vsnprintf(line, sizeof(line), format, arguments);
	put_printable(stream, text_of(line));
	fputc('\n', stream);
}

void say_complaint(const char *format, ...)
{
	va_list arguments;

	fflush(stdout);
	fputs("ostler: ", stderr);
	va_start(arguments, format);
	put_line(stderr, format, arguments);
	va_end(arguments);
}

void say_line(FILE *stream, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	put_line(stream, format, arguments);
	va_end(arguments);
}

const char *say_duration(uint64_t ns, char *buffer, size_t size)
{
	struct text_builder builder;

	text_builder_init(&builder, buffer, size);
	number_put_duration(&builder, ns);
	return buffer;
}
