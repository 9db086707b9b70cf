/* SPDX-License-Identifier: MIT */
#include "conf_case.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/saved.h"
#include "table/diff.h"
#include "table/field.h"
#include "table/rows.h"

/* A table that was written as lines and read again is the same table. */

static char lines[64 * 1024];

static struct text save(const struct table *what)
{
	static struct text_builder out;

	text_builder_init(&out, lines, sizeof(lines));
	table_save(what, &out);
	assert_false(out.overflow);
	return text_built(&out);
}

static struct table *load(struct text text, const char **out_problem)
{
	struct saved_reader reader;
	struct table *loaded;

	saved_lines(&reader, text, NULL);
	loaded = table_load(&reader);
	*out_problem = reader.problem;
	assert_int_equal(loaded != NULL, saved_is_end(&reader));
	return loaded;
}

static void check_text(const char *a, const char *b)
{
	assert_int_equal(a == NULL, b == NULL);
	if (a != NULL)
		CHECK_TEXT(a, b);
}

static void check_row(const struct service *a, const struct service *b)
{
	check_text(a->name, b->name);
	check_text(a->file, b->file);
	assert_int_equal(a->line, b->line);
	assert_int_equal(a->command_n, b->command_n);
	assert_int_equal(a->environment_n, b->environment_n);
	assert_int_equal(a->endpoints_n, b->endpoints_n);
	assert_int_equal(row_compare(a, b), ROW_SAME);
	for (unsigned i = 0; i < a->endpoints_n; i++) {
		check_text(a->endpoints[i].text, b->endpoints[i].text);
		check_text(a->endpoints[i].file, b->endpoints[i].file);
		assert_int_equal(a->endpoints[i].line, b->endpoints[i].line);
	}
}

/* To lines and back. */
static void check_loaded(const struct table *what)
{
	static char before[sizeof(lines)];
	const char *problem;
	struct table *loaded = load(save(what), &problem);

	assert_null(problem);
	assert_int_equal(loaded->services_n, what->services_n);
	check_text(loaded->runtime_directory, what->runtime_directory);
	check_text(loaded->control_group, what->control_group);
	assert_int_equal(loaded->workers_max, what->workers_max);
	assert_int_equal(loaded->upgrade_timeout_ns, what->upgrade_timeout_ns);
	check_text(loaded->hook_user, what->hook_user);
	assert_int_equal(loaded->hook_timeout_ns, what->hook_timeout_ns);
	assert_int_equal(loaded->hook == NULL, what->hook == NULL);
	for (unsigned i = 0; what->hook != NULL && what->hook[i] != NULL; i++)
		check_text(loaded->hook[i], what->hook[i]);
	assert_int_equal(loaded->log, what->log);
	assert_int_equal(loaded->listeners_max, what->listeners_max);
	assert_int_equal(loaded->shares_ports, what->shares_ports);
	for (unsigned i = 0; i < what->services_n; i++)
		check_row(&what->services[i], &loaded->services[i]);
	/* What is the same is written the same, byte for byte. */
	strcpy(before, lines);
	(void)save(loaded);
	CHECK_TEXT(lines, before);
	table_destroy(loaded);
}

static void a_table_is_the_same_afterwards(void **state)
{
	(void)state;
	CHECK_TEXT(read_conf("runtime_directory = /run/x\n"
			     "control_group = adm\n"
			     "workers_max = 77\n"
			     "upgrade_timeout = 77s\n"
			     "hook = {\"/bin/hook\", \"a b\"}\n"
			     "hook_user = games\n"
			     "hook_timeout = 3s\n"
			     "log = syslog\n"
			     "service b {\n"
			     "\tlisten = {\"127.0.0.1:1\", \"[::1]:2\"}\n"
			     "\tcommand = {\"/bin/x\", \"\", \"a b\\n\"}\n"
			     "\tenvironment = {\"A=1\", \"B=\\\"\"}\n"
			     "}\n"
			     "service a {\n"
			     "\tlisten = \"unix:/run/a\"\n"
			     "\tcommand = x\n"
			     "}\n"
			     "service c {\n"
			     "\tlisten = \"*:3\"\n"
			     "\tcommand = x\n"
			     "}\n"),
		"");
	check_loaded(table);
}

#define SET(type, row, at, value)                                              \
	(*(type *)(void *)((char *)(row) + (at)) = (value))

