/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_TESTS_UNIT_CONF_CASE_H
#define OSTLER_TESTS_UNIT_CONF_CASE_H

#include "check.h"

#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "conf/native.h"
#include "table/table.h"

/*
 * conf_case - one configuration, read, and what came of it
 *
 * A test sets `request` if it wants something else than the usual, calls
 * read_conf(), and looks at `table` or at the complaints that it returns.
 */
struct virtual_file {
	const char *name;
	const char *text;
};

static struct conf_request request;
static struct table *table;
static struct arena *diag_arena;
static struct diags diags;
static char complaints[256 * 1024];

/* What includes find; ends with a row of NULL. */
static const struct virtual_file *virtual_files;

/* Stands for a file system in which * is any of the files. */
static inline const char *read_virtual(
	void *context, const char *pattern, struct conf_files *files)
{
	const struct virtual_file *file = virtual_files;
	const char *star = strchr(pattern, '*');
	bool found = star != NULL;

	(void)context;
	for (; file != NULL && file->name != NULL; file++) {
		size_t n = star == NULL ? strlen(file->name)
					: (size_t)(star - pattern);

		if (star == NULL && strcmp(file->name, pattern) != 0)
			continue;
		if (star != NULL && strncmp(file->name, pattern, n) != 0)
			continue;
		conf_files_add(files, file->name, text_of(file->text));
		found = true;
	}
	return found ? NULL : "No such file or directory";
}

static inline int conf_setup(void **state)
{
	(void)state;
	request = (struct conf_request){
		.file = "ostler.conf",
		.libexec_directory = "/usr/libexec/ostler",
		.read = read_virtual,
	};
	virtual_files = NULL;
	table = NULL;
	diag_arena = arena_create(0);
	return 0;
}

static inline int conf_teardown(void **state)
{
	(void)state;
	table_destroy(table);
	arena_destroy(diag_arena);
	return 0;
}

/* Read BYTES; every complaint on a line of its own. */
static inline const char *read_bytes(struct text bytes)
{
	struct text_builder builder;
	bool good;

	table_destroy(table);
	table = NULL;
	diags_init(&diags, diag_arena);
	request.bytes = bytes;
	good = conf_parse_native(&request, &table, &diags);
	assert_int_equal(good, table != NULL);
	assert_int_equal(good, diags.errors_n == 0);
	text_builder_init(&builder, complaints, sizeof(complaints));
	for (size_t i = 0; i < diags.n; i++) {
		diag_put(&builder, &diags.items[i]);
		text_put_char(&builder, '\n');
	}
	assert_false(builder.overflow);
	return complaints;
}

static inline const char *read_conf(const char *text)
{
	return read_bytes(text_of(text));
}

/* A service that is complete, with MORE in its block. */
static inline const char *read_service(const char *more)
{
	static char text[4096];
	struct text_builder builder;

	text_builder_init(&builder, text, sizeof(text));
	text_put(&builder,
		"service a {\n\tlisten = \"127.0.0.1:1\"\n\tcommand = x\n");
	text_put(&builder, more);
	text_put(&builder, "\n}\n");
	assert_false(builder.overflow);
	return read_conf(text);
}

/* The one service of a good configuration. */
static inline const struct service *service_with(const char *more)
{
	CHECK_TEXT(read_service(more), "");
	assert_int_equal(table->services_n, 1);
	return &table->services[0];
}

/* What is added to the block of a good service, and what is said about it. */
struct refusal {
	const char *more;
	const char *said; /* without "ostler.conf:4: service 'a': " */
};

static inline void check_refusals(const struct refusal *refusals, size_t n)
{
	static const char place[] = "ostler.conf:4: service 'a': ";

	for (size_t i = 0; i < n; i++) {
		const char *said = read_service(refusals[i].more);

		if (strncmp(said, place, strlen(place)) != 0)
			fail_msg("%s: %s", refusals[i].more, said);
		said += strlen(place);
		if (strncmp(said, refusals[i].said, strlen(said) - 1) != 0 ||
			strlen(said) - 1 != strlen(refusals[i].said))
			fail_msg("%s: %s instead of %s", refusals[i].more, said,
				refusals[i].said);
	}
}

#define CONF_TEST(name)                                                        \
	cmocka_unit_test_setup_teardown(name, conf_setup, conf_teardown)

#endif
