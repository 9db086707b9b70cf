/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CONF_SOURCE_H
#define OSTLER_CONF_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "conf/settings.h"

struct arena;
struct diags;

/*
 * source - one file, taken apart by libconfuse
 *
 * Knows:   which settings were given, with which words, on which lines.
 * Decides: what may be given at all: known settings, each once.
 * Never:   opens a file, or knows what a value means. libconfuse sees every
 *          setting as a list of strings, so that none of its own ideas of a
 *          number (010 is eight) or of a yes come into it.
 */

/* One value as it was given. */
struct given {
	const char *text; /* borrowed from the arena, as all here */
	unsigned line;
	struct given *next;
};

/* What was given for one setting; first is NULL if nothing was. */
struct assignment {
	struct given *first;
	struct given *last;
	const char *file;
	unsigned line;
	unsigned n;
};

/* A service block, or the settings outside of all blocks. */
struct block {
	const char *name; /* NULL: outside of all blocks */
	const char *file;
	unsigned line;
	bool complete; /* its end was seen */
	struct assignment given[SETTINGS_N];
	struct block *next;
};

struct inclusion {
	const char *pattern; /* as written */
	unsigned line;
	struct inclusion *next;
};

struct source {
	struct block *blocks; /* in order */
	unsigned blocks_n;
	struct inclusion *inclusions; /* in order */
};

/*
 * Take apart FILE, whose content is BYTES. Settings outside of blocks go into
 * GLOBALS, which several files share. Every complaint goes to DIAGS. False if
 * there was not enough memory in ARENA.
 */
bool source_read(struct arena *arena, const char *file, struct text bytes,
	struct block *globals, struct diags *diags, struct source *out);

#endif
