/* SPDX-License-Identifier: MIT */
#include "core/deadline.h"

#include <assert.h>
#include <stdbool.h>

static void put(struct deadlines *d, uint32_t index, uint32_t thing)
{
	d->heap[index] = thing;
	d->place[thing] = index + 1;
}

/*
 * Of two at one time the lower number comes first: what is set decides who
 * does, and not the order in which it was.
 */
static bool before(const struct deadlines *d, uint32_t a, uint32_t b)
{
	return d->at_ns[a] < d->at_ns[b] ||
	       (d->at_ns[a] == d->at_ns[b] && a < b);
}

static void rise(struct deadlines *d, uint32_t index)
{
	uint32_t thing = d->heap[index];

	while (index > 0) {
		uint32_t parent = (index - 1) / 2;

		if (!before(d, thing, d->heap[parent]))
			break;
		put(d, index, d->heap[parent]);
		index = parent;
	}
	put(d, index, thing);
}

static void sink(struct deadlines *d, uint32_t index)
{
	uint32_t thing = d->heap[index];

	for (;;) {
		uint32_t child = 2 * index + 1;

		if (child >= d->n)
			break;
		if (child + 1 < d->n &&
			before(d, d->heap[child + 1], d->heap[child]))
			child++;
		if (before(d, thing, d->heap[child]))
			break;
		put(d, index, d->heap[child]);
		index = child;
	}
	put(d, index, thing);
}

static void clear(struct deadlines *d, uint32_t thing)
{
	uint32_t index = d->place[thing];

	if (index == 0)
		return;
	index--;
	d->place[thing] = 0;
	d->n--;
	if (index == d->n)
		return;
	put(d, index, d->heap[d->n]);
	rise(d, index);
	sink(d, d->place[d->heap[index]] - 1);
}

void deadline_set(struct deadlines *d, uint32_t thing, uint64_t at_ns)
{
	assert(thing < d->things);
	if (at_ns == DEADLINE_NONE) {
		clear(d, thing);
		return;
	}
	d->at_ns[thing] = at_ns;
	if (d->place[thing] == 0) {
		assert(d->n < d->things);
		put(d, d->n++, thing);
	}
	rise(d, d->place[thing] - 1);
	sink(d, d->place[thing] - 1);
}

uint64_t deadline_earlier(uint64_t a_ns, uint64_t b_ns)
{
	return a_ns < b_ns ? a_ns : b_ns;
}

uint64_t deadline_get(const struct deadlines *d, uint32_t thing)
{
	assert(thing < d->things);
	return d->place[thing] == 0 ? DEADLINE_NONE : d->at_ns[thing];
}

uint64_t deadline_first(const struct deadlines *d)
{
	return d->n == 0 ? DEADLINE_NONE : d->at_ns[d->heap[0]];
}

uint32_t deadline_first_thing(const struct deadlines *d)
{
	assert(d->n > 0);
	return d->heap[0];
}
