/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CORE_DEADLINE_H
#define OSTLER_CORE_DEADLINE_H

#include <stdint.h>

/*
 * deadline - what is due when, for a fixed set of numbered things
 *
 * Knows:   at most one time for each thing; a binary heap with a place for
 *          each, so that setting, moving and clearing cost log n.
 * Decides: the earliest; of two at one time the lower number.
 * Never:   allocates: the arrays are the caller's, zeroed.
 */
#define DEADLINE_NONE UINT64_MAX

struct deadlines {
	uint64_t *at_ns; /* by thing; good where place is not 0 */
	uint32_t *place; /* by thing: 1 + index in heap; 0: none */
	uint32_t *heap;	 /* things, the earliest first */
	uint32_t n;
	uint32_t things;
};

/* Set, move, or with DEADLINE_NONE clear the time of THING. */
void deadline_set(struct deadlines *d, uint32_t thing, uint64_t at_ns);

/* The one that comes first. */
uint64_t deadline_earlier(uint64_t a_ns, uint64_t b_ns);

uint64_t deadline_get(const struct deadlines *d, uint32_t thing);

/* The earliest time, or DEADLINE_NONE. */
uint64_t deadline_first(const struct deadlines *d);

/* The thing that is due first; there must be one. */
uint32_t deadline_first_thing(const struct deadlines *d);

#endif
