/* SPDX-License-Identifier: MIT */
#include "master/drain.h"

#include <string.h>

#include "base/text.h"
#include "core/view.h"
#include "master/client.h"
#include "master/control.h"
#include "master/keep.h"
#include "master/log.h"
#include "master/master.h"
#include "master/services.h"
#include "proto/control.h"

static bool view_of(
	const struct master *master, uint32_t service, struct view_service *out)
{
	return core_view_service(master->core, service, master->now_ns, out);
}

static bool is_in_force(enum pool_state state)
{
	return state == POOL_UP || state == POOL_DRAINED;
}

/* The one that was asked for; UINT32_MAX: all. False: it was refused. */
static bool find_service(struct master *master, struct client *client,
	const char *name, uint32_t *out)
{
	struct view_service view;

	*out = UINT32_MAX;
	if (master->stopping) {
		answer_failed(
			client, CONTROL_CODE_BUSY, "the master is stopping");
		return false;
	}
	if (name[0] == '\0')
		return true;
	*out = service_find(master, name);
	if (*out == UINT32_MAX) {
		answer_no_service(master, client);
		return false;
	}
	if (view_of(master, *out, &view) && is_in_force(view.state))
		return true;
	answer_failed(
		client, CONTROL_CODE_FAILED, "the service is about to leave");
	return false;
}

static void say(
	const struct master *master, uint32_t service, enum message message)
{
	struct log_line line;

	log_begin(&line, message);
	log_text(&line, "service", service_name(master, service));
	log_end(&line);
}

/* Those of the table that are not as they should be. */
static void tell_core(
	struct master *master, uint32_t only, enum event_kind kind)
{
	enum pool_state before = kind == EVENT_DRAIN ? POOL_UP : POOL_DRAINED;
	struct view_service view;

	for (uint32_t id = 0; id < master->services_high; id++) {
		if ((only != UINT32_MAX && id != only) ||
			!view_of(master, id, &view) || view.state != before)
			continue;
		inbox_put(&master->inbox,
			&(struct event){.kind = kind, .service = id});
		say(master, id,
			kind == EVENT_DRAIN ? MESSAGE_SERVICE_DRAINED
					    : MESSAGE_SERVICE_RESUMED);
		/* Who is answered can count on it, whatever happens to us. */
		keep_structure(master);
	}
}

void drain_asked(struct master *master, struct client *client,
	const struct control_request *request)
{
	uint32_t only;

	if (!find_service(master, client, request->service, &only))
		return;
	tell_core(master, only, EVENT_DRAIN);
	client->state = CLIENT_DRAINING;
	memcpy(client->service, request->service, sizeof(client->service));
}

void resume_asked(struct master *master, struct client *client,
	const struct control_request *request)
{
	uint32_t only;

	if (!find_service(master, client, request->service, &only))
		return;
	tell_core(master, only, EVENT_RESUME);
	answer_done(client);
}

/* How far those are that CLIENT waits for. */
struct rest {
	uint32_t workers;
	uint32_t stuck;
	bool resumed;
};

static void add(struct rest *rest, const struct view_service *view)
{
	rest->workers += view->total + view->guests;
	rest->stuck += view->stuck;
}

static struct rest look(
	const struct master *master, const struct client *client)
{
	struct rest rest = {.workers = 0};
	struct view_service view;
	uint32_t only;

	if (client->service[0] != '\0') {
		only = service_find(master, client->service);
		if (only == UINT32_MAX || !view_of(master, only, &view))
			return rest;
		rest.resumed = view.state == POOL_UP;
		add(&rest, &view);
		return rest;
	}
	for (uint32_t id = 0; id < master->services_high; id++)
		if (view_of(master, id, &view) && view.state != POOL_UP)
			add(&rest, &view);
	return rest;
}

static bool is_asked(const struct master *master, const struct client *client,
	uint32_t service)
{
	return client->service[0] == '\0' ||
	       strcmp(client->service, service_name(master, service)) == 0;
}

static void tell_stuck(struct master *master, struct client *client)
{
	struct text_builder out;

	if (!answer_begin(client, &out))
		return;
	for (uint32_t id = 0; id < master->services_high && out.n < CHUNK / 2;
		id++)
		if (is_asked(master, client, id))
			status_put_stuck(master, id, &out);
	control_put_failed(&out, CONTROL_CODE_FAILED,
		"the service rests, but not all of its workers could be stopped");
	answer_end(client, &out);
}

/* The request has been decided on by now: the core was told in this round. */
static void tell(struct master *master, struct client *client)
{
	struct rest rest = look(master, client);

	if (master->stopping)
		answer_failed(
			client, CONTROL_CODE_BUSY, "the master is stopping");
	else if (rest.resumed)
		answer_failed(client, CONTROL_CODE_FAILED,
			"the service was told to go on meanwhile");
	else if (rest.workers == 0)
		answer_done(client);
	else if (rest.workers == rest.stuck)
		tell_stuck(master, client);
	else if (master->held)
		answer_failed(client, CONTROL_CODE_BUSY,
			"an upgrade is under way; what was asked for goes on: "
			"ask again to wait for it");
	else
		return;
	client->until_ns = master->now_ns + PATIENCE_NS;
	answer_go_on(master, client);
}

void drains_tell(struct master *master)
{
	if (master->control == NULL)
		return;
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &master->control->clients[i];

		if (client->state == CLIENT_DRAINING)
			tell(master, client);
	}
}
