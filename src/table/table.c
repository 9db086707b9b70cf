/* SPDX-License-Identifier: MIT */
#include "table/table.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"

struct table *table_create(size_t bytes_max)
{
	struct arena *arena = arena_create(bytes_max);
	struct table *table;

	if (arena == NULL)
		return NULL;
	table = arena_alloc(arena, sizeof(*table));
	if (table == NULL) {
		arena_destroy(arena);
		return NULL;
	}
	table->arena = arena;
	table->listeners_max = TABLE_LISTENERS_MAX;
	return table;
}

void table_destroy(struct table *table)
{
	if (table != NULL)
		arena_destroy(table->arena);
}

const struct service *table_find(const struct table *table, const char *name)
{
	unsigned low = 0, high = table->services_n;

	assert(name != NULL);
	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		int order = strcmp(name, table->services[middle].name);

		if (order == 0)
			return &table->services[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}
