/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_BASE_DIAG_H
#define OSTLER_BASE_DIAG_H

#include <stddef.h>

#include "base/text.h"

struct arena;

/*
 * diag - complaints about what an operator wrote, with file and line
 *
 * Knows:   every complaint so far, and how many of them are errors.
 * Decides: nothing.
 * Never:   prints; forgets that there was an error, even if there was no
 *          memory left to say which.
 */
enum diag_severity {
	DIAG_ERROR,
	DIAG_WARNING,
};

struct diag {
	enum diag_severity severity;
	const char *file;    /* or NULL: no file to point at */
	unsigned line;	     /* 0: no line to point at */
	const char *service; /* or NULL */
	const char *problem; /* what is wrong */
	const char *remedy;  /* what to do; or NULL */
};

struct diags {
	struct arena *arena; /* borrowed; the strings live there */
	struct diag *items;  /* in the arena */
	size_t n;
	size_t size;
	size_t errors_n;   /* also those that did not fit */
	size_t warnings_n; /* also those that did not fit */
};

void diags_init(struct diags *diags, struct arena *arena);

/* Add a copy of DIAG, strings and all. */
void diags_add(struct diags *diags, const struct diag *diag);

/*
 * Sort by file and line, the order in which a reader meets them; those of one
 * line stay as they are.
 */
void diags_sort(struct diags *diags);

/* "file:line: service 'x': what is wrong; what to do", without a newline. */
void diag_put(struct text_builder *builder, const struct diag *diag);

#endif
