/* SPDX-License-Identifier: MIT */
#include "master/close.h"

#include <stdlib.h>

#include "master/channel.h"
#include "master/edition.h"
#include "master/listeners.h"
#include "master/master.h"
#include "master/page.h"
#include "master/services.h"
#include "master/shared.h"

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
	page_close(master, service);
	edition_drop(service->edition);
	if (id < master->services_hint)
		master->services_hint = id;
	*service = (struct service_state){
		.shared_fd = -1, .shared_worker_fd = -1, .flow = {-1, -1}};
}
