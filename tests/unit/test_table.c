/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "table/table.h"

enum {
	ROWS_MAX = 8,
	ENDPOINTS_MAX = 80,
};

/* What a test puts together, and what came of it. */
static struct table *table;
static struct arena *arena;
static struct diags diags;
static struct service *rows;
static unsigned rows_n;
static char text[8000];

static int begin(void **state)
{
	(void)state;
	arena = arena_create(0);
	table = table_create(0);
	diags_init(&diags, arena);
	rows = arena_array(table->arena, ROWS_MAX, sizeof(*rows));
	rows_n = 0;
	return 0;
}

static int end(void **state)
{
	(void)state;
	table_destroy(table);
	arena_destroy(arena);
	return 0;
}

static struct service *add(const char *name)
{
	static const char *const command[] = {"/x", NULL};
	struct service *row = &rows[rows_n++];

	assert_true(rows_n <= ROWS_MAX);
	*row = (struct service){.name = name,
		.path = "/x",
		.command = command,
		.command_n = 1,
		.file = "f",
		.line = rows_n * 10};
	row->endpoints = arena_array(
		table->arena, ENDPOINTS_MAX, sizeof(*row->endpoints));
	return row;
}

static void listen_on(struct service *row, struct endpoint endpoint)
{
	struct endpoint *endpoints =
		arena_array(table->arena, ENDPOINTS_MAX, sizeof(*endpoints));

	memcpy(endpoints, row->endpoints,
		row->endpoints_n * sizeof(*endpoints));
	endpoint.file = "f";
	endpoint.line = row->line + 1 + row->endpoints_n;
	if (endpoint.text == NULL)
		endpoint.text = endpoint.path;
	endpoints[row->endpoints_n++] = endpoint;
	row->endpoints = endpoints;
}

static struct endpoint inet(const char *shown, enum endpoint_family family,
	uint8_t last_byte, uint16_t port)
{
	struct endpoint endpoint = {.kind = ENDPOINT_INET,
		.family = family,
		.port = port,
		.text = shown};

	endpoint.address[family == FAMILY_IPV4 ? 3 : 15] = last_byte;
	return endpoint;
}

static struct endpoint path(enum endpoint_kind kind, const char *name)
{
	return (struct endpoint){.kind = kind, .path = name};
}

/* What table_seal() says: "good" or "bad", and every complaint. */
static const char *sealed(void)
{
	struct text_builder builder;
	bool good = table_seal(table, rows, rows_n, &diags);

	text_builder_init(&builder, text, sizeof(text));
	text_put(&builder, good ? "good\n" : "bad\n");
	diags_sort(&diags);
	for (size_t i = 0; i < diags.n; i++) {
		diag_put(&builder, &diags.items[i]);
		text_put_char(&builder, '\n');
	}
	assert_false(builder.overflow);
	return text;
}

static void rows_are_found_by_name_after_sealing(void **state)
{
	static const char *const names[] = {"m", "c", "x", "a", "mm"};

	(void)state;
	for (uint8_t i = 0; i < COUNT(names); i++)
		listen_on(add(names[i]),
			inet("i", FAMILY_IPV4, 1, (uint16_t)(80 + i)));
	CHECK_TEXT(sealed(), "good\n");
	assert_int_equal(table->services_n, COUNT(names));
	for (size_t i = 0; i < COUNT(names); i++) {
		const struct service *row = table_find(table, names[i]);

		assert_non_null(row);
		CHECK_TEXT(row->name, names[i]);
	}
	for (unsigned i = 1; i < table->services_n; i++)
		assert_true(strcmp(table->services[i - 1].name,
				    table->services[i].name) < 0);
	assert_null(table_find(table, "b"));
	assert_null(table_find(table, ""));
	assert_null(table_find(table, "zzz"));
}

static void an_empty_table_finds_nothing(void **state)
{
	(void)state;
	CHECK_TEXT(sealed(), "good\n");
	assert_null(table_find(table, "a"));
}

