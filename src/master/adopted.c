/* SPDX-License-Identifier: MIT */
#include "master/adopted.h"

#include <stdlib.h>

#include "base/number.h"
#include "master/master.h"
#include "master/records.h"
#include "master/workers.h"
#include "sys/child.h"
#include "sys/loop.h"

#define PATIENCE_NS NS_PER_S

/* An end that was told, or (at a time) is waited for. */
struct end {
	uint32_t slot;
	uint32_t serial;
	uint64_t until_ns; /* 0: it was told */
	struct child_end end;
};

static struct {
	struct end *items; /* owned */
	uint32_t n;
	uint32_t room;
} all;

static struct end *find(uint32_t slot, uint32_t serial)
{
	for (uint32_t i = 0; i < all.n; i++)
		if (all.items[i].slot == slot && all.items[i].serial == serial)
			return &all.items[i];
	return NULL;
}

static struct end *add(uint32_t slot, uint32_t serial)
{
	uint32_t room = all.room == 0 ? 16 : all.room * 2;
	struct end *items = all.items;

	if (all.n == all.room) {
		items = realloc(items, room * sizeof(*items));
		if (items == NULL)
			return NULL;
		all.items = items;
		all.room = room;
	}
	all.items[all.n] = (struct end){.slot = slot, .serial = serial};
	return &all.items[all.n++];
}

static void remove_end(struct end *end)
{
	*end = all.items[--all.n];
}

bool adopted_end(struct master *master, uint32_t slot, struct child_end *out)
{
	const struct worker_record *worker = &master->workers[slot];
	struct end *end = find(slot, worker->serial);
	bool known = end != NULL && end->until_ns == 0;

	if (known)
		*out = end->end;
	else
		known = sys_child_ended(worker->pidfd, out) == 1;
	if (!known && end == NULL) {
		/* It stays readable; and its end is told, or it is not. */
		end = add(slot, worker->serial);
		if (end != NULL) {
			(void)loop_remove(master->loop, worker->pidfd);
			end->until_ns = master->now_ns + PATIENCE_NS;
			return false;
		}
	}
	if (!known && end != NULL && master->now_ns < end->until_ns)
		return false;
	if (!known)
		*out = (struct child_end){.unknown = true};
	if (end != NULL)
		remove_end(end);
	return true;
}

void adopted_ended(struct master *master, uint32_t slot, uint32_t serial,
	const struct child_end *told)
{
	struct end *end = find(slot, serial);
	bool waited = end != NULL && end->until_ns != 0;

	if (end == NULL)
		end = add(slot, serial);
	if (end == NULL)
		return;
	end->until_ns = 0;
	end->end = *told;
	if (waited && worker_at(master, slot, serial) != NULL)
		worker_ended(master, slot);
}

void adopted_expire(struct master *master)
{
	for (uint32_t i = all.n; i-- > 0;) {
		const struct end end = all.items[i];

		if (end.until_ns == 0 || master->now_ns < end.until_ns)
			continue;
		if (worker_at(master, end.slot, end.serial) != NULL)
			worker_ended(master, end.slot);
		else
			remove_end(&all.items[i]);
	}
}

uint64_t adopted_deadline(void)
{
	uint64_t at_ns = LOOP_FOREVER;

	for (uint32_t i = 0; i < all.n; i++)
		if (all.items[i].until_ns != 0 && all.items[i].until_ns < at_ns)
			at_ns = all.items[i].until_ns;
	return at_ns;
}
