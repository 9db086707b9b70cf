/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/saved.h"
#include "fuzz.h"
#include "table/rows.h"
#include "table/table.h"

/*
 * Any bytes as the lines of a table. They are refused, or they are a table
 * that is written and read again as the same.
 */

#define LINES_BYTES (256 * 1024)

static char lines[LINES_BYTES], again[LINES_BYTES];

static struct text save(const struct table *table, char *bytes)
{
	struct text_builder out;

	text_builder_init(&out, bytes, LINES_BYTES);
	table_save(table, &out);
	assert(!out.overflow);
	return text_built(&out);
}

static struct table *load(struct text text)
{
	struct saved_reader reader;
	struct table *table;

	saved_lines(&reader, text, NULL);
	table = table_load(&reader);
	assert((table == NULL) == (reader.problem != NULL));
	return table;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct table *table = load((struct text){(const char *)data, size});
	struct table *copy;
	struct text first;

	if (table == NULL)
		return 0;
	first = save(table, lines);
	copy = load(first);
	assert(copy != NULL && text_equal(first, save(copy, again)));
	table_destroy(copy);
	table_destroy(table);
	return 0;
}
