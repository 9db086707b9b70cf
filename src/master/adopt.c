/* SPDX-License-Identifier: MIT */
#include "master/adopt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "core/save.h"
#include "core/view.h"
#include "master/channel.h"
#include "master/control.h"
#include "master/edition.h"
#include "master/handover_lines.h"
#include "master/log.h"
#include "master/master.h"
#include "master/molds.h"
#include "master/page_save.h"
#include "master/reload.h"
#include "master/upgrade.h"
#include "sys/clock.h"
#include "sys/memory.h"
#include "table/table.h"

/*
 * All that is memory. Descriptors, and what follows from them, are in
 * adopt_take.c.
 */
struct loading {
	struct master *master;
	struct saved_reader reader;
	struct edition **editions; /* owned; used once by us */
	uint32_t editions_n;
	uint32_t in_force; /* of them, from 1 */
};

static bool refuse(struct loading *loading, const char *problem)
{
	return saved_refuse(&loading->reader, problem);
}

static bool load_master(struct loading *loading)
{
	struct master *master = loading->master;
	struct master_line line = {.pid = 0};

	if (!saved_take(&loading->reader, &master_kind, &line))
		return false;
	if (line.runtime_directory == NULL || line.version == NULL ||
		line.workers_max == 0 || line.edition == 0 ||
		line.edition > line.editions ||
		!molds_set_elders(line.elders_unknown	? NULL
				  : line.elders == NULL ? ""
							: line.elders))
		return refuse(loading, "that is no master");
	upgrade_before(line.version, line.binary, line.pid);
	master->runtime_directory = strdup(line.runtime_directory);
	loading->editions = calloc(line.editions, sizeof(*loading->editions));
	if (master->runtime_directory == NULL || loading->editions == NULL ||
		master_room(master, line.workers_max) < 0)
		return refuse(loading, "no memory");
	loading->editions_n = line.editions;
	loading->in_force = line.edition;
	master->nofile_soft = line.nofile_soft;
	master->started_ns = line.started_ns;
	master->strangers = line.strangers;
	master->tables = line.tables;
	master->stopping = line.stopping;
	master->hurried = line.hurried;
	reload_set_counts(master, line.reloads, line.reload_failures);
	log_set_dropped(line.log_dropped);
	return true;
}

static bool load_editions(struct loading *loading)
{
	for (uint32_t i = 0; i < loading->editions_n; i++) {
		loading->editions[i] = edition_load(&loading->reader);
		if (loading->editions[i] == NULL)
			return false;
	}
	loading->master->edition = loading->editions[loading->in_force - 1];
	edition_use(loading->master->edition);
	return true;
}

static bool load_listeners(
	struct loading *loading, struct service_state *state, uint32_t id)
{
	const struct service *row = state->row;

	if (state->listeners_n != row->endpoints_n)
		return refuse(loading, "each endpoint has its listener");
	state->listeners =
		calloc(state->listeners_n, sizeof(*state->listeners));
	if (state->listeners == NULL)
		return refuse(loading, "no memory");
	for (unsigned i = 0; i < state->listeners_n; i++) {
		struct listener_line line = {.index = 0};

		if (!saved_take(&loading->reader, &listener_kind, &line))
			return false;
		if (line.service != id || line.index != i)
			return refuse(loading, "a listener of another service");
		state->listeners[i] = line.listener;
		state->listeners[i].fd = -1;
		state->listeners[i].endpoint = &row->endpoints[i];
	}
	loading->master->listeners_n += state->listeners_n;
	return true;
}

static bool load_service(struct loading *loading)
{
	struct master *master = loading->master;
	struct service_line line = {.id = 0};
	struct service_state *state;

	if (!saved_take(&loading->reader, &service_kind, &line))
		return false;
	state = service_of(master, line.id);
	if (state->edition != NULL || line.edition == 0 ||
		line.edition > loading->editions_n ||
		line.row >=
			loading->editions[line.edition - 1]->table->services_n)
		return refuse(loading, "a service of no edition");
	*state = line.state;
	(void)snprintf(state->refusal.why, sizeof(state->refusal.why), "%s",
		line.why == NULL ? "" : line.why);
	state->edition = loading->editions[line.edition - 1];
	edition_use(state->edition);
	state->row = &state->edition->table->services[line.row];
	state->shared_fd = state->shared_worker_fd = -1;
	state->flow[0] = state->flow[1] = -1;
	state->program.fd = -1;
	if (line.id >= master->services_high)
		master->services_high = line.id + 1;
	return load_listeners(loading, state, line.id) &&
	       pages_load(state, line.pages, &loading->reader);
}

