/* SPDX-License-Identifier: MIT */
#include "journal.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *path, *by;

void journal_start(const char *file, const char *tag)
{
	path = file;
	by = tag;
}

void journal_text(FILE *out, const char *text, size_t n)
{
	putc('"', out);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\')
			putc('\\', out);
		if (c < ' ' || c > '~')
			fprintf(out, "\\u%04x", c);
		else
			putc(c, out);
	}
	putc('"', out);
}

void journal_member(FILE *out, const char *name, const char *text)
{
	fprintf(out, ",\"%s\":", name);
	journal_text(out, text, strlen(text));
}

FILE *journal_open(const char *what, char **line, size_t *n)
{
	FILE *out = open_memstream(line, n);

	fprintf(out, "{\"t\":\"%s\",\"pid\":%d,\"tag\":\"%s\"", what,
		(int)getpid(), by);
	return out;
}

/* One write, so that lines of several workers do not mix. */
void journal_close(FILE *out, char **line, size_t *n)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

	fputs("}\n", out);
	fclose(out);
	if (fd < 0 || write(fd, *line, *n) != (ssize_t)*n)
		_exit(98);
	close(fd);
	free(*line);
}

/* A handler writes lines, too: it waits until this one is done. */
void journal_note(const char *what, const char *format, ...)
{
	sigset_t all, before;
	char *line;
	size_t n;
	FILE *out;
	va_list rest;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	out = journal_open(what, &line, &n);
	va_start(rest, format);
	if (format != NULL) {
		putc(',', out);
		vfprintf(out, format, rest);
	}
	va_end(rest);
	journal_close(out, &line, &n);
	sigprocmask(SIG_SETMASK, &before, NULL);
}
