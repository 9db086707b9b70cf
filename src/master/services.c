/* SPDX-License-Identifier: MIT */
#include "master/services.h"

#include <string.h>

#include "master/master.h"
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
	master->services[id] = (struct service_state){.shared_fd = -1,
		.shared_worker_fd = -1,
		.flow = {-1, -1},
		.program = PROGRAM_NONE};
	return id;
}

const char *service_name(const struct master *master, uint32_t id)
{
	const struct service_state *service = service_of(master, id);

	return service->edition == NULL ? "?" : service->row->name;
}
