/* SPDX-License-Identifier: MIT */
#include "master/listeners.h"

#include "base/text.h"
#include "master/master.h"
#include "master/personality.h"
#include "master/records.h"
#include "master/services.h"
#include "sys/locks.h"
#include "sys/process.h"

/*
 * Postfix's workers take turns: who holds the accept lock may wait for a
 * client, and the others sleep until it lets go. One that is stopped meanwhile
 * makes its service deaf, and starting more is no help (MECHANISMS B2).
 */

#define HOLDERS_MAX 8 /* one, unless devices have files of one number */

static bool is_stopped_worker(
	const struct master *master, uint32_t service, int pid)
{
	uint32_t slot = worker_by_pid(master, pid);
	struct process process;

	return slot != UINT32_MAX && master->workers[slot].service == service &&
	       sys_process(pid, &process) == 0 &&
	       (process.state == 'T' || process.state == 't');
}

/* The slot of the worker of SERVICE that holds the lock, or UINT32_MAX. */
static uint32_t find_holder(const struct master *master, uint32_t service)
{
	int pids[HOLDERS_MAX];
	char path[4096];
	struct text_builder text;
	int n;

	text_builder_init(&text, path, sizeof(path));
	if (master->personality->accept_lock == NULL ||
		!master->personality->accept_lock(master, service, &text))
		return UINT32_MAX;
	n = sys_lock_holders(path, pids, HOLDERS_MAX);
	for (int i = 0; i < n; i++)
		if (is_stopped_worker(master, service, pids[i]))
			return worker_by_pid(master, pids[i]);
	return UINT32_MAX;
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
