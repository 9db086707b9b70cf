/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/diag.h"
#include "base/text.h"
#include "core/view.h"
#include "master/client.h"
#include "master/control.h"
#include "master/edition.h"
#include "master/master.h"
#include "master/personality.h"
#include "master/place.h"
#include "master/plan.h"
#include "master/preview.h"
#include "master/records.h"
#include "master/services.h"
#include "proto/control.h"
#include "table/show.h"
#include "table/table.h"

/* A plan as records: service by service, and then the workers that go. */

#define ANSWER_MAX (UINT64_C(64) << 20)
#define VALUE_ROOM 2000u /* a longer one is cut */

/* What one service has workers leave for, by its number. */
struct telling {
	const struct plan *plan;
	struct text_builder *out;
	bool *goes; /* owned; [services_high] */
};

static void put_change(struct telling *t, const char *service, const char *how)
{
	struct control_record record;

	control_record_init(&record, CONTROL_CHANGE);
	record.change.service = service;
	record.change.how = how;
	control_put(t->out, &record);
}

static void put_socket(struct telling *t, const char *service, const char *what,
	const char *endpoint, const char *from)
{
	struct control_record record;

	control_record_init(&record, CONTROL_SOCKET);
	record.socket.service = service;
	record.socket.what = what;
	record.socket.endpoint = endpoint;
	record.socket.from = from;
	control_put(t->out, &record);
}

static const char *value_of(
	const struct service *row, unsigned field, char *buffer)
{
	struct text_builder text;

	text_builder_init(&text, buffer, VALUE_ROOM);
	row_put_value(&text, row, field);
	return buffer;
}

static void put_settings(struct telling *t, const struct service *before,
	const struct service *after)
{
	struct row_difference differences[ROW_DIFFERENCES_MAX];
	unsigned n = row_differences(before, after, differences);
	char old[VALUE_ROOM], new[VALUE_ROOM], name[64];
	struct control_record record;
	struct text_builder text;

	for (unsigned i = 0; i < n; i++) {
		text_builder_init(&text, name, sizeof(name));
		row_put_name(&text, differences[i].field);
		control_record_init(&record, CONTROL_SETTING);
		record.setting.service = after->name;
		record.setting.name = name;
		record.setting.before =
			value_of(before, differences[i].field, old);
		record.setting.after =
			value_of(after, differences[i].field, new);
		record.setting.replaces = differences[i].change != ROW_POLICY;
		control_put(t->out, &record);
	}
}

/* The same row, and yet it has changed: so what it executes has. */
static void put_program(struct telling *t, const struct plan_row *made,
	const struct service *before, const struct service *after)
{
	struct control_record record;

	if (made->endpoints != NULL || made->change < ROW_CHANGED ||
		row_compare(before, after) >= ROW_CHANGED)
		return;
	control_record_init(&record, CONTROL_SETTING);
	record.setting.service = after->name;
	record.setting.name = "program";
	record.setting.before = after->path;
	record.setting.after = "another file by now";
	record.setting.replaces = 1;
	control_put(t->out, &record);
}

/* By the row that continues its service, or by another one. */
static bool is_wanted(const struct plan *plan, const struct plan_row *made,
	const struct service *row, uint32_t id, unsigned index)
{
	const struct listener *listener =
		&service_of(plan->master, id)->listeners[index];
	const struct known *place = place_find(plan, listener->endpoint->text);

	for (unsigned i = 0; made != NULL && i < row->endpoints_n; i++)
		if (made->endpoints[i].source == PLAN_KEPT &&
			made->endpoints[i].index == index)
			return true;
	return place != NULL && place->taken && place->service == id &&
	       place->index == index;
}

/* MADE: the row that continues it; NULL: none does. */
static void put_closed(struct telling *t, const struct plan_row *made,
	const struct service *row, uint32_t id)
{
	const struct service_state *state = service_of(t->plan->master, id);

	for (unsigned i = 0; i < state->listeners_n; i++)
		if (state->listeners[i].fd >= 0 &&
			!is_wanted(t->plan, made, row, id, i))
			put_socket(t, state->row->name, "close",
				state->listeners[i].endpoint->text, NULL);
}

