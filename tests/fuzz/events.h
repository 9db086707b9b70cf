/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_TESTS_FUZZ_EVENTS_H
#define OSTLER_TESTS_FUZZ_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "core/core.h"
#include "core/event.h"

/*
 * events - any bytes as events for a core
 *
 * Of workers that are and of workers that are not, in any order, at any
 * distance in time, under any policy that a configuration may ask for.
 */
#define SERVICES 3
#define SLOTS 6
#define BEGIN_NS (1000 * NS_PER_S)

struct fuzz_input {
	const uint8_t *bytes;
	size_t n;
};

/* 0 when they are used up. */
uint8_t fuzz_next(struct fuzz_input *input);

struct event fuzz_event(struct fuzz_input *input, const struct core *core);

/* Not at all, a little, to what is due, or far beyond it. */
uint64_t fuzz_later(
	struct fuzz_input *input, const struct core *core, uint64_t now_ns);

#endif
