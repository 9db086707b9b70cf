/* SPDX-License-Identifier: MIT */
#include "master/weigh.h"

#include <stdbool.h>

#include "base/number.h"
#include "core/core.h"
#include "core/view.h"
#include "master/inbox.h"
#include "master/master.h"
#include "master/records.h"
#include "master/services.h"
#include "sys/clock.h"
#include "sys/process.h"
#include "table/service.h"

#define EVERY_NS (250 * NS_PER_MS) /* one worker */
#define PATIENCE 100 /* the cost of one may be this part of the time */

static struct {
	uint64_t at_ns; /* the next turn; 0: none */
	uint32_t slot;	/* whose it is, or who comes after it */
	bool taken;	/* those with a client; else the idle ones */
} turn;

void weigh_begin(struct master *master)
{
	if (turn.at_ns == 0)
		turn.at_ns = master->now_ns + EVERY_NS;
}

uint64_t weigh_deadline(void)
{
	return turn.at_ns != 0 ? turn.at_ns : UINT64_MAX;
}

static const struct service *row_of(const struct master *master, uint32_t slot)
{
	const struct worker_record *worker = &master->workers[slot];
	const struct service_state *service;

	if (worker->serial == 0 || worker->pid == 0 ||
		worker->kind != KIND_WORKER)
		return NULL;
	service = service_of(master, worker->service);
	return service->edition != NULL && service->row->max_memory != 0
		       ? service->row
		       : NULL;
}

/* Is it to be measured in this turn? */
static bool has_turn(const struct master *master, uint32_t slot)
{
	struct view_worker view;

	return core_view_worker(master->core, slot, master->now_ns, &view) &&
	       view.serial == master->workers[slot].serial &&
	       view.wear == WEAR_NONE && !view.mute &&
	       view.state == (turn.taken ? WORKER_TAKEN : WORKER_READY);
}

/* Whoever is next in this turn; false: nobody is left. */
static bool find_next(const struct master *master)
{
	while (turn.slot < master->workers_high) {
		if (row_of(master, turn.slot) != NULL &&
			has_turn(master, turn.slot))
			return true;
		turn.slot++;
	}
	return false;
}

static bool is_anybody(const struct master *master)
{
	for (uint32_t slot = 0; slot < master->workers_high; slot++)
		if (row_of(master, slot) != NULL)
			return true;
	return false;
}

static void weigh(struct master *master, uint32_t slot)
{
	const struct worker_record *worker = &master->workers[slot];
	const struct service *row = row_of(master, slot);
	uint64_t bytes = 0, part = 0;
	int result = sys_process_resident(worker->pid, &bytes);

	/*
	 * Its part is no more than all of it, and takes the kernel far longer
	 * to tell. Without root we may not look into who hides himself.
	 */
	if (result == 0 && bytes > row->max_memory && !row->memory_rss &&
		sys_process_part(worker->pid, &part) == 0)
		bytes = part;
	if (result == 0 && bytes > row->max_memory)
		inbox_put(&master->inbox, &(struct event){.kind = EVENT_WORN,
						  .slot = slot,
						  .serial = worker->serial,
						  .wear = WEAR_MEMORY});
}

void weigh_expire(struct master *master)
{
	uint64_t cost_ns;

	if (turn.at_ns == 0 || master->now_ns < turn.at_ns)
		return;
	turn.at_ns = master->now_ns + EVERY_NS;
	if (!find_next(master)) {
		turn.slot = 0;
		turn.taken = !turn.taken;
		if (!is_anybody(master))
			turn.at_ns = 0;
		return;
	}
	weigh(master, turn.slot++);
	cost_ns = clock_now_ns() - master->now_ns;
	if (cost_ns > EVERY_NS / PATIENCE)
		turn.at_ns = master->now_ns + cost_ns * PATIENCE;
}
