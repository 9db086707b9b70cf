/* SPDX-License-Identifier: MIT */
#include "proto/mold.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void sixteen_bytes_say_who_is_ready(void **state)
{
	unsigned char bytes[OSTLER__MOLD_BYTES];
	unsigned generation;
	int pid;

	(void)state;
	ostler__mold_encode(4711, UINT32_MAX, bytes);
	assert_true(
		ostler__mold_decode(bytes, sizeof(bytes), &pid, &generation));
	assert_int_equal(pid, 4711);
	assert_int_equal(generation, UINT32_MAX);
}

static void other_bytes_say_nothing(void **state)
{
	unsigned char bytes[OSTLER__MOLD_BYTES + 1] = {0};
	unsigned generation = 7;
	int pid = 8;

	(void)state;
	for (size_t n = 0; n <= sizeof(bytes); n++)
		assert_false(ostler__mold_decode(bytes, n, &pid, &generation));
	for (size_t i = 0; i < 8; i++) {
		ostler__mold_encode(1, 2, bytes);
		bytes[i] ^= 1; /* the magic, or the version */
		assert_false(ostler__mold_decode(
			bytes, OSTLER__MOLD_BYTES, &pid, &generation));
	}
	assert_int_equal(pid, 8);
	assert_int_equal(generation, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sixteen_bytes_say_who_is_ready),
		cmocka_unit_test(other_bytes_say_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
