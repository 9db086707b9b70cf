/* SPDX-License-Identifier: MIT */
#include "proto/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <master_proto.h>

static void twelve_bytes_are_pid_generation_and_word(void **state)
{
	/* Seen on the wire of Postfix: pid 3297, generation 4, TAKEN. */
	const unsigned char wire[] = {0xe1, 0x0c, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0};
	unsigned char bytes[OSTLER__STATUS_BYTES];
	struct ostler__status status = {3297, 4, STATUS_TAKEN};

	(void)state;
	ostler__status_encode(&status, bytes);
	assert_memory_equal(bytes, wire, sizeof(wire));
}

static void what_was_encoded_is_decoded(void **state)
{
	const struct ostler__status samples[] = {
		{1, 0, STATUS_TAKEN},
		{1, 0, STATUS_AVAIL},
		{INT32_MAX, UINT32_MAX, STATUS_AVAIL},
		{INT32_MIN, 1, STATUS_TAKEN},
		{-1, 0x80000000u, STATUS_TAKEN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		unsigned char bytes[OSTLER__STATUS_BYTES];
		struct ostler__status got = {0, 0, STATUS_TAKEN};

		ostler__status_encode(&samples[i], bytes);
		assert_int_equal(
			ostler__status_decode(bytes, sizeof(bytes), &got),
			STATUS_OK);
		assert_int_equal(got.pid, samples[i].pid);
		assert_int_equal(got.generation, samples[i].generation);
		assert_int_equal(got.word, samples[i].word);
	}
}

static void any_other_size_is_refused_and_nothing_written(void **state)
{
	unsigned char bytes[64] = {0};

	(void)state;
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		struct ostler__status got = {7, 8, STATUS_AVAIL};

		if (n == OSTLER__STATUS_BYTES)
			continue;
		assert_int_equal(
			ostler__status_decode(bytes, n, &got), STATUS_BAD_SIZE);
		assert_int_equal(got.pid, 7);
		assert_int_equal(got.generation, 8);
		assert_int_equal(got.word, STATUS_AVAIL);
	}
}

static void a_word_that_is_neither_is_refused_but_its_sender_is_told(
	void **state)
{
	const int words[] = {2, -1, INT32_MIN, INT32_MAX, 256, 0x01000000};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct MASTER_STATUS wire = {42, 9, words[i]};
		struct ostler__status got = {0, 0, STATUS_TAKEN};

		assert_int_equal(
			ostler__status_decode(&wire, sizeof(wire), &got),
			STATUS_BAD_VALUE);
		assert_int_equal(got.pid, 42);
		assert_int_equal(got.generation, 9);
	}
}

/* Catalogue 2 and the like: no bytes whatever do harm. */
static void bytes_may_be_anywhere(void **state)
{
	unsigned char bytes[OSTLER__STATUS_BYTES + 8] = {0};
	struct ostler__status got;

	(void)state;
	for (size_t off = 0; off < 8; off++)
		assert_int_equal(ostler__status_decode(bytes + off,
					 OSTLER__STATUS_BYTES, &got),
			STATUS_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(twelve_bytes_are_pid_generation_and_word),
		cmocka_unit_test(what_was_encoded_is_decoded),
		cmocka_unit_test(any_other_size_is_refused_and_nothing_written),
		cmocka_unit_test(
			a_word_that_is_neither_is_refused_but_its_sender_is_told),
		cmocka_unit_test(bytes_may_be_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
