/* SPDX-License-Identifier: MIT */
#include "conf/native.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "conf/complain.h"
#include "conf/fill.h"
#include "conf/source.h"
#include "table/table.h"

enum {
	FILE_BYTES_MAX = 1024 * 1024,
	FILES_MAX = 512,
	DEPTH_MAX = 8,
};

/* A file that is to be read, or was. */
struct conf_file {
	const char *name;
	struct text bytes;
	const struct conf_file *parent; /* that included it; or NULL */
	unsigned depth;
	struct source source;
	struct conf_file *next;
};

struct conf_files {
	struct arena *scratch; /* owned */
	struct conf_file *first;
	struct conf_file *last;
	const struct conf_file *parent; /* of what is added now */
	unsigned n;
	unsigned blocks_n;
	struct block *globals;
};

void conf_files_add(
	struct conf_files *files, const char *name, struct text bytes)
{
	const struct conf_file *parent = files->parent;
	struct conf_file *file = arena_alloc(files->scratch, sizeof(*file));
	const char *copy = arena_copy(files->scratch, bytes);

	files->n++;
	if (file == NULL || copy == NULL)
		return;
	file->name = arena_copy(files->scratch, text_of(name));
	file->bytes = (struct text){copy, bytes.n};
	file->parent = parent;
	file->depth = parent == NULL ? 0 : parent->depth + 1;
	if (file->name == NULL)
		return;
	if (files->last == NULL)
		files->first = file;
	else
		files->last->next = file;
	files->last = file;
}

/* What is included counts from the directory of the file that says so. */
static const char *included_path(
	struct arena *arena, const struct conf_file *file, const char *pattern)
{
	const char *slash = strrchr(file->name, '/');

	if (pattern[0] == '/' || slash == NULL)
		return pattern;
	return arena_format(arena, "%.*s/%s", (int)(slash - file->name),
		file->name, pattern);
}

static bool is_in_cycle(const struct conf_file *file)
{
	const struct conf_file *above = file->parent;

	while (above != NULL && strcmp(above->name, file->name) != 0)
		above = above->parent;
	return above != NULL;
}

static void include(const struct conf_request *request,
	struct conf_files *files, const struct conf_file *file,
	const struct inclusion *inclusion, struct diags *diags)
{
	struct place place = {file->name, inclusion->line, NULL};
	const char *path =
		included_path(files->scratch, file, inclusion->pattern);
	const char *trouble;

	if (request->read == NULL) {
		complain(diags, &place, "write everything into one file",
			"include cannot be used here");
		return;
	}
	if (file->depth >= DEPTH_MAX || files->n >= FILES_MAX) {
		complain(diags, &place, "include less, or less deeply",
			"too many included files");
		return;
	}
	if (path == NULL)
		return;
	files->parent = file;
	trouble = request->read(request->context, path, files);
	if (trouble != NULL)
		complain(diags, &place, "correct the path, or remove the line",
			"cannot include %s: %s", path, trouble);
}

/* True unless memory ran out. */
static bool read_file(const struct conf_request *request,
	struct conf_files *files, struct conf_file *file, struct diags *diags)
{
	struct place place = {file->name, 0, NULL};

	if (file->bytes.n > FILE_BYTES_MAX) {
		complain(diags, &place, "split it and use include",
			"larger than 1M");
		return true;
	}
	if (is_in_cycle(file)) {
		place.file = file->parent->name;
		complain(diags, &place, "remove the include",
			"includes %s, which leads back to itself", file->name);
		return true;
	}
	if (!source_read(files->scratch, file->name, file->bytes,
		    files->globals, diags, &file->source))
		return false;
	files->blocks_n += file->source.blocks_n;
	for (const struct inclusion *inclusion = file->source.inclusions;
		inclusion != NULL; inclusion = inclusion->next)
		include(request, files, file, inclusion, diags);
	return true;
}

/* Every file that is named, in the order of naming; included ones follow. */
static bool read_all(const struct conf_request *request,
	struct conf_files *files, struct diags *diags)
{
	files->globals = arena_alloc(files->scratch, sizeof(*files->globals));
	if (files->globals == NULL)
		return false;
	files->globals->file = request->file;
	conf_files_add(files, request->file, request->bytes);
	for (struct conf_file *file = files->first; file != NULL;
		file = file->next)
		if (!read_file(request, files, file, diags))
			return false;
	return !arena_is_exhausted(files->scratch);
}

static struct service *fill_services(const struct conf_request *request,
	const struct conf_files *files, const struct table *table,
	struct diags *diags, unsigned *out_n)
{
	struct service *rows =
		arena_array(table->arena, files->blocks_n, sizeof(*rows));
	unsigned n = 0;

	if (rows == NULL)
		return NULL;
	for (const struct conf_file *file = files->first; file != NULL;
		file = file->next)
		for (const struct block *block = file->source.blocks;
			block != NULL; block = block->next)
			if (block->complete)
				fill_service(request, block, table, diags,
					&rows[n++]);
	assert(n <= files->blocks_n);
	*out_n = n;
	return rows;
}

static void complain_memory(
	const struct conf_request *request, struct diags *diags)
{
	struct place place = {request->file, 0, NULL};

	complain(diags, &place, "make it smaller, or the machine larger",
		"not enough memory for this configuration");
}

/*
 * A row with an error may lack what table_seal() needs to compare it; then it
 * is left out, so that the others are still compared.
 */
static unsigned keep_usable(struct service *rows, unsigned n)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < n; i++)
		if (rows[i].endpoints_n > 0 && rows[i].command_n > 0)
			rows[kept++] = rows[i];
	return kept;
}

/* TABLE, filled and sealed; false with at least one complaint. */
static bool make_table(const struct conf_request *request,
	const struct conf_files *files, struct table *table,
	struct diags *diags)
{
	struct place place = {request->file, 0, NULL};
	struct service *rows;
	unsigned n = 0;

	fill_table(request, files->globals, table, diags);
	if (table->runtime_directory == NULL ||
		arena_is_exhausted(table->arena))
		return false;
	rows = fill_services(request, files, table, diags, &n);
	if (rows == NULL || arena_is_exhausted(table->arena))
		return false;
	if (n == 0 && diags->errors_n == 0)
		complain(diags, &place, "add service NAME { ... }",
			"no service at all");
	if (!table_seal(table, rows, keep_usable(rows, n), diags))
		return false;
	return diags->errors_n == 0 && !arena_is_exhausted(table->arena);
}

bool conf_parse_native(const struct conf_request *request, struct table **out,
	struct diags *diags)
{
	struct conf_files files = {.scratch = arena_create(request->bytes_max)};
	struct table *table = table_create(request->bytes_max);
	bool good = false;

	assert(diags->errors_n == 0);
	if (files.scratch != NULL && table != NULL &&
		read_all(request, &files, diags))
		good = make_table(request, &files, table, diags);
	if (!good && diags->errors_n == 0)
		complain_memory(request, diags);
	diags_sort(diags);
	arena_destroy(files.scratch);
	if (good) {
		*out = table;
		return true;
	}
	table_destroy(table);
	return false;
}
