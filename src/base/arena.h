/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_BASE_ARENA_H
#define OSTLER_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

struct arena;

/*
 * arena - memory with one lifetime, freed whole
 *
 * Knows:   how much it has given out, and how much it may.
 * Decides: nothing.
 * Never:   frees a part, moves what it gave out, or ends the program. Out of
 *          memory is NULL, and remembered: who makes many things may ask
 *          once, at the end, with arena_is_exhausted().
 */

/* At most BYTES_MAX are given out; 0: no limit. NULL if there is no memory. */
struct arena *arena_create(size_t bytes_max);

/* Free the arena and all it gave out. NULL is fine. */
void arena_destroy(struct arena *arena);

/* SIZE zeroed bytes, aligned for anything; a unique address if SIZE is 0. */
void *arena_alloc(struct arena *arena, size_t size);

/* N zeroed items of SIZE bytes; NULL also if N * SIZE overflows. */
void *arena_array(struct arena *arena, size_t n, size_t size);

/*
 * A copy with a NUL behind it; one that was made before may do, since the rows
 * of a table say the same words again and again.
 */
const char *arena_copy(struct arena *arena, struct text text);

char *arena_format(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Something asked for was not given. */
bool arena_is_exhausted(const struct arena *arena);

size_t arena_bytes_used(const struct arena *arena);

#endif
