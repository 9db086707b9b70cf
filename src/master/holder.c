/* SPDX-License-Identifier: MIT */
#include "master/listeners.h"

#include "base/text.h"
#include "master/master.h"
#include "master/personality.h"
#include "master/records.h"
#include "master/services.h"
#include "sys/locks.h"

/*
 * Postfix's workers take turns: who holds the accept lock may wait for a
 * client, and the others sleep until it lets go. One that is stopped meanwhile
 * makes its service deaf, and starting more is no help (MECHANISMS B2).
 */

/* The slot of the worker of SERVICE that holds the lock, or UINT32_MAX. */
static uint32_t find_holder(const struct master *master, uint32_t service)
{
	char path[4096];
	struct text_builder text;
	uint32_t slot;
	int pid;

	text_builder_init(&text, path, sizeof(path));
	if (master->personality->accept_lock == NULL ||
		!master->personality->accept_lock(master, service, &text) ||
		sys_lock_holder(path, &pid) != 1)
		return UINT32_MAX;
	slot = worker_by_pid(master, pid);
	if (slot == UINT32_MAX || master->workers[slot].service != service ||
		sys_process_stopped(pid) != 1)
		return UINT32_MAX;
	return slot;
}

/* Seen stopped at two verdicts in a row: it was for as long as patience is. */
void listeners_examine(struct master *master, uint32_t service)
{
	struct service_state *state = service_of(master, service);
	uint32_t slot = find_holder(master, service);
	uint32_t before = state->stopped_serial;

	state->stopped_serial =
		slot == UINT32_MAX ? 0 : master->workers[slot].serial;
	if (slot != UINT32_MAX && before == state->stopped_serial)
		inbox_put_worker(&master->inbox, EVENT_STOPPED, slot, before);
}
