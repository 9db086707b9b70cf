/* SPDX-License-Identifier: MIT */
#include "master/shared.h"

#include <stdbool.h>
#include <sys/socket.h>

#include "master/channel.h"
#include "master/keep.h"
#include "master/master.h"
#include "master/records.h"
#include "master/services.h"
#include "sys/channel.h"
#include "sys/fd.h"
#include "sys/loop.h"
#include "sys/net.h"
#include "table/service.h"

static int open_shared(struct master *master, uint32_t id)
{
	struct service_state *service = service_of(master, id);
	int pair[2];
	int result = sys_channel_pair(pair, true);

	if (result < 0)
		return result;
	result = loop_add(master->loop, pair[0], LOOP_IN | LOOP_RDHUP,
		tag_make(TAG_SHARED, id, service->shared_serial + 1));
	if (result < 0) {
		fd_close(&pair[0]);
		fd_close(&pair[1]);
		return result;
	}
	service->shared_serial++;
	service->shared_fd = pair[0];
	keep_structure(master);
	service->shared_worker_fd = pair[1];
	return 0;
}

int service_channels_open(struct master *master, uint32_t id)
{
	struct service_state *service = service_of(master, id);
	bool shared = service->row->channel == CHANNEL_SHARED;

	if (master->flow[0] >= 0) {
		/* One for all, and it is there. */
	} else if (service->row->flow && service->flow[0] < 0) {
		int result = sys_pipe(service->flow, true);

		if (result < 0)
			return result;
	} else if (!service->row->flow) {
		fd_close(&service->flow[0]);
		fd_close(&service->flow[1]);
	}
	if (shared && service->shared_fd < 0)
		return open_shared(master, id);
	if (!shared)
		service_retire_shared(master, id);
	return 0;
}

void service_channels_close(struct master *master, uint32_t id)
{
	struct service_state *service = service_of(master, id);

	fd_close(&service->flow[0]);
	fd_close(&service->flow[1]);
	if (service->shared_fd >= 0)
		(void)loop_remove(master->loop, service->shared_fd);
	sys_channel_close(&service->shared_fd);
	fd_close(&service->shared_worker_fd);
}

/*
 * The old channel becomes a leftover, but its workers are heard until the
 * last has closed it: one may have taken a client a moment ago.
 */
void service_retire_shared(struct master *master, uint32_t id)
{
	struct service_state *service = service_of(master, id);

	if (service->shared_fd < 0)
		return;
	keep_structure(master);
	(void)loop_remove(master->loop, service->shared_fd);
	fd_close(&service->shared_worker_fd);
	(void)sys_shutdown(service->shared_fd, SHUT_WR);
	leftover_add_shared(master, id, fd_take(&service->shared_fd));
	if (service->row->channel == CHANNEL_SHARED)
		(void)open_shared(master, id); /* tried again at a start */
}

void service_shared_lost(struct master *master, uint32_t id)
{
	for (uint32_t slot = 0; slot < master->workers_high; slot++) {
		const struct worker_record *worker = &master->workers[slot];

		if (worker->serial != 0 && worker->shared &&
			worker->service == id)
			channel_mute(master, slot);
	}
	service_retire_shared(master, id);
}