static void two_services_of_one_name_are_refused_at_the_later(void **state)
{
	(void)state;
	listen_on(add("b"), inet("1.0.0.1:1", FAMILY_IPV4, 1, 1));
	listen_on(add("a"), inet("1.0.0.1:2", FAMILY_IPV4, 1, 2));
	listen_on(add("b"), inet("1.0.0.1:3", FAMILY_IPV4, 1, 3));
	CHECK_TEXT(sealed(),
		"bad\n"
		"f:30: service 'b': there is already one of this name at f:10; "
		"rename or remove one of them\n");
	assert_null(table->services);
}

static void the_same_address_twice_is_refused(void **state)
{
	(void)state;
	listen_on(add("a"), inet("1.0.0.1:80", FAMILY_IPV4, 1, 80));
	listen_on(add("b"), inet("1.0.0.1:80", FAMILY_IPV4, 1, 80));
	CHECK_TEXT(sealed(),
		"bad\n"
		"f:21: service 'b': 1.0.0.1:80 is already taken by service 'a' "
		"at f:11; choose another address or port\n");
}

static void the_same_address_twice_in_one_service_is_refused(void **state)
{
	struct service *row = add("a");

	(void)state;
	listen_on(row, inet("1.0.0.1:80", FAMILY_IPV4, 1, 80));
	listen_on(row, inet("1.0.0.1:80", FAMILY_IPV4, 1, 80));
	CHECK_TEXT(sealed(),
		"bad\n"
		"f:12: service 'a': 1.0.0.1:80 is already taken by service 'a' "
		"at f:11; choose another address or port\n");
}

/* Each pair, in both orders: does the kernel let them live together? */
static void wildcards_take_what_they_cover(void **state)
{
	static const struct {
		enum endpoint_family a_family;
		uint8_t a;
		enum endpoint_family b_family;
		uint8_t b;
		bool conflict;
	} pairs[] = {
		{FAMILY_BOTH, 0, FAMILY_IPV4, 1, true},
		{FAMILY_BOTH, 0, FAMILY_IPV6, 1, true},
		{FAMILY_BOTH, 0, FAMILY_IPV4, 0, true},
		{FAMILY_BOTH, 0, FAMILY_IPV6, 0, true},
		{FAMILY_BOTH, 0, FAMILY_BOTH, 0, true},
		{FAMILY_IPV4, 0, FAMILY_IPV4, 1, true},
		{FAMILY_IPV6, 0, FAMILY_IPV6, 1, true},
		{FAMILY_IPV4, 0, FAMILY_IPV6, 0, false},
		{FAMILY_IPV4, 0, FAMILY_IPV6, 1, false},
		{FAMILY_IPV4, 1, FAMILY_IPV6, 0, false},
		{FAMILY_IPV4, 1, FAMILY_IPV4, 2, false},
		{FAMILY_IPV6, 1, FAMILY_IPV6, 2, false},
		{FAMILY_IPV6, 1, FAMILY_IPV6, 1, true},
	};

	for (size_t i = 0; i < COUNT(pairs) * 2; i++) {
		size_t at = i / 2;
		struct endpoint a =
			inet("a", pairs[at].a_family, pairs[at].a, 80);
		struct endpoint b =
			inet("b", pairs[at].b_family, pairs[at].b, 80);

		listen_on(add("one"), i % 2 == 0 ? a : b);
		listen_on(add("two"), i % 2 == 0 ? b : a);
		if ((strncmp(sealed(), "bad", 3) == 0) != pairs[at].conflict)
			fail_msg("pair %zu: %s", at, text);
		(void)end(state);
		(void)begin(state);
	}
}

