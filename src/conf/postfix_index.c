/* SPDX-License-Identifier: MIT */
#include "conf/postfix_index.h"

#include <assert.h>
#include <stdint.h>

#include "base/arena.h"

enum {
	CHAINS_N = 512,
};

struct entry {
	const char *name;
	void *thing;
	struct entry *next;
};

struct postfix_index {
	struct arena *arena;
	struct entry *chains[CHAINS_N];
};

struct postfix_index *postfix_index_create(struct arena *arena)
{
	struct postfix_index *index = arena_alloc(arena, sizeof(*index));

	if (index != NULL)
		index->arena = arena;
	return index;
}

/* FNV-1a. */
static unsigned chain_of(struct text name)
{
	uint32_t hash = UINT32_C(2166136261);

	for (size_t i = 0; i < name.n; i++)
		hash = (hash ^ (uint8_t)name.bytes[i]) * UINT32_C(16777619);
	return hash % CHAINS_N;
}

static struct entry *find(const struct postfix_index *index, struct text name)
{
	struct entry *entry = index->chains[chain_of(name)];

	while (entry != NULL && !text_is(name, entry->name))
		entry = entry->next;
	return entry;
}

void *postfix_index_find(const struct postfix_index *index, struct text name)
{
	const struct entry *entry = find(index, name);

	return entry == NULL ? NULL : entry->thing;
}

void postfix_index_put(
	struct postfix_index *index, const char *name, void *thing)
{
	struct entry *entry = find(index, text_of(name));
	unsigned chain = chain_of(text_of(name));

	assert(thing != NULL);
	if (entry != NULL) {
		entry->thing = thing;
		return;
	}
	entry = arena_alloc(index->arena, sizeof(*entry));
	if (entry == NULL)
		return; /* the arena remembers */
	*entry = (struct entry){name, thing, index->chains[chain]};
	index->chains[chain] = entry;
}
