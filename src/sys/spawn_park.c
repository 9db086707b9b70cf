/* SPDX-License-Identifier: MIT */
#include "sys/spawn_park.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "sys/fd.h"

static bool is_free(int fd)
{
	return fcntl(fd, F_GETFD) < 0;
}

/* The first number with N free ones in a row from there, below END; or 0. */
static unsigned find_base(unsigned n, unsigned end)
{
	unsigned base = PARK_TARGETS_MAX;

	for (unsigned fd = base; fd < end && fd - base < n; fd++)
		if (!is_free((int)fd))
			base = fd + 1;
	return base + n <= end ? base : 0;
}

/*
 * Stand in every free number from 3 to the end of the blocks, so that what the
 * process opens later lies above them: out of the way of parked descriptors,
 * and not copied to children.
 */
static int hold_numbers(struct spawn_park *park)
{
	unsigned end = park_end(park);

	park->held = calloc(end, sizeof(park->held[0]));
	if (park->held == NULL)
		return -ENOMEM;
	park->null = sys_open_null();
	if (park->null < 0)
		return park->null;
	for (int fd = 3; fd < (int)end; fd++) {
		if (!is_free(fd))
			continue;
		if (dup3(park->null, fd, O_CLOEXEC) < 0)
			return -errno;
		park->held[park->held_n++] = fd;
	}
	return 0;
}

int park_init(struct spawn_park *park, unsigned blocks_n, unsigned end)
{
	unsigned base = find_base(blocks_n * PARK_BLOCK, end);
	int result;

	*park = (struct spawn_park)PARK_NONE;
	if (base == 0)
		return -EMFILE;
	park->base = base;
	park->blocks_n = blocks_n;
	result = hold_numbers(park);
	if (result < 0)
		park_finish(park);
	return result;
}

void park_finish(struct spawn_park *park)
{
	for (unsigned i = 0; i < park->held_n; i++)
		fd_close(&park->held[i]);
	free(park->held);
	fd_close(&park->null);
	*park = (struct spawn_park)PARK_NONE;
}

unsigned park_end(const struct spawn_park *park)
{
	return park->base + park->blocks_n * PARK_BLOCK;
}

/* At least one, also for a child without descriptors: it has a place. */
static unsigned blocks_for(unsigned n)
{
	return n == 0 ? 1 : (n + PARK_BLOCK - 1) / PARK_BLOCK;
}

bool park_has_room(const struct spawn_park *park, unsigned n)
{
	return n <= PARK_TARGETS_MAX && blocks_for(n) <= park->blocks_n;
}

/* N free blocks in a row: the first, or -EBUSY. */
static int find_blocks(const struct spawn_park *park, unsigned n)
{
	unsigned run = 0;

	for (unsigned i = 0; i < park->blocks_n; i++) {
		run = park->taken[i] ? 0 : run + 1;
		if (run == n)
			return (int)(i + 1 - n);
	}
	return -EBUSY;
}

/* What is parked of SLOT. */
static unsigned count(const struct spawn_slot *slot)
{
	return slot->fds_n + slot->held_n;
}

static int number_of(const struct spawn_park *park,
	const struct spawn_slot *slot, unsigned i)
{
	return (int)(park->base + slot->block * PARK_BLOCK + i);
}

void unpark_slot(struct spawn_park *park, struct spawn_slot *slot)
{
	for (unsigned i = 0; i < count(slot); i++)
		if (slot->fds[i] >= 0)
			(void)dup3(park->null, number_of(park, slot, i),
				O_CLOEXEC); /* both are open: cannot fail */
	for (unsigned i = 0; i < slot->blocks; i++)
		park->taken[slot->block + i] = false;
	slot->blocks = 0;
}

static int park_one(
	struct spawn_park *park, struct spawn_slot *slot, unsigned i)
{
	int to = number_of(park, slot, i);

	if (slot->fds[i] < 0)
		return 0;
	if (dup3(slot->fds[i], to, O_CLOEXEC) < 0)
		return -errno;
	slot->fds[i] = to;
	return 0;
}

int park_slot(struct spawn_park *park, struct spawn_slot *slot)
{
	unsigned n = blocks_for(count(slot));
	int block = find_blocks(park, n);

	if (block < 0)
		return block;
	slot->block = (unsigned)block;
	slot->blocks = n;
	for (unsigned i = 0; i < n; i++)
		park->taken[slot->block + i] = true;
	for (unsigned i = 0; i < count(slot); i++) {
		int result = park_one(park, slot, i);

		if (result < 0) {
			unpark_slot(park, slot);
			return result;
		}
	}
	return 0;
}
