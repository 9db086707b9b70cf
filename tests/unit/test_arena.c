/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"

static void what_is_given_is_zeroed_and_aligned(void **state)
{
	struct arena *arena = arena_create(0);

	(void)state;
	for (size_t size = 0; size < 70; size++) {
		unsigned char *bytes = arena_alloc(arena, size);

		assert_non_null(bytes);
		assert_int_equal((uintptr_t)bytes % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(bytes[i], 0);
		memset(bytes, 0xff, size);
	}
	arena_destroy(arena);
}

static void two_that_were_asked_for_are_never_the_same(void **state)
{
	struct arena *arena = arena_create(0);
	void *one = arena_alloc(arena, 0);
	void *other = arena_alloc(arena, 0);

	(void)state;
	assert_ptr_not_equal(one, other);
	arena_destroy(arena);
}

static void nothing_moves_when_more_is_asked_for(void **state)
{
	struct arena *arena = arena_create(0);
	char *kept[1000];

	(void)state;
	for (int i = 0; i < 1000; i++)
		kept[i] = arena_format(arena, "number %d of %0*d", i, 60, i);
	for (int i = 0; i < 1000; i++) {
		char expected[100];

		(void)snprintf(expected, sizeof(expected), "number %d of %0*d",
			i, 60, i);
		CHECK_TEXT(kept[i], expected);
	}
	arena_destroy(arena);
}

static void more_than_a_block_is_given_in_one_piece(void **state)
{
	struct arena *arena = arena_create(0);
	char *large = arena_alloc(arena, 1000000);

	(void)state;
	assert_non_null(large);
	memset(large, 'x', 1000000);
	assert_non_null(arena_alloc(arena, 10));
	assert_true(arena_bytes_used(arena) >= 1000010);
	arena_destroy(arena);
}

static void a_copy_ends_with_a_nul_and_keeps_those_inside(void **state)
{
	struct arena *arena = arena_create(0);
	const char *copy = arena_copy(arena, (struct text){"a\0bcd", 4});

	(void)state;
	assert_memory_equal(copy, "a\0bc\0", 5);
	CHECK_TEXT(arena_copy(arena, text_of(NULL)), "");
	arena_destroy(arena);
}

static void the_same_words_are_kept_once(void **state)
{
	struct arena *arena = arena_create(0);
	const char *a = arena_copy(arena, text_of("a"));
	const char *words[300];
	size_t used;

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		char text[8];

		(void)snprintf(text, sizeof(text), "%u", i);
		words[i] = arena_copy(arena, text_of(text));
		assert_int_equal((uintptr_t)arena_alloc(arena, 1) %
					 _Alignof(max_align_t),
			0);
	}
	/* Some were forgotten, and none is taken for another. */
	for (unsigned i = 0; i < 300; i++) {
		char text[8];

		(void)snprintf(text, sizeof(text), "%u", i);
		CHECK_TEXT(words[i], text);
		CHECK_TEXT(arena_copy(arena, text_of(text)), text);
	}
	CHECK_TEXT(arena_copy(arena, (struct text){"ab", 1}), "a");
	CHECK_TEXT(arena_copy(arena, (struct text){"a\0b", 3}), "a");
	CHECK_TEXT(a, "a");
	used = arena_bytes_used(arena);
	assert_ptr_equal(arena_copy(arena, text_of("299")),
		arena_copy(arena, text_of("299")));
	assert_true(arena_bytes_used(arena) <= used + 4);
	arena_destroy(arena);
}

static void beyond_the_limit_there_is_nothing_and_that_is_remembered(
	void **state)
{
	struct arena *arena = arena_create(100);

	(void)state;
	assert_non_null(arena_alloc(arena, 60));
	assert_false(arena_is_exhausted(arena));
	assert_null(arena_alloc(arena, 60));
	assert_true(arena_is_exhausted(arena));
	assert_non_null(arena_alloc(arena, 10));
	assert_true(arena_is_exhausted(arena));
	arena_destroy(arena);
}

static void a_size_that_overflows_is_refused(void **state)
{
	struct arena *arena = arena_create(0);

	(void)state;
	assert_null(arena_array(arena, SIZE_MAX / 2, 3));
	assert_null(arena_array(arena, SIZE_MAX / 2 + 2, 2));
	assert_null(arena_alloc(arena, SIZE_MAX));
	assert_null(arena_alloc(arena, SIZE_MAX - 40));
	assert_null(arena_copy(arena, (struct text){"", SIZE_MAX}));
	assert_true(arena_is_exhausted(arena));
	assert_non_null(arena_array(arena, 0, SIZE_MAX));
	assert_non_null(arena_array(arena, 5, 0));
	arena_destroy(arena);
}

static void a_format_that_does_not_fit_gives_nothing(void **state)
{
	struct arena *arena = arena_create(16);

	(void)state;
	assert_null(arena_format(arena, "%0100d", 1));
	CHECK_TEXT(arena_format(arena, "%d", 12), "12");
	arena_destroy(arena);
}

static void destroying_no_arena_is_fine(void **state)
{
	(void)state;
	arena_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_given_is_zeroed_and_aligned),
		cmocka_unit_test(two_that_were_asked_for_are_never_the_same),
		cmocka_unit_test(nothing_moves_when_more_is_asked_for),
		cmocka_unit_test(more_than_a_block_is_given_in_one_piece),
		cmocka_unit_test(a_copy_ends_with_a_nul_and_keeps_those_inside),
		cmocka_unit_test(the_same_words_are_kept_once),
		cmocka_unit_test(
			beyond_the_limit_there_is_nothing_and_that_is_remembered),
		cmocka_unit_test(a_size_that_overflows_is_refused),
		cmocka_unit_test(a_format_that_does_not_fit_gives_nothing),
		cmocka_unit_test(destroying_no_arena_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
