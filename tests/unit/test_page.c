/* SPDX-License-Identifier: MIT */
#include "proto/page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/prng.h"

#define WORDS 2

static union {
	struct ostler__page_head head; /* aligned as the kernel does */
	_Alignas(64) unsigned char bytes[OSTLER__PAGE_TOP_BYTES +
					 WORDS * 64 * 128];
} memory;

static int prepare(void **state)
{
	(void)state;
	memset(&memory, 0, sizeof(memory));
	(void)ostler__page_init(memory.bytes, WORDS);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, prepare)

static struct ostler__page enter(uint32_t slot)
{
	struct ostler__page page;

	assert_true(ostler__page_enter(
		&page, memory.bytes, sizeof(memory.bytes), slot));
	return page;
}

static void with_several_idle_a_client_costs_no_message(void **state)
{
	struct ostler__page a = enter(0), b = enter(1), c = enter(63);

	(void)state;
	assert_true(ostler__page_give(&a)); /* none to one */
	assert_false(ostler__page_give(&b));
	assert_false(ostler__page_give(&c));
	for (int i = 0; i < 100; i++) {
		assert_false(ostler__page_take(&a));
		assert_false(ostler__page_take(&c));
		assert_false(ostler__page_give(&c));
		assert_false(ostler__page_give(&a));
	}
}

static void the_last_one_that_is_taken_tells_and_the_first_one_back(
	void **state)
{
	struct ostler__page a = enter(0), b = enter(1);

	(void)state;
	(void)ostler__page_give(&a);
	(void)ostler__page_give(&b);
	assert_false(ostler__page_take(&b));
	assert_true(ostler__page_take(&a));
	assert_true(ostler__page_give(&b));
	assert_false(ostler__page_give(&a));
}

static void the_low_mark_is_told_of_both_ways(void **state)
{
	struct ostler__page p[4] = {enter(0), enter(1), enter(2), enter(3)};

	(void)state;
	atomic_store(&p[0].word->low, 3);
	assert_true(ostler__page_give(&p[0])); /* 1 */
	assert_false(ostler__page_give(&p[1]));
	assert_true(ostler__page_give(&p[2])); /* 3 */
	assert_false(ostler__page_give(&p[3]));
	assert_false(ostler__page_take(&p[0])); /* 4 to 3 */
	assert_true(ostler__page_take(&p[1]));	/* 3 to 2 */
	assert_false(ostler__page_take(&p[2]));
	assert_true(ostler__page_take(&p[3])); /* 1 to 0 */
}

static void the_first_one_taken_of_a_full_word_tells_if_asked_to(void **state)
{
	struct ostler__page p[3] = {enter(0), enter(1), enter(2)};

	(void)state;
	for (int i = 0; i < 3; i++)
		(void)ostler__page_give(&p[i]);
	assert_false(ostler__page_take(&p[0]));
	(void)ostler__page_give(&p[0]);
	atomic_store(&p[0].word->full, 3);
	assert_true(ostler__page_take(&p[0]));
	assert_false(ostler__page_take(&p[1]));
}

/* The master has cleared it, because it asks the worker to leave. */
static void a_bit_that_was_moved_by_another_is_told_of(void **state)
{
	struct ostler__page p[3] = {enter(0), enter(1), enter(2)};

	(void)state;
	for (int i = 0; i < 3; i++)
		(void)ostler__page_give(&p[i]);
	assert_false(ostler__page_retires(&p[0]));
	atomic_fetch_or(&p[0].word->retire, p[0].me);
	atomic_fetch_and(&p[0].word->ready, ~p[0].me);
	assert_true(ostler__page_take(&p[0]));
	assert_true(ostler__page_retires(&p[0]));
	assert_false(ostler__page_retires(&p[1]));
	atomic_fetch_or(&p[0].word->ready, p[0].me);
	assert_true(ostler__page_give(&p[0]));
}

static void each_word_has_its_own_marks(void **state)
{
	struct ostler__page a = enter(63), b = enter(64);

	(void)state;
	assert_ptr_not_equal(a.word, b.word);
	assert_true(ostler__page_give(&a));
	assert_true(ostler__page_give(&b));
	assert_true(ostler__page_take(&a));
}

static void taken_are_those_who_use_the_page_and_are_not_ready(void **state)
{
	struct ostler__page p[3] = {enter(0), enter(1), enter(64)};

	(void)state;
	atomic_store(&p[0].head->words_used, WORDS);
	for (int i = 0; i < 3; i++)
		atomic_fetch_or(&p[i].word->opened, p[i].me);
	assert_int_equal(ostler__page_taken(&p[0]), 3);
	(void)ostler__page_give(&p[0]);
	(void)ostler__page_give(&p[2]);
	assert_int_equal(ostler__page_taken(&p[0]), 1);
	/* Whatever anybody writes there. */
	atomic_store(&p[0].head->words_used, UINT32_MAX);
	assert_int_equal(ostler__page_taken(&p[0]), 1);
}

static void what_is_no_page_is_not_entered(void **state)
{
	static const size_t fields[] = {
		offsetof(struct ostler__page_head, magic),
		offsetof(struct ostler__page_head, version),
		offsetof(struct ostler__page_head, slots_offset),
		offsetof(struct ostler__page_head, slot_bytes),
	};
	struct ostler__page page;
	uint32_t *words_n = &memory.head.words_n;

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		memory.bytes[fields[i]]++;
		assert_false(ostler__page_enter(
			&page, memory.bytes, sizeof(memory.bytes), 0));
		memory.bytes[fields[i]]--;
	}
	assert_false(ostler__page_enter(
		&page, memory.bytes, sizeof(memory.bytes), WORDS * 64));
	assert_false(ostler__page_enter(
		&page, memory.bytes, sizeof(memory.bytes) - 1, 0));
	assert_false(ostler__page_enter(&page, memory.bytes, 100, 0));
	*words_n = 0;
	assert_false(ostler__page_enter(
		&page, memory.bytes, sizeof(memory.bytes), 0));
	*words_n = OSTLER__PAGE_WORDS_MAX + 1;
	assert_false(ostler__page_enter(
		&page, memory.bytes, SIZE_MAX, 64 * OSTLER__PAGE_WORDS_MAX));
}

/* Bytes from anybody: nothing is read or written outside (ASan sees it). */
static void noise_does_no_harm(void **state)
{
	struct prng prng;

	(void)state;
	prng_seed(&prng, 4711);
	for (int round = 0; round < 2000; round++) {
		struct ostler__page page =
			enter((uint32_t)prng_below(&prng, WORDS * 64));

		for (size_t i = 24; i < OSTLER__PAGE_TOP_BYTES; i++)
			memory.bytes[i] = (unsigned char)prng_below(&prng, 256);
		(void)ostler__page_give(&page);
		assert_true(atomic_load(&page.word->ready) & page.me);
		(void)ostler__page_take(&page);
		assert_false(atomic_load(&page.word->ready) & page.me);
		assert_in_range(ostler__page_taken(&page), 0, WORDS * 64);
		(void)ostler__page_retires(&page);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(with_several_idle_a_client_costs_no_message),
		TEST(the_last_one_that_is_taken_tells_and_the_first_one_back),
		TEST(the_low_mark_is_told_of_both_ways),
		TEST(the_first_one_taken_of_a_full_word_tells_if_asked_to),
		TEST(a_bit_that_was_moved_by_another_is_told_of),
		TEST(each_word_has_its_own_marks),
		TEST(taken_are_those_who_use_the_page_and_are_not_ready),
		TEST(what_is_no_page_is_not_entered),
		TEST(noise_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