static void put_opened(struct telling *t, const struct plan_row *made,
	const struct service *row)
{
	for (unsigned i = 0; i < row->endpoints_n; i++) {
		const struct plan_endpoint *endpoint = &made->endpoints[i];

		if (endpoint->source == PLAN_NEW)
			put_socket(t, row->name, "open", row->endpoints[i].text,
				NULL);
		else if (endpoint->source == PLAN_TAKEN)
			put_socket(t, row->name, "take", row->endpoints[i].text,
				service_name(
					t->plan->master, endpoint->service));
	}
}

/* It was taken out of the table before: what is new is no change to it. */
static bool is_leaving(const struct master *master, uint32_t id)
{
	struct view_service view;

	return core_view_service(master->core, id, master->now_ns, &view) &&
	       view.state == POOL_LEAVING;
}

static void put_row(struct telling *t, unsigned i)
{
	const struct plan *plan = t->plan;
	const struct plan_row *made = &plan->rows[i];
	const struct service *row = &plan->edition->table->services[i];
	bool known = made->id != UINT32_MAX;

	put_change(t, row->name,
		known && is_leaving(plan->master, made->id)
			? "added"
			: plan_how(plan, i));
	if (known)
		put_program(
			t, made, service_of(plan->master, made->id)->row, row);
	if (known)
		put_settings(t, service_of(plan->master, made->id)->row, row);
	if (made->endpoints != NULL)
		put_opened(t, made, row);
	else if (!known)
		return;
	if (known && made->endpoints != NULL)
		put_closed(t, made, row, made->id);
	if (known)
		t->goes[made->id] = made->change > ROW_POLICY ||
				    plan->master->personality->reload_replaces;
}

static void put_removed(struct telling *t)
{
	const struct plan *plan = t->plan;

	for (unsigned i = 0; i < plan->known_n; i++) {
		const struct known *known = &plan->known[i];

		if (known->wanted || is_leaving(plan->master, known->service))
			continue;
		put_change(t, known->text, "removed");
		put_closed(t, NULL, NULL, known->service);
		t->goes[known->service] = true;
	}
}

static void put_workers(struct telling *t)
{
	static const char *const states[WORKER_STATES] = {
		[WORKER_STARTING] = "starting",
		[WORKER_READY] = "ready",
		[WORKER_TAKEN] = "taken"};
	const struct master *master = t->plan->master;
	struct control_record record;
	struct view_worker view;

	for (uint32_t slot = 0; slot < master->workers_high; slot++) {
		const struct worker_record *worker = &master->workers[slot];

		if (worker->serial == 0 || !t->goes[worker->service] ||
			!core_view_worker(
				master->core, slot, master->now_ns, &view) ||
			states[view.state] == NULL)
			continue;
		control_record_init(&record, CONTROL_WORKER);
		record.worker.service = service_name(master, worker->service);
		record.worker.pid = (uint64_t)worker->pid;
		record.worker.state = states[view.state];
		control_put(t->out, &record);
	}
}

static void put_all(struct telling *t, const struct diags *diags)
{
	put_removed(t);
	for (unsigned i = 0; i < t->plan->edition->table->services_n; i++)
		put_row(t, i);
	put_workers(t);
	answer_put_diags(diags, t->out);
	control_put_ok(t->out);
}

void preview_tell(struct client *client, const struct plan *plan,
	const struct diags *diags)
{
	struct text_builder out;
	struct telling t = {.plan = plan, .out = &out};
	size_t size = CHUNK;

	client->state = CLIENT_ENDING;
	t.goes = calloc(plan->master->services_high + 1, sizeof(*t.goes));
	while (t.goes != NULL && size <= ANSWER_MAX &&
		answer_begin_long(client, size, &out)) {
		put_all(&t, diags);
		if (!out.overflow) {
			answer_end(client, &out);
			free(t.goes);
			return;
		}
		size *= 4;
	}
	free(t.goes);
	answer_failed(client, CONTROL_CODE_FAILED, "there is no memory for it");
}

void preview_refuse(struct client *client, const struct diags *diags)
{
	struct text_builder out;
	size_t size = CHUNK;

	client->state = CLIENT_ENDING;
	while (size <= ANSWER_MAX && answer_begin_long(client, size, &out)) {
		answer_put_diags(diags, &out);
		control_put_failed(&out, CONTROL_CODE_FAILED,
			"a reload would be refused: the configuration has "
			"errors");
		if (!out.overflow) {
			answer_end(client, &out);
			return;
		}
		size *= 4;
	}
	answer_failed(client, CONTROL_CODE_FAILED, "there is no memory for it");
}
