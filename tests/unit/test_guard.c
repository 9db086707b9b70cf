/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <string.h>

#include "base/arena.h"
#include "conf/guard.h"

static struct arena *arena;
static struct guarded guarded;

static int begin(void **state)
{
	(void)state;
	arena = arena_create(0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_destroy(arena);
	return 0;
}

static const char *guard(const char *text)
{
	assert_true(guard_bytes(arena, text_of(text), &guarded));
	return guarded.text;
}

static void what_is_fit_passes_as_it_is(void **state)
{
	static const char text[] =
		"a = {b, \"c d\", 'e\\'f'}\nservice x {\n\tg += 1\n}\n"
		"include(\"h\")\n";

	(void)state;
	CHECK_TEXT(guard(text), text);
	assert_null(guarded.fault);
	CHECK_TEXT(guard(""), "");
	assert_null(guarded.fault);
}

static void comments_go_and_their_lines_stay(void **state)
{
	(void)state;
	CHECK_TEXT(guard("a = b # c\n// d\n/* e\n\nf */g = h /**/\n#"),
		"a = b \n\n\n\n g = h  \n");
}

static void a_comment_begins_where_a_word_could(void **state)
{
	(void)state;
	CHECK_TEXT(guard("a = /b/c"), "a = /b/c");
	CHECK_TEXT(guard("a =//b\nc"), "a =\nc");
	CHECK_TEXT(guard("a = b#c"), "a = b");
	CHECK_TEXT(guard("a = \"#\" '//' \"/*\""), "a = \"#\" '//' \"/*\"");
}

static void a_dollar_loses_its_meaning_between_double_quotes(void **state)
{
	(void)state;
	CHECK_TEXT(guard("a = \"$${B}\""), "a = \"\\x24\\x24{B}\"");
	CHECK_TEXT(guard("a = '${B}'"), "a = '${B}'");
	CHECK_TEXT(guard("a = \"\\\\${B}\""), "a = \"\\\\\\x24{B}\"");
	(void)guard("a = ${B}");
	assert_non_null(guarded.fault);
}

static void blocks_are_remembered_with_their_lines(void **state)
{
	(void)state;
	(void)guard("service a {\n b = {1}\n}\n\nservice\n'c'\n{ d = {2} }\n");
	assert_null(guarded.fault);
	assert_int_equal(guarded.blocks_n, 2);
	assert_int_equal(guarded.blocks_closed, 2);
	CHECK_TEXT(guarded.blocks[0].name, "a");
	assert_int_equal(guarded.blocks[0].line, 1);
	CHECK_TEXT(guarded.blocks[1].name, "c");
	assert_int_equal(guarded.blocks[1].line, 7);
}

static void many_blocks_are_remembered(void **state)
{
	static char text[20000];
	struct text_builder builder;

	(void)state;
	text_builder_init(&builder, text, sizeof(text));
	for (int i = 0; i < 1000; i++)
		text_put_format(&builder, "service s%d { }\n", i);
	(void)guard(text);
	assert_int_equal(guarded.blocks_n, 1000);
	CHECK_TEXT(guarded.blocks[999].name, "s999");
	assert_int_equal(guarded.blocks[999].line, 1000);
}

struct sample {
	const char *text;
	const char *kept;
	unsigned line;
};

static void of_what_is_at_fault_nothing_is_kept(void **state)
{
	static const struct sample samples[] = {
		{"a = b\nc = \"d\ne = f", "a = b\nc =", 2},
		{"a = \"b\\q\"", "a =", 1},
		{"a = \"b\\", "a =", 1},
		{"a = 'b", "a =", 1},
		{"a = b//c", "a =", 1},
		{"a = *", "a =", 1},
		{"a = b /* c", "a = b", 1},
		{"a\n= = b", "a\n=", 2},
		{"a = {}", "a = {", 1},
		{"a include(", "a ", 1},
		{"a\ninclude(\"x\"", "a\n", 2},
		{"a include(\"x\" = y", "a ", 1},
		{"a include(x y", "a ", 1},
		{"a)", "a", 1},
		{"a = {b", "a = {b", 1},
		{"s {\n\na = b\n", "s {\n\na = b", 1},
		{"s {\nt {\n}\n", "s {\nt {\n}", 2},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		(void)guard(samples[i].text);
		if (guarded.fault == NULL || guarded.remedy == NULL ||
			strcmp(guarded.text, samples[i].kept) != 0 ||
			guarded.fault_line != samples[i].line)
			fail_msg("%s: %s at %u: '%s'", samples[i].text,
				guarded.fault == NULL ? "-" : guarded.fault,
				guarded.fault_line, guarded.text);
	}
}

static void a_block_that_does_not_end_is_not_closed(void **state)
{
	(void)state;
	(void)guard("service a { }\nservice b {\nc = {1}\n*");
	assert_int_equal(guarded.blocks_n, 2);
	assert_int_equal(guarded.blocks_closed, 1);
}

static void a_nul_is_a_fault_and_no_end(void **state)
{
	(void)state;
	assert_true(guard_bytes(
		arena, (struct text){"a = b\n\0c = d", 12}, &guarded));
	assert_non_null(guarded.fault);
	assert_int_equal(guarded.fault_line, 2);
}

static void without_memory_there_is_nothing(void **state)
{
	(void)state;
	for (size_t bytes = 1; bytes < 400; bytes++) {
		struct arena *small = arena_create(bytes);

		if (guard_bytes(small, text_of("service a { }"), &guarded))
			assert_int_equal(guarded.blocks_n, 1);
		else
			assert_true(arena_is_exhausted(small));
		arena_destroy(small);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_fit_passes_as_it_is),
		TEST(comments_go_and_their_lines_stay),
		TEST(a_comment_begins_where_a_word_could),
		TEST(a_dollar_loses_its_meaning_between_double_quotes),
		TEST(blocks_are_remembered_with_their_lines),
		TEST(many_blocks_are_remembered),
		TEST(of_what_is_at_fault_nothing_is_kept),
		TEST(a_block_that_does_not_end_is_not_closed),
		TEST(a_nul_is_a_fault_and_no_end),
		TEST(without_memory_there_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
