/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_TESTS_FUZZ_FUZZ_H
#define OSTLER_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/*
 * What libFuzzer calls, and replay.c where there is none: try these bytes.
 * Always 0; what is wrong is an assertion, or a sanitizer's report.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
