/* SPDX-License-Identifier: MIT */
#include "master/records.h"

#include <stddef.h>

#include "master/master.h"

struct worker_record *worker_at(
	struct master *master, uint32_t slot, uint32_t serial)
{
	struct worker_record *worker;

	if (slot >= master->limits.workers_max)
		return NULL;
	worker = &master->workers[slot];
	return worker->serial == serial && serial != 0 ? worker : NULL;
}

uint32_t worker_by_pid(const struct master *master, int pid)
{
	for (uint32_t slot = 0; slot < master->workers_high; slot++)
		if (master->workers[slot].serial != 0 &&
			master->workers[slot].pid == pid)
			return slot;
	return UINT32_MAX;
}
