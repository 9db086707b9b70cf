/* SPDX-License-Identifier: MIT */
#include "master/services.h"

#include <stdlib.h>
#include <string.h>

#include "master/channel.h"
#include "master/edition.h"
#include "master/listeners.h"
#include "master/master.h"
#include "sys/channel.h"
#include "sys/fd.h"
#include "sys/loop.h"
#include "sys/net.h"
#include "table/service.h"

struct service_state *service_of(const struct master *master, uint32_t id)
{
	return &master->services[id];
}

uint32_t service_find(const struct master *master, const char *name)
{
	for (uint32_t id = 0; id < master->services_high; id++)
		if (master->services[id].edition != NULL &&
			strcmp(master->services[id].row->name, name) == 0)
			return id;
	return UINT32_MAX;
}

uint32_t service_fresh(struct master *master)
{
	uint32_t id = master->services_hint;

	while (id < master->services_high &&
		master->services[id].edition != NULL)
		id++;
	master->services_hint = id;
	if (id == SERVICES_MAX)
		return UINT32_MAX;
	if (id == master->services_high)
		master->services_high++;
	master->services[id] = (struct service_state){
		.shared_fd = -1, .shared_worker_fd = -1, .flow = {-1, -1}};
	return id;
}

void service_close(struct master *master, uint32_t id)
{
	struct service_state *service = service_of(master, id);

	if (service->edition == NULL)
		return;
	for (unsigned i = 0; i < service->listeners_n; i++)
		listener_close(master, &service->listeners[i]);
	free(service->listeners);
	leftovers_close(master, id);
	service_channels_close(master, id);
	edition_drop(service->edition);
	if (id < master->services_hint)
		master->services_hint = id;
	*service = (struct service_state){
		.shared_fd = -1, .shared_worker_fd = -1, .flow = {-1, -1}};
}

static int open_shared(struct master *master, uint32_t id)
{
	struct service_state *service = service_of(master, id);
	int pair[2];
	int result = sys_channel_pair(pair, true);

	if (result < 0)
		return result;
	result = loop_add(master->loop, pair[0], LOOP_IN,
		tag_make(TAG_SHARED, id, service->shared_serial + 1));
	if (result < 0) {
		fd_close(&pair[0]);
		fd_close(&pair[1]);
		return result;
	}
	service->shared_serial++;
	service->shared_fd = pair[0];
	service->shared_worker_fd = pair[1];
	return 0;
}

int service_channels_open(struct master *master, uint32_t id)
{
	struct service_state *service = service_of(master, id);
	bool shared = service->row->channel == CHANNEL_SHARED;

	if (service->row->flow && service->flow[0] < 0) {
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
	fd_close(&service->shared_fd);
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
	(void)loop_remove(master->loop, service->shared_fd);
	fd_close(&service->shared_worker_fd);
	(void)sys_shutdown(service->shared_fd, SHUT_WR);
	leftover_add_shared(master, id, fd_take(&service->shared_fd));
	if (service->row->channel == CHANNEL_SHARED)
		(void)open_shared(master, id); /* tried again at a start */
}
