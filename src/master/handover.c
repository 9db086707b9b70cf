/* SPDX-License-Identifier: MIT */
#include "master/handover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/save.h"
#include "master/channel.h"
#include "master/control.h"
#include "master/edition.h"
#include "master/handover_lines.h"
#include "master/holdings.h"
#include "master/keep_socket.h"
#include "master/log.h"
#include "master/master.h"
#include "master/molds.h"
#include "master/page_save.h"
#include "master/reload.h"
#include "master/upgrade.h"
#include "sys/memory.h"
#include "table/table.h"

#define TEXT_FIRST ((size_t)1 << 20)

/* Those in use, each once: the one in force is the first. */
struct editions {
	const struct edition **items; /* owned */
	uint32_t n;
};

static uint32_t number_of(
	const struct editions *editions, const struct edition *edition)
{
	for (uint32_t i = 0; i < editions->n; i++)
		if (editions->items[i] == edition)
			return i + 1;
	return 0;
}

static void note(struct editions *editions, const struct edition *edition)
{
	if (edition != NULL && number_of(editions, edition) == 0)
		editions->items[editions->n++] = edition;
}

static bool find_editions(
	const struct master *master, struct editions *editions)
{
	editions->n = 0;
	editions->items =
		calloc(master->services_high + 1, sizeof(*editions->items));
	if (editions->items == NULL)
		return false;
	note(editions, master->edition);
	for (uint32_t id = 0; id < master->services_high; id++)
		note(editions, service_of(master, id)->edition);
	return true;
}

static void save_master(const struct master *master,
	const struct editions *editions, struct text_builder *out)
{
	char elders[MOLDS_ELDERS_ROOM];
	struct master_line line = {.version = upgrade_version(),
		.binary = upgrade_binary(),
		.runtime_directory = master->runtime_directory,
		.elders = elders,
		.pid = upgrade_pid(),
		.workers_max = master->limits.workers_max,
		.editions = editions->n,
		.edition = number_of(editions, master->edition),
		.nofile_soft = master->nofile_soft,
		.started_ns = master->started_ns,
		.tables = master->tables,
		.strangers = master->strangers,
		.reloads = reload_count(master),
		.reload_failures = reload_failures(master),
		.log_dropped = log_dropped(),
		.stopping = master->stopping,
		.hurried = master->hurried};

	line.elders_unknown = !molds_elders(elders);
	saved_put(out, &master_kind, &line);
}

static void save_listener(const struct listener *listener, uint32_t service,
	uint32_t index, struct text_builder *out)
{
	const struct listener_line line = {
		.service = service, .index = index, .listener = *listener};

	saved_put(out, &listener_kind, &line);
}

static void save_service(const struct master *master,
	const struct editions *editions, uint32_t id, struct text_builder *out)
{
	const struct service_state *state = service_of(master, id);
	struct service_line line = {.id = id,
		.edition = number_of(editions, state->edition),
		.why = state->refusal.why[0] == '\0' ? NULL
						     : state->refusal.why,
		.state = *state};

	line.row = (uint32_t)(state->row - state->edition->table->services);
	line.pages = pages_count(state);
	saved_put(out, &service_kind, &line);
	for (unsigned i = 0; i < state->listeners_n; i++)
		save_listener(&state->listeners[i], id, i, out);
	pages_save(state, id, out);
}

static void save_worker(
	const struct master *master, uint32_t slot, struct text_builder *out)
{
	const struct worker_record *worker = &master->workers[slot];
	const struct worker_line line = {.slot = slot,
		.page = page_number(
			service_of(master, worker->service), worker->page),
		.worker = *worker};

	saved_put(out, &worker_kind, &line);
}

void handover_save(const struct master *master, struct text_builder *out)
{
	struct editions editions;

	if (!find_editions(master, &editions)) {
		out->overflow = true;
		return;
	}
	saved_begin(out, HANDOVER_FORMAT, HANDOVER_VERSION);
	save_master(master, &editions, out);
	for (uint32_t i = 0; i < editions.n; i++)
		edition_save(editions.items[i], out);
	for (uint32_t id = 0; id < master->services_high; id++)
		if (service_of(master, id)->edition != NULL)
			save_service(master, &editions, id, out);
	for (uint32_t slot = 0; slot < master->workers_high; slot++)
		if (master->workers[slot].serial != 0)
			save_worker(master, slot, out);
	leftovers_save(master, out);
	control_save(master, out);
	core_save(master->core, out);
	saved_end(out);
	free(editions.items);
}

int handover_text(const struct master *master, char **out, size_t *out_n)
{
	for (size_t size = TEXT_FIRST; size <= HANDOVER_MAX; size *= 4) {
		char *buffer = malloc(size);
		struct text_builder text;

		if (buffer == NULL)
			break;
		text_builder_init(&text, buffer, size);
		handover_save(master, &text);
		if (!text.overflow) {
			*out = buffer;
			*out_n = text.n;
			return 0;
		}
		free(buffer);
	}
	return -ENOMEM;
}

static void hold_service(const struct service_state *state, uint32_t id,
	struct holdings *holdings)
{
	for (unsigned i = 0; i < state->listeners_n; i++)
		holdings_add(holdings, state->listeners[i].fd, "listener.%u.%u",
			id, i);
	holdings_add(holdings, state->shared_fd, "shared.%u.%u.0", id,
		state->shared_serial);
	holdings_add(holdings, state->shared_worker_fd, "shared.%u.%u.1", id,
		state->shared_serial);
	for (unsigned i = 0; i < 2; i++)
		holdings_add(holdings, state->flow[i], "flow.%u.%u", id, i);
	holdings_add(holdings, state->program.fd, "program.%u", id);
	pages_hold(state, id, holdings);
}

static void hold_worker(const struct worker_record *worker, uint32_t slot,
	struct holdings *holdings)
{
	char name[HOLDING_NAME_MAX];

	holding_of_worker(name, "worker", slot, worker);
	holdings_add(holdings, worker->channel, "%s", name);
	holding_of_worker(name, "pidfd", slot, worker);
	holdings_add(holdings, worker->pidfd, "%s", name);
}

void handover_hold(const struct master *master, struct holdings *holdings)
{
	for (uint32_t id = 0; id < master->services_high; id++)
		if (service_of(master, id)->edition != NULL)
			hold_service(service_of(master, id), id, holdings);
	for (uint32_t slot = 0; slot < master->workers_high; slot++)
		if (master->workers[slot].serial != 0)
			hold_worker(&master->workers[slot], slot, holdings);
	leftovers_hold(master, holdings);
	control_hold(master, holdings);
	holdings_add(holdings, master->lock_fd, "lock");
	holdings_add(holdings, keep_socket_fd(master), "keeper");
}
