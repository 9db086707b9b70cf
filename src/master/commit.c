/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "master/edition.h"
#include "master/keep.h"
#include "master/listeners.h"
#include "master/master.h"
#include "master/personality.h"
#include "master/plan.h"
#include "master/shared.h"
#include "master/store.h"
#include "master/trial.h"
#include "master/weigh.h"
#include "sys/fd.h"
#include "sys/loop.h"
#include "sys/net.h"
#include "table/table.h"

/*
 * The second phase of a reload. Only putting names into place can still fail,
 * so that comes first, and is undone if it does.
 */

static unsigned rows_n(const struct plan *plan)
{
	return plan->edition->table->services_n;
}

static const struct service *row_of(const struct plan *plan, unsigned i)
{
	return &plan->edition->table->services[i];
}

static void complain(
	struct diags *diags, const struct service *row, unsigned i, int error)
{
	const struct endpoint *endpoint = &row->endpoints[i];

	diags_add(diags,
		&(struct diag){.severity = DIAG_ERROR,
			.file = endpoint->file,
			.line = endpoint->line,
			.service = row->name,
			.problem = strerror(error),
			.remedy = "the name could not be put into place"});
}

static int protect(const struct plan *plan, const struct plan_endpoint *made,
	const struct edition *edition, const struct service *row)
{
	return listener_protect(&service_of(plan->master, made->service)
					 ->listeners[made->index],
		row, edition_sockets(edition, row));
}

static int put_name(const struct plan *plan, const struct service *row,
	struct plan_endpoint *made)
{
	if (made->listener.endpoint->path == NULL)
		return 0;
	if (made->listener.stored) /* and had its name from another master */
		return listener_protect(&made->listener, row,
			edition_sockets(plan->edition, row));
	if (made->source == PLAN_NEW)
		return listener_commit(&made->listener.maker, &made->named);
	return made->protect ? protect(plan, made, plan->edition, row) : 0;
}

static void take_name_back(
	const struct plan *plan, const struct plan_endpoint *made)
{
	const struct service_state *state;

	if (made->listener.endpoint->path == NULL)
		return;
	if (made->source == PLAN_NEW && made->named.directory < 0)
		listener_unlink(&made->listener);
	if (made->source == PLAN_NEW || !made->protect)
		return;
	state = service_of(plan->master, made->service);
	(void)protect(plan, made, state->edition, state->row);
}

static void take_names_back(const struct plan *plan, unsigned rows)
{
	for (unsigned i = 0; i <= rows && i < rows_n(plan); i++)
		for (unsigned n = 0; plan->rows[i].endpoints != NULL &&
				     n < row_of(plan, i)->endpoints_n;
			n++)
			take_name_back(plan, &plan->rows[i].endpoints[n]);
}

static bool put_names(struct plan *plan, struct diags *diags)
{
	for (unsigned i = 0; i < rows_n(plan); i++) {
		const struct service *row = row_of(plan, i);
		struct plan_endpoint *endpoints = plan->rows[i].endpoints;

		for (unsigned n = 0; endpoints != NULL && n < row->endpoints_n;
			n++) {
			int result = put_name(plan, row, &endpoints[n]);

			if (result == 0)
				continue;
			complain(diags, row, n, -result);
			take_names_back(plan, i);
			return false;
		}
	}
	return true;
}

/* The descriptor moves; what it was before has none. */
static struct listener move_listener(
	const struct plan *plan, struct plan_endpoint *endpoint)
{
	struct listener moved = endpoint->listener;
	struct listener *from;

	if (endpoint->source == PLAN_NEW) {
		moved.fd = fd_take(&endpoint->listener.fd);
		return moved;
	}
	from = &service_of(plan->master, endpoint->service)
			->listeners[endpoint->index];
	moved.fd = fd_take(&from->fd);
	moved.dev = from->dev;
	moved.ino = from->ino;
	moved.maker = from->maker;
	moved.passed = from->passed;
	moved.stored = from->stored;
	return moved;
}

/* What the new row does not want goes down when nobody waits there. */
static void doom_rest(struct master *master, struct service_state *state)
{
	for (unsigned i = 0; i < state->listeners_n; i++)
		listener_doom(master, &state->listeners[i]);
}

static void replace_listeners(
	struct plan *plan, unsigned i, struct listener *moved, uint32_t id)
{
	struct service_state *state = service_of(plan->master, id);
	const struct service *row = row_of(plan, i);

	doom_rest(plan->master, state);
	free(state->listeners);
	state->listeners = moved;
	state->listeners_n = row->endpoints_n;
}

