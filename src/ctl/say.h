/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CTL_SAY_H
#define OSTLER_CTL_SAY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * say - words for people
 *
 * Knows:   that most of what is shown was written by somebody else.
 * Decides: nothing.
 * Never:   lets a byte through that is not printable ASCII: no name, path or
 *          cause can talk to a terminal. A newline is ours alone.
 */

/* "ostler: WHAT ..." and a newline on stderr. */
void say_complaint(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* TEXT, without a newline. */
void say_text(FILE *stream, const char *text);

/* A line of an answer. */
void say_line(FILE *stream, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* "4m10s" in BUFFER. */
const char *say_duration(uint64_t ns, char *buffer, size_t size);

#endif
