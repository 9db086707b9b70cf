/* SPDX-License-Identifier: MIT */
#include "master/records.h"

#include <stddef.h>

#include "master/master.h"
#include "master/services.h"

#define OVER_MAX (UINT64_C(1) << 48) /* more is a lie */

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

void worker_refused(
	struct master *master, struct worker_record *worker, uint64_t over)
{
	if (over <= worker->page_over || over > OVER_MAX)
		return;
	service_of(master, worker->service)->over += over - worker->page_over;
	worker->page_over = over;
}

uint32_t worker_news(struct master *master, uint32_t slot)
{
	struct worker_record *worker = &master->workers[slot];
	uint64_t news = worker->page_news;

	worker->page_news = 0;
	return news > UINT32_MAX ? UINT32_MAX : (uint32_t)news;
}