/* Something that no field is by itself, another in each. */
static void set_field(
	const struct field *field, struct service *row, uint32_t number)
{
	static const char *const words[] = {"one", "", "t\"w o\n", NULL};
	static const char *const none[] = {NULL};

	switch (field->kind) {
	case FIELD_STRING:
		SET(const char *, row, field->offset,
			number % 2 == 0 ? "" : "a\xff \"b\"");
		break;
	case FIELD_U32:
		SET(uint32_t, row, field->offset, UINT32_MAX - number);
		break;
	case FIELD_U64:
		SET(uint64_t, row, field->offset, UINT64_MAX - number);
		break;
	case FIELD_BOOL:
		SET(bool, row, field->offset, true);
		break;
	case FIELD_CHANNEL:
		SET(enum status_channel, row, field->offset, CHANNEL_SHARED);
		break;
	case FIELD_STRINGS:
		SET(const char *const *, row, field->offset,
			number % 2 == 0 ? words : none);
		break;
	case FIELD_ENDPOINTS:
		break;
	}
}

static void no_field_of_a_row_is_forgotten(void **state)
{
	struct service row;
	struct table one;

	(void)state;
	CHECK_TEXT(read_service(""), "");
	for (unsigned i = 0; i < row_fields_n; i++) {
		static const char *const command[] = {"x", NULL};

		row = table->services[0];
		/* These are counted, and may not be empty. */
		if (strcmp(row_fields[i].member, "command") == 0 ||
			strcmp(row_fields[i].member, "environment") == 0)
			continue;
		row.command = command;
		row.command_n = 1;
		set_field(&row_fields[i], &row, i);
		one = *table;
		one.services = &row;
		if (row_fields[i].kind != FIELD_ENDPOINTS &&
			row_same_field(
				&row_fields[i], &row, &table->services[0]) &&
			row_fields[i].kind != FIELD_BOOL)
			fail_msg("%s is as it was", row_fields[i].member);
		check_loaded(&one);
	}
}

static void replace(char *what_lines, const char *what, const char *by)
{
	static char rest[sizeof(lines)];
	char *at = strstr(what_lines, what);

	if (at == NULL)
		fail_msg("it is not in %s", what_lines);
	strcpy(rest, at + strlen(what));
	strcpy(at, by);
	strcat(at, rest);
}

static void what_is_not_whole_is_refused(void **state)
{
	static const struct {
		const char *what, *by, *problem;
	} cases[] = {
		{"table services=2", "table services=3",
			"another line is expected"},
		{"table services=2", "table services=4000000000",
			"a table is not whole"},
		{" runtime-directory=/run/ostler", "", "a table is not whole"},
		{" listeners-max=58", "", "a table is not whole"},
		{" name=a", "", "a service is not whole"},
		{" name=a", " name=c", "services are not in order"},
		{" name=a", " name=b", "services are not in order"},
		{" command-n=2", " command-n=3", "a command is not whole"},
		{" command-n=2", "", "a command is not whole"},
		{" environment=\"\"", "", "an environment is not whole"},
		{" endpoints=1", "", "a service is not whole"},
		{" endpoints=1", " endpoints=2", "another line is expected"},
		{" policy-start-rate=200", "", "a policy has no rate"},
		{" policy-deaf-time-ns=1000000000", "", "a policy has no rate"},
		{" text=127.0.0.1:1", "", "an endpoint is not whole"},
		{" family=1", "", "an endpoint is not whole"},
		{"endpoint family=1", "endpoint path=x family=1",
			"an endpoint is not whole"},
		{"endpoint family=1", "endpoint kind=1 family=1",
			"an endpoint is not whole"},
	};

	(void)state;
	CHECK_TEXT(read_conf("service a {\n"
			     "\tlisten = \"127.0.0.1:1\"\n"
			     "\tcommand = {\"x\", \"y\"}\n"
			     "}\n"
			     "service b {\n"
			     "\tlisten = \"127.0.0.1:2\"\n"
			     "\tcommand = {\"x\", \"y\"}\n"
			     "}\n"),
		"");
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *problem;

		(void)save(table);
		replace(lines, cases[i].what, cases[i].by);
		assert_null(load(text_of(lines), &problem));
		if (strcmp(problem, cases[i].problem) != 0)
			fail_msg("%s: %s", cases[i].by, problem);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CONF_TEST(a_table_is_the_same_afterwards),
		CONF_TEST(no_field_of_a_row_is_forgotten),
		CONF_TEST(what_is_not_whole_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