/* As Postfix binds them: the kernel then chooses the one that says more. */
static void a_shared_port_is_refused_only_for_the_same_address(void **state)
{
	struct endpoint all = inet("0.0.0.0:80", FAMILY_IPV4, 0, 80);
	struct endpoint one = inet("0.0.0.1:80", FAMILY_IPV4, 1, 80);

	table->shares_ports = true;
	listen_on(add("a"), all);
	listen_on(add("b"), one);
	listen_on(add("c"), inet("[::]:80", FAMILY_IPV6, 0, 80));
	listen_on(add("d"), inet("[::1]:80", FAMILY_IPV6, 1, 80));
	CHECK_TEXT(sealed(), "good\n");
	(void)end(state);
	(void)begin(state);
	table->shares_ports = true;
	listen_on(add("a"), all);
	listen_on(add("b"), one);
	listen_on(add("c"), all);
	listen_on(add("d"), path(ENDPOINT_UNIX, "/run/x"));
	listen_on(add("e"), path(ENDPOINT_FIFO, "/run/x"));
	CHECK_TEXT(sealed(),
		"bad\n"
		"f:31: service 'c': 0.0.0.0:80 is already taken by service 'a' "
		"at f:11; choose another address or port\n"
		"f:51: service 'e': /run/x overlaps /run/x, which is taken by "
		"service 'd' at f:41; choose another name\n");
}

static void another_port_is_another_place(void **state)
{
	(void)state;
	listen_on(add("a"), inet("*:80", FAMILY_BOTH, 0, 80));
	listen_on(add("b"), inet("*:81", FAMILY_BOTH, 0, 81));
	CHECK_TEXT(sealed(), "good\n");
}

static void an_overlap_names_both_sides(void **state)
{
	(void)state;
	listen_on(add("z"), inet("*:80", FAMILY_BOTH, 0, 80));
	listen_on(add("a"), inet("1.0.0.1:80", FAMILY_IPV4, 1, 80));
	CHECK_TEXT(sealed(),
		"bad\n"
		"f:21: service 'a': 1.0.0.1:80 overlaps *:80, which is taken "
		"by service 'z' at f:11; choose another address or port\n");
}

static void one_path_is_one_place_whatever_is_there(void **state)
{
	(void)state;
	listen_on(add("a"), path(ENDPOINT_UNIX, "/run/x"));
	listen_on(add("b"), path(ENDPOINT_FIFO, "/run/x"));
	listen_on(add("c"), path(ENDPOINT_DGRAM, "/run/y"));
	CHECK_TEXT(sealed(),
		"bad\n"
		"f:21: service 'b': /run/x overlaps /run/x, which is taken by "
		"service 'a' at f:11; choose another name\n");
}

static void each_in_the_way_is_told_once(void **state)
{
	(void)state;
	listen_on(add("a"), path(ENDPOINT_UNIX, "/run/x"));
	listen_on(add("b"), path(ENDPOINT_UNIX, "/run/x"));
	listen_on(add("c"), path(ENDPOINT_UNIX, "/run/x"));
	assert_non_null(strstr(sealed(), "f:21: service 'b'"));
	assert_non_null(strstr(text, "f:31: service 'c'"));
	assert_int_equal(diags.errors_n, 2);
}

static void a_service_has_one_kind_of_endpoint(void **state)
{
	static const struct {
		enum endpoint_kind one, other;
		bool good;
	} mixes[] = {
		{ENDPOINT_UNIX, ENDPOINT_UNIX, true},
		{ENDPOINT_FIFO, ENDPOINT_FIFO, true},
		{ENDPOINT_DGRAM, ENDPOINT_DGRAM, true},
		{ENDPOINT_INET, ENDPOINT_UNIX, true},
		{ENDPOINT_INET, ENDPOINT_FIFO, false},
		{ENDPOINT_INET, ENDPOINT_DGRAM, false},
		{ENDPOINT_UNIX, ENDPOINT_FIFO, false},
		{ENDPOINT_UNIX, ENDPOINT_DGRAM, false},
		{ENDPOINT_FIFO, ENDPOINT_DGRAM, false},
	};

	for (size_t i = 0; i < COUNT(mixes); i++) {
		struct service *row = add("a");
		struct endpoint tcp = inet("i", FAMILY_IPV4, 1, 80);

		listen_on(row, mixes[i].one == ENDPOINT_INET
				       ? tcp
				       : path(mixes[i].one, "/a"));
		listen_on(row, path(mixes[i].other, "/b"));
		if ((strncmp(sealed(), "good", 4) == 0) != mixes[i].good)
			fail_msg("mix %zu: %s", i, text);
		(void)end(state);
		(void)begin(state);
	}
}