/* Settings of the listener itself: it may have been another service's. */
static void adjust(const struct service_state *state, const struct service *row,
	const struct plan_endpoint *made)
{
	for (unsigned i = 0; i < state->listeners_n; i++) {
		int fd = state->listeners[i].fd;
		enum endpoint_kind kind = row->endpoints[i].kind;

		if (fd < 0 || (made != NULL && made[i].source == PLAN_NEW))
			continue;
		if (kind == ENDPOINT_INET || kind == ENDPOINT_UNIX)
			(void)sys_listen_again(fd, (int)row->backlog);
		(void)fd_nonblocking(fd, row->nonblocking);
	}
}

void row_in_force(
	struct master *master, uint32_t id, const struct row_place *place)
{
	struct service_state *state = service_of(master, id);
	struct edition *before = state->edition;

	state->row = place->row;
	state->edition = place->edition;
	edition_use(place->edition);
	program_release(&state->program);
	state->program = program_take(place->program);
	for (unsigned n = 0; n < state->listeners_n; n++)
		state->listeners[n].endpoint = &place->row->endpoints[n];
	if (place->adjust)
		adjust(state, place->row, place->made);
	edition_drop(before);
}

static void enforce(struct plan *plan, unsigned i, uint32_t id)
{
	struct service_state *state = service_of(plan->master, id);

	trial_drop(plan->master, id);
	row_in_force(plan->master, id,
		&(struct row_place){.edition = plan->edition,
			.row = row_of(plan, i),
			.program = &plan->rows[i].program,
			.made = plan->rows[i].endpoints,
			.adjust = plan->rows[i].change != ROW_SAME});
	/* Without its channels no worker starts, and says why. */
	(void)service_channels_open(plan->master, id);
	if (plan->rows[i].endpoints != NULL)
		listeners_watch(plan->master, id, state->watching);
}

static void put_row(struct plan *plan, unsigned i, uint32_t id)
{
	enum row_change change = plan->master->personality->reload_replaces
					 ? ROW_CHANGED
					 : plan->rows[i].change;

	inbox_put(&plan->master->inbox,
		&(struct event){.kind = EVENT_ROW,
			.service = id,
			.change = change,
			.trial = plan->rows[i].trial,
			.policy = row_of(plan, i)->policy});
}

/* What is tried changes nothing yet. */
static void commit_row(
	struct plan *plan, unsigned i, struct listener *moved, uint32_t id)
{
	if (moved != NULL)
		replace_listeners(plan, i, moved, id);
	if (plan->rows[i].trial)
		trial_begin(plan, i);
	else
		enforce(plan, i, id);
	service_of(plan->master, id)->table = plan->master->tables + 1;
	put_row(plan, i, id);
}

static uint32_t id_for(struct plan *plan, unsigned i)
{
	if (plan->rows[i].id != UINT32_MAX)
		return plan->rows[i].id;
	return service_fresh(plan->master);
}

static void count_listeners(struct master *master)
{
	master->listeners_n = 0;
	for (uint32_t id = 0; id < master->services_high; id++)
		master->listeners_n += service_of(master, id)->listeners_n;
}

bool plan_commit(struct plan *plan, struct diags *diags)
{
	unsigned n = rows_n(plan);
	struct listener **moved = calloc(n + 1, sizeof(*moved));

	for (unsigned i = 0; moved != NULL && i < n; i++) {
		if (plan->rows[i].endpoints == NULL)
			continue;
		moved[i] =
			calloc(row_of(plan, i)->endpoints_n, sizeof(**moved));
		assert(moved[i] != NULL);
	}
	if (moved == NULL || !put_names(plan, diags)) {
		for (unsigned i = 0; moved != NULL && i < n; i++)
			free(moved[i]);
		free(moved);
		return false;
	}
	/* All moves first: one service's may be another's place. */
	for (unsigned i = 0; i < n; i++)
		for (unsigned e = 0;
			moved[i] != NULL && e < row_of(plan, i)->endpoints_n;
			e++)
			moved[i][e] = move_listener(
				plan, &plan->rows[i].endpoints[e]);
	for (unsigned i = 0; i < n; i++)
		commit_row(plan, i, moved[i], id_for(plan, i));
	count_listeners(plan->master);
	keep_structure(plan->master);
	free(moved);
	inbox_put_kind(&plan->master->inbox, EVENT_TABLE);
	weigh_begin(plan->master);
	store_changed();
	return true;
}
