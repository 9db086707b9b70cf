/* SPDX-License-Identifier: MIT */
#include "master/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/text.h"
#include "conf/native.h"
#include "master/exit.h"
#include "sys/fd.h"
#include "sys/memory.h"
#include "sys/path.h"
#include "table/table.h"

#define FILE_MAX (16u * 1024 * 1024)

static const char *read_one(const char *path, struct conf_files *files)
{
	AUTO_FREE char *bytes = NULL;
	size_t n;
	int result = sys_read_file(path, &bytes, &n, FILE_MAX);

	if (result < 0)
		return strerror(-result);
	conf_files_add(files, path, (struct text){bytes, n});
	return NULL;
}

/* A pattern may stand for no file; a plain name must be one. */
static const char *read_files(
	void *context, const char *pattern, struct conf_files *files)
{
	struct glob_result found;
	const char *wrong = NULL;
	int result;

	(void)context;
	if (strpbrk(pattern, "*?[") == NULL)
		return read_one(pattern, files);
	result = sys_glob(pattern, &found);
	if (result < 0)
		return strerror(-result);
	for (size_t i = 0; i < found.n && wrong == NULL; i++)
		wrong = read_one(found.paths[i], files);
	sys_glob_free(&found);
	return wrong;
}

static const char *probe(void *context, const char *path)
{
	int result = sys_executable(path);

	(void)context;
	return result < 0 ? strerror(-result) : NULL;
}

/* Where workers that ship with ostler are; the tests have theirs elsewhere. */
static const char *libexec_directory(void)
{
	const char *directory = getenv("OSTLER_LIBEXEC");

	return directory != NULL && directory[0] == '/' ? directory
							: LIBEXEC_DIRECTORY;
}

bool load_table(const char *file, struct table **out, struct diags *diags)
{
	AUTO_FREE char *bytes = NULL;
	size_t n;
	bool good;
	int result = sys_read_file(file, &bytes, &n, FILE_MAX);
	struct conf_request request = {.file = file,
		.libexec_directory = libexec_directory(),
		.as_root = sys_is_root(),
		.read = read_files,
		.probe = probe};

	if (result < 0) {
		diags_add(diags, &(struct diag){.severity = DIAG_ERROR,
					 .file = file,
					 .problem = strerror(-result),
					 .remedy = "name the file with -c"});
		return false;
	}
	request.bytes = (struct text){bytes, n};
	good = conf_parse_native(&request, out, diags);
	sys_memory_trim();
	return good;
}

static void print_diags(const struct diags *diags)
{
	char buffer[4096];
	struct text_builder text;

	for (size_t i = 0; i < diags->n; i++) {
		text_builder_init(&text, buffer, sizeof(buffer));
		diag_put(&text, &diags->items[i]);
		printf("%s\n", buffer);
	}
}

int load_check(const char *file)
{
	struct arena *arena = arena_create(0);
	struct table *table = NULL;
	struct diags diags;
	bool good;

	if (arena == NULL)
		return EXIT_MACHINE;
	diags_init(&diags, arena);
	good = load_table(file, &table, &diags);
	print_diags(&diags);
	if (good)
		printf("%s: %u services, no errors\n", file, table->services_n);
	table_destroy(table);
	arena_destroy(arena);
	return good ? EXIT_OK : EXIT_CONFIG;
}
