/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CONF_GUARD_H
#define OSTLER_CONF_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

struct arena;

/*
 * guard - what libconfuse may be given
 *
 * libconfuse 3.3 is a good grammar with a careless scanner: it miscounts lines
 * at comments, lets a quote run to the end of the file, drops bytes that it
 * does not know, cuts strings at a NUL and puts the environment into them. So
 * the bytes pass here first. What comes out has the same lines and the same
 * meaning, up to the first thing that is wrong.
 *
 * Knows:   quotes, comments, words and punctuation; where blocks begin.
 * Decides: what is not fit to be parsed.
 * Never:   knows a setting.
 */
struct guard_block {
	const char *name; /* as written, without quotes */
	unsigned line;
};

struct guarded {
	const char *text;	    /* up to the fault; NUL-terminated */
	struct guard_block *blocks; /* in the order in which they open */
	size_t blocks_n;
	size_t blocks_closed; /* of those; the others have no } */
	unsigned fault_line;
	const char *fault;  /* what is wrong; NULL if all was fit */
	const char *remedy; /* what to do about it */
};

/* All memory comes from ARENA; false if there was not enough. */
bool guard_bytes(struct arena *arena, struct text bytes, struct guarded *out);

#endif
