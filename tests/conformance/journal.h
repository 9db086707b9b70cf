/* SPDX-License-Identifier: MIT */
#ifndef JOURNAL_H
#define JOURNAL_H

#include <stddef.h>
#include <stdio.h>

/*
 * journal - a file of JSON objects, a line each
 *
 * Knows:   the file and who writes.
 * Decides: nothing.
 * Never:   mixes the lines of several writers: each is one write.
 */

/* FILE and TAG are kept, not copied. */
void journal_start(const char *file, const char *tag);

/* FORMAT gives more members, as in `"number":%d`; NULL: none. */
void journal_note(const char *what, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A line in pieces: what is written to the result comes before its end. */
FILE *journal_open(const char *what, char **line, size_t *n);
void journal_close(FILE *out, char **line, size_t *n);

void journal_text(FILE *out, const char *text, size_t n);
void journal_member(FILE *out, const char *name, const char *text);

#endif
