/* SPDX-License-Identifier: MIT */
#include "master/close.h"

#include <stdlib.h>

#include "master/channel.h"
#include "master/edition.h"
#include "master/keep.h"
#include "master/listeners.h"
#include "master/log.h"
#include "master/master.h"
#include "master/page.h"
#include "master/services.h"
#include "master/shared.h"
#include "master/trial.h"

/* They go when they like; nobody can knock at their listeners any more. */
static void say_leftovers(const struct service_state *service)
{
	struct log_line line;

	log_begin(&line, MESSAGE_LEFT_OVER);
	log_text(&line, "service", service->row->name);
	log_number(&line, "channels", service->leftovers);
	log_end(&line);
}

void service_close(struct master *master, uint32_t id)
{
	struct service_state *service = service_of(master, id);

	if (service->edition == NULL)
		return;
	trial_drop(master, id);
	for (unsigned i = 0; i < service->listeners_n; i++)
		listener_close(master, &service->listeners[i]);
	free(service->listeners);
	if (service->leftovers > 0)
		say_leftovers(service);
	leftovers_close(master, id);
	service_channels_close(master, id);
	page_close(master, service);
	program_release(&service->program);
	edition_drop(service->edition);
	keep_structure(master);
	if (id < master->services_hint)
		master->services_hint = id;
	*service = (struct service_state){.shared_fd = -1,
		.shared_worker_fd = -1,
		.flow = {-1, -1},
		.program = PROGRAM_NONE};
}
