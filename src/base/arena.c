/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ARENA_BLOCK_BYTES = 16 * 1024,
	ARENA_ALIGNMENT = _Alignof(max_align_t),
	WORDS_N = 64, /* a power of two */
	WORD_MAX = 512,
};

struct block {
	struct block *next; /* owned */
	size_t size;
	size_t used;
	_Alignas(max_align_t) unsigned char bytes[];
};

struct arena {
	struct block *blocks; /* owned; the newest first */
	size_t bytes_max;     /* 0: no limit */
	size_t bytes_used;
	bool exhausted;
	const char *words[WORDS_N]; /* copied lately, by hash; or NULL */
};

struct arena *arena_create(size_t bytes_max)
{
	struct arena *arena = malloc(sizeof(*arena));

	if (arena != NULL)
		*arena = (struct arena){.bytes_max = bytes_max};
	return arena;
}

void arena_destroy(struct arena *arena)
{
	if (arena == NULL)
		return;
	while (arena->blocks != NULL) {
		struct block *next = arena->blocks->next;

		free(arena->blocks);
		arena->blocks = next;
	}
	free(arena);
}

static bool may_give(const struct arena *arena, size_t size)
{
	if (arena->bytes_max == 0)
		return true;
	return size <= arena->bytes_max - arena->bytes_used;
}

/* A new block in front, with room for SIZE bytes at least. */
static struct block *block_add(struct arena *arena, size_t size)
{
	size_t room = size > ARENA_BLOCK_BYTES ? size : ARENA_BLOCK_BYTES;
	struct block *block;

	if (room > SIZE_MAX - sizeof(*block))
		return NULL;
	block = malloc(sizeof(*block) + room);
	if (block == NULL)
		return NULL;
	block->next = arena->blocks;
	block->size = room;
	block->used = 0;
	arena->blocks = block;
	return block;
}

static void *refuse(struct arena *arena)
{
	arena->exhausted = true;
	return NULL;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct block *block = arena->blocks;
	unsigned char *given;

	if (size == 0)
		size = 1;
	if (size > SIZE_MAX - ARENA_ALIGNMENT)
		return refuse(arena);
	size = (size + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
	if (!may_give(arena, size))
		return refuse(arena);
	if (block == NULL || size > block->size - block->used)
		block = block_add(arena, size);
	if (block == NULL)
		return refuse(arena);
	given = block->bytes + block->used;
	block->used += size;
	arena->bytes_used += size;
	assert(block->used <= block->size);
	return memset(given, 0, size);
}

void *arena_array(struct arena *arena, size_t n, size_t size)
{
	if (size != 0 && n > SIZE_MAX / size)
		return refuse(arena);
	return arena_alloc(arena, n * size);
}

/* Bytes need no alignment: they come from the end of the block. */
static char *give_bytes(struct arena *arena, size_t n)
{
	struct block *block = arena->blocks;

	if (block == NULL || n > block->size - block->used ||
		!may_give(arena, n))
		return arena_alloc(arena, n);
	block->size -= n;
	arena->bytes_used += n;
	return (char *)block->bytes + block->size;
}

/* Where a copy of TEXT would be remembered. */
static const char **word_of(struct arena *arena, struct text text)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < text.n; i++)
		hash = (hash ^ (unsigned char)text.bytes[i]) * 16777619u;
	return &arena->words[(hash ^ hash >> 16) % WORDS_N];
}

static bool is_word(const char *word, struct text text)
{
	return word != NULL && strncmp(word, text.bytes, text.n) == 0 &&
	       word[text.n] == '\0';
}

/* One with a NUL in it is another word than its beginning. */
static bool is_shared(struct text text)
{
	return text.n > 0 && text.n <= WORD_MAX &&
	       memchr(text.bytes, '\0', text.n) == NULL;
}

const char *arena_copy(struct arena *arena, struct text text)
{
	const char **word = NULL;
	char *copy;

	if (text.n == SIZE_MAX)
		return refuse(arena);
	if (is_shared(text)) {
		word = word_of(arena, text);
		if (is_word(*word, text))
			return *word;
	}
	copy = give_bytes(arena, text.n + 1);
	if (copy == NULL)
		return NULL;
	if (text.n > 0)
		memcpy(copy, text.bytes, text.n);
	copy[text.n] = '\0';
	if (word != NULL)
		*word = copy;
	return copy;
}

char *arena_format(struct arena *arena, const char *format, ...)
{
	va_list args;
	char *copy;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		return refuse(arena);
	copy = give_bytes(arena, (size_t)n + 1);
	if (copy == NULL)
		return NULL;
	va_start(args, format);
	(void)vsnprintf(copy, (size_t)n + 1, format, args); /* it fits */
	va_end(args);
	return copy;
}

bool arena_is_exhausted(const struct arena *arena)
{
	return arena->exhausted;
}

size_t arena_bytes_used(const struct arena *arena)
{
	return arena->bytes_used;
}
