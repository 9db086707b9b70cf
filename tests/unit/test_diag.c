/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <string.h>

#include "base/arena.h"
#include "base/diag.h"

static char line[1000];

static const char *shown(const struct diag *diag)
{
	struct text_builder builder;

	text_builder_init(&builder, line, sizeof(line));
	diag_put(&builder, diag);
	return line;
}

static void a_complaint_says_where_who_what_and_what_to_do(void **state)
{
	(void)state;
	CHECK_TEXT(shown(&(struct diag){.file = "a.conf",
			   .line = 12,
			   .service = "echo",
			   .problem = "no user",
			   .remedy = "add one"}),
		"a.conf:12: service 'echo': no user; add one");
	CHECK_TEXT(shown(&(struct diag){.severity = DIAG_WARNING,
			   .file = "a.conf",
			   .line = 1,
			   .problem = "odd"}),
		"a.conf:1: warning: odd");
	CHECK_TEXT(shown(&(struct diag){.file = "a.conf", .problem = "empty"}),
		"a.conf: empty");
	CHECK_TEXT(shown(&(struct diag){.problem = "odd"}), "odd");
}

static void nothing_in_it_can_talk_to_a_terminal(void **state)
{
	(void)state;
	CHECK_TEXT(shown(&(struct diag){.file = "a\n",
			   .line = 1,
			   .service = "\x1b",
			   .problem = "b\r",
			   .remedy = "\xff"}),
		"a\\x0a:1: service '\\x1b': b\\x0d; \\xff");
}

static void what_is_added_is_copied(void **state)
{
	struct arena *arena = arena_create(0);
	struct diags diags;
	char problem[] = "first";

	(void)state;
	diags_init(&diags, arena);
	diags_add(&diags, &(struct diag){.problem = problem});
	memset(problem, 'x', 5);
	assert_int_equal(diags.n, 1);
	CHECK_TEXT(diags.items[0].problem, "first");
	assert_null(diags.items[0].remedy);
	arena_destroy(arena);
}

static void many_are_kept_in_order_and_counted(void **state)
{
	struct arena *arena = arena_create(0);
	struct diags diags;

	(void)state;
	diags_init(&diags, arena);
	for (unsigned i = 0; i < 1000; i++)
		diags_add(&diags,
			&(struct diag){.severity = i % 4 == 0 ? DIAG_WARNING
							      : DIAG_ERROR,
				.line = i,
				.problem = "p"});
	assert_int_equal(diags.n, 1000);
	assert_int_equal(diags.warnings_n, 250);
	assert_int_equal(diags.errors_n, 750);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(diags.items[i].line, i);
	arena_destroy(arena);
}

static void sorting_goes_by_file_and_line_and_keeps_the_rest(void **state)
{
	struct arena *arena = arena_create(0);
	struct diags diags;
	char all[500] = "";

	(void)state;
	diags_init(&diags, arena);
	diags_add(
		&diags, &(struct diag){.file = "b", .line = 1, .problem = "5"});
	diags_add(
		&diags, &(struct diag){.file = "a", .line = 9, .problem = "3"});
	diags_add(
		&diags, &(struct diag){.file = "a", .line = 2, .problem = "2"});
	diags_add(
		&diags, &(struct diag){.file = "a", .line = 9, .problem = "4"});
	diags_add(&diags, &(struct diag){.problem = "1"});
	diags_sort(&diags);
	for (size_t i = 0; i < diags.n; i++)
		(void)strcat(all, diags.items[i].problem);
	CHECK_TEXT(all, "12345");
	arena_destroy(arena);
}

static void sorting_many_is_stable_and_quick(void **state)
{
	enum { MANY = 100000 };
	struct arena *arena = arena_create(0);
	struct diags diags;

	(void)state;
	diags_init(&diags, arena);
	for (unsigned i = 0; i < MANY; i++)
		diags_add(&diags,
			&(struct diag){.file = "f",
				.line = (MANY - i) / 3,
				.problem = i % 2 == 0 ? "even" : "odd"});
	diags_sort(&diags);
	assert_int_equal(diags.n, MANY);
	for (unsigned i = 1; i < MANY; i++) {
		const struct diag *one = &diags.items[i - 1];
		const struct diag *next = &diags.items[i];

		assert_true(one->line <= next->line);
		if (one->line == next->line)
			assert_string_not_equal(one->problem, next->problem);
	}
	arena_destroy(arena);
}

static void an_error_counts_even_if_there_is_no_room_for_it(void **state)
{
	struct arena *arena = arena_create(64);
	struct diags diags;

	(void)state;
	diags_init(&diags, arena);
	diags_add(&diags, &(struct diag){.problem = "p"});
	assert_int_equal(diags.n, 0);
	assert_int_equal(diags.errors_n, 1);
	arena_destroy(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_complaint_says_where_who_what_and_what_to_do),
		cmocka_unit_test(nothing_in_it_can_talk_to_a_terminal),
		cmocka_unit_test(what_is_added_is_copied),
		cmocka_unit_test(many_are_kept_in_order_and_counted),
		cmocka_unit_test(
			sorting_goes_by_file_and_line_and_keeps_the_rest),
		cmocka_unit_test(sorting_many_is_stable_and_quick),
		cmocka_unit_test(
			an_error_counts_even_if_there_is_no_room_for_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