/* Numbers that were never used have no descriptors either. */
static void fill_gaps(struct master *master)
{
	for (uint32_t id = 0; id < master->services_high; id++)
		if (service_of(master, id)->edition == NULL)
			*service_of(master, id) =
				(struct service_state){.shared_fd = -1,
					.shared_worker_fd = -1,
					.flow = {-1, -1},
					.program = PROGRAM_NONE};
}

static bool load_worker(struct loading *loading)
{
	struct master *master = loading->master;
	struct worker_line line = {.slot = 0};
	struct worker_record *worker;
	struct service_state *state;

	if (!saved_take(&loading->reader, &worker_kind, &line))
		return false;
	worker = worker_at(master, line.slot, 0) == NULL &&
				 line.slot < master->limits.workers_max
			 ? &master->workers[line.slot]
			 : NULL;
	state = service_of(master, line.worker.service);
	if (worker == NULL || worker->serial != 0 || line.worker.serial == 0 ||
		state->edition == NULL ||
		(line.worker.pid != 0 && line.worker.queued))
		return refuse(loading, "that is no worker");
	*worker = line.worker;
	worker->pidfd = worker->channel = -1;
	worker->page = page_of_number(state, line.page);
	if (line.slot >= master->workers_high)
		master->workers_high = line.slot + 1;
	if ((worker->page == NULL) != (line.page == 0) ||
		(worker->page != NULL &&
			!page_seat(
				worker->page, worker->page_place, line.slot)))
		return refuse(loading, "a worker has no such place in a page");
	return true;
}

static bool load_workers(struct loading *loading)
{
	struct master *master = loading->master;

	while (saved_is(&loading->reader, &worker_kind))
		if (!load_worker(loading))
			return false;
	for (uint32_t id = 0; id < master->services_high; id++)
		if (!pages_are_whole(service_of(master, id)))
			return refuse(loading, "a place in a page is nobody's");
	return true;
}

static bool load_core(struct loading *loading)
{
	struct master *master = loading->master;
	struct core_limits limits;

	if (!core_saved_limits(&loading->reader, &limits) ||
		limits.workers_max != master->limits.workers_max ||
		limits.services_max != master->limits.services_max)
		return refuse(loading, "the core has other limits");
	master->limits = limits;
	master->core = core_load(
		master->core_memory, &limits, &loading->reader, master->now_ns);
	return master->core != NULL;
}

/* The core frees a slot when it has heard that we have, and never before. */
static bool are_the_cores(struct loading *loading)
{
	const struct master *master = loading->master;
	struct view_worker view;

	for (uint32_t slot = 0; slot < master->workers_high; slot++)
		if (master->workers[slot].serial != 0 &&
			(!core_view_worker(
				 master->core, slot, master->now_ns, &view) ||
				view.serial != master->workers[slot].serial ||
				view.service != master->workers[slot].service))
			return refuse(loading, "a worker is not the core's");
	return true;
}

static bool load_all(struct loading *loading)
{
	if (!load_master(loading) || !load_editions(loading))
		return false;
	while (saved_is(&loading->reader, &service_kind))
		if (!load_service(loading))
			return false;
	fill_gaps(loading->master);
	return load_workers(loading) &&
	       leftovers_load(loading->master, &loading->reader) &&
	       control_load(loading->master, &loading->reader) &&
	       load_core(loading) && are_the_cores(loading) &&
	       (saved_is_end(&loading->reader) ||
		       refuse(loading, "there is more than a core"));
}

bool adopt_load(
	struct master *master, struct text state, const char **out_problem)
{
	struct loading loading = {.master = master};
	struct arena *arena = arena_create(0);
	bool good = false;

	*out_problem = "no memory";
	if (arena == NULL)
		return false;
	master->now_ns = clock_now_ns();
	if (saved_open(&loading.reader, state, HANDOVER_FORMAT,
		    HANDOVER_VERSION, arena))
		good = load_all(&loading);
	for (uint32_t i = 0; loading.editions != NULL && i < loading.editions_n;
		i++)
		edition_drop(loading.editions[i]);
	free(loading.editions);
	arena_destroy(arena);
	if (loading.reader.problem != NULL)
		*out_problem = loading.reader.problem;
	return good;
}
