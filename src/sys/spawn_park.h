/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_SPAWN_PARK_H
#define OSTLER_SYS_SPAWN_PARK_H

#include <stdbool.h>

#include "sys/spawn_slot.h"

/*
 * spawn_park - reserved descriptor numbers, where a child that shares our
 * table finds what it was ordered to have
 *
 * Knows:   which numbers are reserved, in blocks, and who has them.
 * Decides: where they are: above all numbers that a child may be given, so
 *          that a source is never overwritten before it was copied.
 * Never:   leaves a reserved number free: something else would be opened
 *          there, and overwritten.
 */
#define PARK_BLOCK 8u /* numbers in one; a long order takes several */
#define PARK_BLOCKS_MAX 16
#define PARK_TARGETS_MAX 80u /* a child's numbers are below this */

struct spawn_park {
	int null;      /* owned; what stands in reserved numbers */
	unsigned base; /* the first reserved number */
	unsigned blocks_n;
	bool taken[PARK_BLOCKS_MAX];
	int *held; /* owned; every number that we stand in */
	unsigned held_n;
};

#define PARK_NONE                                                              \
	{                                                                      \
		.null = -1                                                     \
	}

/* Reserve BLOCKS_N blocks, all below END; -EMFILE if they do not fit. */
int park_init(struct spawn_park *park, unsigned blocks_n, unsigned end);
void park_finish(struct spawn_park *park); /* zero blocks and twice are fine */

/* The first number above the reserved ones. */
unsigned park_end(const struct spawn_park *park);

/* Whether N descriptors could be parked if all blocks were free. */
bool park_has_room(const struct spawn_park *park, unsigned n);

/*
 * Copy SLOT's descriptors to reserved numbers, which the slot names instead.
 * -EBUSY: not enough blocks are free now. Nothing is parked on failure.
 */
int park_slot(struct spawn_park *park, struct spawn_slot *slot);
void unpark_slot(struct spawn_park *park, struct spawn_slot *slot);

#endif
