/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_TESTS_UNIT_CHECK_H
#define OSTLER_TESTS_UNIT_CHECK_H

/* What cmocka wants before it, in its order, and cmocka. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CHECK_TEXT(is, should_be) assert_string_equal(is, should_be)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
