/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_TESTS_UNIT_POSTFIX_CASE_H
#define OSTLER_TESTS_UNIT_POSTFIX_CASE_H

#include "check.h"

#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "conf/postfix.h"
#include "conf/postfix_report.h"
#include "table/table.h"

/*
 * postfix_case - one main.cf and master.cf, read, and what came of it
 *
 * A test calls read_postfix() and looks at `table` and `conf`, or at what
 * Postfix would log, which it returns, or at the complaints.
 */
static struct postfix_request request;
static struct table *table;
static struct postfix_conf conf;
static struct arena *said_arena;
static struct diags diags;
static struct postfix_log said;
static char complaints[64 * 1024];
static char logged[64 * 1024];

static const struct maincf_preset presets[] = {
	{"config_directory", "/etc/postfix"}, {"process_name", "master"}};

/* localhost has both addresses, two.example two, and one of them twice. */
static inline unsigned resolve_virtual(void *context, const char *host,
	struct postfix_address *out, unsigned max)
{
	(void)context;
	assert_true(max >= 3);
	memset(out, 0, 3 * sizeof(*out));
	if (strcmp(host, "localhost") == 0) {
		assert_true(postfix_address_parse(text_of("::1"), &out[0]));
		assert_true(
			postfix_address_parse(text_of("127.0.0.1"), &out[1]));
		return 2;
	}
	if (strcmp(host, "two.example") != 0)
		return 0;
	assert_true(postfix_address_parse(text_of("192.0.2.1"), &out[0]));
	assert_true(postfix_address_parse(text_of("192.0.2.2"), &out[1]));
	out[2] = out[0];
	return 3;
}

static inline unsigned port_virtual(void *context, const char *name)
{
	(void)context;
	return strcmp(name, "http") == 0 ? 80 : 0;
}

static inline int postfix_setup(void **state)
{
	(void)state;
	request = (struct postfix_request){
		.main = {.file = "/etc/postfix/main.cf",
			.presets = presets,
			.presets_n = COUNT(presets),
			.hostname = "host"},
		.master_file = "/etc/postfix/master.cf",
		.machine = {.resolve = resolve_virtual, .port = port_virtual},
		.runtime_directory = "/run/ostler",
	};
	table = NULL;
	said_arena = arena_create(0);
	return 0;
}

static inline int postfix_teardown(void **state)
{
	(void)state;
	table_destroy(table);
	arena_destroy(said_arena);
	return 0;
}

static inline void join_lines(void)
{
	struct text_builder builder;

	text_builder_init(&builder, complaints, sizeof(complaints));
	for (size_t i = 0; i < diags.n; i++) {
		diag_put(&builder, &diags.items[i]);
		text_put_char(&builder, '\n');
	}
	assert_false(builder.overflow);
	text_builder_init(&builder, logged, sizeof(logged));
	for (const struct postfix_said *line = said.first; line != NULL;
		line = line->next) {
		text_put(&builder, line->text);
		text_put_char(&builder, '\n');
	}
	assert_false(builder.overflow);
}

/* What Postfix would log of these two files, line by line. */
static inline const char *read_bytes(struct text main_cf, struct text master_cf)
{
	bool good;

	table_destroy(table);
	table = NULL;
	diags_init(&diags, said_arena);
	said = (struct postfix_log){.arena = said_arena};
	request.main.bytes = main_cf;
	request.master_bytes = master_cf;
	good = conf_parse_postfix(&request, &table, &conf, &diags, &said);
	assert_int_equal(good, table != NULL);
	assert_int_equal(good, diags.errors_n == 0);
	join_lines();
	return logged;
}

static inline const char *read_postfix(
	const char *main_cf, const char *master_cf)
{
	return read_bytes(text_of(main_cf), text_of(master_cf));
}

/* The command line of the row TITLE, each word in <>, argv[0] as written. */
static inline const char *argv_of(const char *title)
{
	static char text[4096];
	struct text_builder builder;
	const struct postfix_service *service =
		mastercf_find(&conf.master, title);
	const char *const *argv;
	unsigned n;

	if (service == NULL)
		fail_msg("there is no %s", title);
	argv = postfix_argv(said_arena, service, &request.birth, &n);
	assert_non_null(argv);
	assert_null(argv[n]);
	text_builder_init(&builder, text, sizeof(text));
	for (unsigned i = 0; i < n; i++)
		text_put_format(&builder, "<%s>", argv[i]);
	assert_false(builder.overflow);
	return text;
}

#define POSTFIX_TEST(name)                                                     \
	cmocka_unit_test_setup_teardown(name, postfix_setup, postfix_teardown)

#endif
