/* SPDX-License-Identifier: MIT */
#include "master/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/number.h"
#include "base/text.h"
#include "conf/native.h"
#include "master/edition.h"
#include "master/exit.h"
#include "sys/clock.h"
#include "sys/creds.h"
#include "sys/fd.h"
#include "sys/loop.h"
#include "sys/machine.h"
#include "sys/memory.h"
#include "sys/path.h"
#include "table/table.h"

#define LOOKUP_NS (10 * NS_PER_S)
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

/* Many services in a row may run one program. CONTEXT: the last good one. */
static const char *probe(void *context, const char *path)
{
	const char **last = context;
	int result;

	if (*last != NULL && strcmp(*last, path) == 0)
		return NULL;
	result = sys_executable(path);
	*last = result < 0 ? NULL : path; /* both are in the table's arena */
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
	const char *probed = NULL;
	int result = sys_read_file(file, &bytes, &n, FILE_MAX);
	struct conf_request request = {.file = file,
		.context = &probed,
		.libexec_directory = libexec_directory(),
		.processors = sys_processors(),
		.as_root = sys_is_root(),
		.read = read_files,
		.probe = probe};

	if (result < 0) {
		diags_add(diags,
			&(struct diag){.severity = DIAG_ERROR,
				.file = file,
				.problem = strerror(-result),
				.remedy = "make it, or name another file"});
		return false;
	}
	request.bytes = (struct text){bytes, n};
	good = conf_parse_native(&request, out, diags);
	sys_memory_trim();
	return good;
}

void load_print(const struct diags *diags)
{
	char buffer[4096];
	struct text_builder text;

	for (size_t i = 0; i < diags->n; i++) {
		text_builder_init(&text, buffer, sizeof(buffer));
		diag_put(&text, &diags->items[i]);
		printf("%s\n", buffer);
	}
}

/* A person waits for this one: no longer than for a reload. */
static int look_up(struct edition *edition)
{
	struct lookup_request *requests = edition_requests(edition);
	uint64_t until_ns = clock_now_ns() + LOOKUP_NS;
	struct lookup *lookup = NULL;
	struct loop *loop = NULL;
	struct loop_event event;
	int result = -ENOMEM;

	if (requests != NULL)
		result = sys_lookup_start(
			requests, edition->identities_n, &lookup);
	free(requests);
	if (result == 0)
		result = loop_create(&loop);
	if (result == 0)
		result = loop_add(loop, sys_lookup_fd(lookup), LOOP_IN, 0);
	while (result == 0) {
		(void)loop_wait(loop, clock_now_ns(), until_ns, &event, 1);
		result = sys_lookup_read(lookup, edition->identities);
		if (result != -EAGAIN)
			break;
		result = clock_now_ns() < until_ns ? 0 : -ETIMEDOUT;
	}
	loop_destroy(loop);
	sys_lookup_cancel(lookup);
	return result;
}

static bool check_directory(const struct service *row, const char *path,
	const char *what, struct diags *diags)
{
	char problem[512];

	if (sys_exists(path) != 0)
		return true;
	snprintf(problem, sizeof(problem), "%s: there is no directory \"%s\"",
		what, path);
	diags_add(diags, &(struct diag){.severity = DIAG_ERROR,
				 .file = row->file,
				 .line = row->line,
				 .service = row->name,
				 .problem = problem,
				 .remedy = "make it, or name another"});
	return false;
}

/* The runtime directory is made at the start. */
static bool check_directories(const struct table *table,
	const struct service *row, struct diags *diags)
{
	bool good = row->directory == NULL ||
		    strcmp(row->directory, table->runtime_directory) == 0 ||
		    check_directory(row, row->directory, "directory", diags);

	for (unsigned i = 0; i < row->endpoints_n; i++) {
		AUTO_FREE char *place = NULL;
		const char *path = row->endpoints[i].path;
		char *slash;

		if (path == NULL || (place = strdup(path)) == NULL)
			continue;
		slash = strrchr(place, '/');
		if (slash == NULL || slash == place)
			continue;
		*slash = '\0';
		if (strcmp(place, table->runtime_directory) != 0 &&
			!check_directory(row, place, "listen", diags))
			good = false;
	}
	return good;
}

static bool check_users(
	struct table *table, const char *file, struct diags *diags)
{
	struct edition *edition = edition_create(table);
	int result = edition == NULL ? -ENOMEM : look_up(edition);
	bool good = result == 0 && edition_check(edition, file, diags);

	if (result < 0)
		diags_add(diags,
			&(struct diag){.severity = DIAG_ERROR,
				.file = file,
				.problem = strerror(-result),
				.remedy = "users cannot be looked up now; "
					  "see nsswitch.conf(5)"});
	edition_drop(edition);
	return good;
}

int load_check(const char *file)
{
	struct arena *arena = arena_create(0);
	struct table *table = NULL;
	struct diags diags;
	unsigned n = 0;
	bool good;

	if (arena == NULL)
		return EXIT_MACHINE;
	diags_init(&diags, arena);
	good = load_table(file, &table, &diags);
	if (good) {
		n = table->services_n;
		for (unsigned i = 0; i < n; i++)
			if (!check_directories(
				    table, &table->services[i], &diags))
				good = false;
		good = check_users(table, file, &diags) && good;
	}
	load_print(&diags);
	if (good)
		printf("%s: %u service%s, no errors\n", file, n,
			n == 1 ? "" : "s");
	arena_destroy(arena);
	return good ? EXIT_OK : EXIT_CONFIG;
}
