/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "conf/guard.h"
#include "conf/native.h"
#include "conf/settings.h"
#include "fuzz.h"
#include "table/diff.h"
#include "table/table.h"

/*
 * Any bytes as ostler.conf. Whatever they are, there is a table and no error,
 * or no table and at least one; a complaint is one line of printable ASCII;
 * lines that are named exist; and a table keeps its promises.
 */

/* Includes find the same bytes again, without the first. */
static const char *read_tail(
	void *context, const char *pattern, struct conf_files *files)
{
	const struct text *bytes = context;
	struct text tail = *bytes;

	if (strchr(pattern, '*') != NULL)
		return NULL;
	if (tail.n == 0)
		return "No such file or directory";
	tail.bytes++;
	tail.n--;
	conf_files_add(files, pattern, tail);
	return NULL;
}

static unsigned count_lines(struct text bytes)
{
	unsigned lines = 1;

	for (size_t i = 0; i < bytes.n; i++)
		if (bytes.bytes[i] == '\n')
			lines++;
	return lines;
}

static void check_diags(const struct diags *diags, unsigned lines)
{
	char line[4096];
	struct text_builder builder;

	for (size_t i = 0; i < diags->n; i++) {
		text_builder_init(&builder, line, sizeof(line));
		diag_put(&builder, &diags->items[i]);
		for (size_t j = 0; j < builder.n; j++)
			assert(text_char_is_printable(line[j]));
		assert(diags->items[i].line <= lines);
	}
}

static void check_row(const struct service *row, unsigned lines)
{
	assert(row->endpoints_n > 0 && row->endpoints_n <= TABLE_LISTENERS_MAX);
	assert(row->command_n > 0 && row->path[0] == '/');
	assert(row->command[row->command_n] == NULL);
	assert(row->environment[row->environment_n] == NULL);
	assert(row->directory[0] == '/');
	assert(row->file[0] != '\0');
	assert(row->line >= 1 && row->line <= lines);
	assert(row->policy.start_rate > 0 && row->policy.start_burst > 0);
	assert(row->policy.process_limit != 1 || row->policy.surge == 0);
	assert(row_compare(row, row) == ROW_SAME);
	for (unsigned i = 0; i < row->endpoints_n; i++) {
		const struct endpoint *endpoint = &row->endpoints[i];
		bool is_inet = endpoint->kind == ENDPOINT_INET;

		assert(endpoint->text != NULL);
		assert(endpoint->file[0] != '\0');
		assert(endpoint->line >= 1 && endpoint->line <= lines);
		assert(is_inet == (endpoint->path == NULL));
		assert(is_inet == (endpoint->port > 0));
		assert(is_inet || endpoint->path[0] == '/');
	}
}

static void check_table(const struct table *table, unsigned lines)
{
	assert(table->services_n > 0);
	assert(table->runtime_directory[0] == '/');
	for (unsigned i = 0; i < table->services_n; i++) {
		const struct service *row = &table->services[i];

		check_row(row, lines);
		assert(table_find(table, row->name) == row);
	}
}

/* What the guard lets through has the lines of what it was given. */
static void check_guard(struct text bytes)
{
	struct arena *arena = arena_create(0);
	struct guarded guarded;

	if (guard_bytes(arena, bytes, &guarded)) {
		unsigned lines = count_lines(bytes);
		unsigned kept = count_lines(text_of(guarded.text));

		assert(guarded.fault != NULL || kept == lines);
		assert(kept <= lines);
		assert(guarded.blocks_closed <= guarded.blocks_n);
	}
	arena_destroy(arena);
}

static void parse(struct text bytes, bool as_root, size_t bytes_max)
{
	struct arena *arena = arena_create(0);
	struct conf_request request = {.file = "fuzz.conf",
		.bytes = bytes,
		.libexec_directory = "/usr/libexec/ostler",
		.as_root = as_root,
		.bytes_max = bytes_max,
		.context = &bytes,
		.read = read_tail};
	struct table *table = NULL;
	struct diags diags;
	bool good;

	diags_init(&diags, arena);
	good = conf_parse_native(&request, &table, &diags);
	assert(good == (table != NULL));
	assert(good == (diags.errors_n == 0));
	check_diags(&diags, count_lines(bytes));
	if (good)
		check_table(table, count_lines(bytes));
	table_destroy(table);
	arena_destroy(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text bytes = {(const char *)data, size};

	check_guard(bytes);
	parse(bytes, false, 0);
	if (size > 0)
		parse(bytes, true, (size_t)data[0] * 100);
	return 0;
}