static void fifty_eight_endpoints_are_enough(void **state)
{
	struct service *row = add("a");

	(void)state;
	for (uint8_t i = 0; i < 58; i++)
		listen_on(row, inet("i", FAMILY_IPV4, i + 1, 80));
	CHECK_TEXT(sealed(), "good\n");
}

static void fifty_nine_are_refused_at_the_one_too_many(void **state)
{
	struct service *row = add("a");

	(void)state;
	for (uint8_t i = 0; i < 60; i++)
		listen_on(row, inet("i", FAMILY_IPV4, i + 1, 80));
	CHECK_TEXT(sealed(),
		"bad\n"
		"f:69: service 'a': 60 endpoints, and a worker takes no more "
		"than 58; make two services of them\n");
}

static void an_environment_has_two_hundred_variables_and_no_more(void **state)
{
	struct service *row = add("a");

	(void)state;
	listen_on(row, inet("i", FAMILY_IPV4, 1, 80));
	row->environment_n = 201;
	CHECK_TEXT(sealed(),
		"bad\n"
		"f:10: service 'a': environment has 201 variables, and 200 may "
		"be; put the rest into a file that the command reads\n");
}

/* B12 */
static void a_shared_user_is_a_warning_and_no_more(void **state)
{
	(void)state;
	for (uint16_t i = 1; i <= 4; i++) {
		struct service *row =
			add((const char *[]){"a", "b", "c", "d"}[i - 1]);

		listen_on(row, inet("i", FAMILY_IPV4, 1, i));
		row->user = i == 4 ? NULL : i == 2 ? "other" : "nobody";
	}
	CHECK_TEXT(sealed(),
		"good\n"
		"f:30: warning: service 'c': user 'nobody' is also that of "
		"service 'a': their workers can kill and trace each other; "
		"give each service a user of its own\n");
}

static void every_conflict_is_told(void **state)
{
	struct service *row;

	(void)state;
	listen_on(add("a"), inet("x", FAMILY_IPV4, 1, 80));
	row = add("a");
	listen_on(row, inet("x", FAMILY_IPV4, 1, 80));
	listen_on(row, path(ENDPOINT_FIFO, "/f"));
	listen_on(add("c"), path(ENDPOINT_FIFO, "/f"));
	(void)sealed();
	assert_int_equal(diags.errors_n, 4);
}

static void running_out_of_memory_refuses(void **state)
{
	(void)state;
	table_destroy(table);
	table = table_create(8192);
	while (arena_bytes_used(table->arena) < 8192)
		(void)arena_alloc(table->arena, 1);
	rows = arena_array(arena, 1, sizeof(*rows));
	rows[0] = (struct service){.name = "a",
		.path = "/x",
		.command_n = 1,
		.endpoints = arena_alloc(arena, sizeof(struct endpoint)),
		.endpoints_n = 1};
	assert_false(table_seal(table, rows, 1, &diags));
	assert_true(arena_is_exhausted(table->arena));
}

static void there_is_no_table_without_memory(void **state)
{
	(void)state;
	assert_null(table_create(1));
	table_destroy(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rows_are_found_by_name_after_sealing),
		TEST(an_empty_table_finds_nothing),
		TEST(two_services_of_one_name_are_refused_at_the_later),
		TEST(the_same_address_twice_is_refused),
		TEST(the_same_address_twice_in_one_service_is_refused),
		TEST(wildcards_take_what_they_cover),
		TEST(a_shared_port_is_refused_only_for_the_same_address),
		TEST(another_port_is_another_place),
		TEST(an_overlap_names_both_sides),
		TEST(one_path_is_one_place_whatever_is_there),
		TEST(each_in_the_way_is_told_once),
		TEST(a_service_has_one_kind_of_endpoint),
		TEST(fifty_eight_endpoints_are_enough),
		TEST(fifty_nine_are_refused_at_the_one_too_many),
		TEST(an_environment_has_two_hundred_variables_and_no_more),
		TEST(a_shared_user_is_a_warning_and_no_more),
		TEST(every_conflict_is_told),
		TEST(running_out_of_memory_refuses),
		TEST(there_is_no_table_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
