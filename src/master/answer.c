/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/text.h"
#include "master/client.h"
#include "master/control.h"
#include "master/drain.h"
#include "master/edition.h"
#include "master/log.h"
#include "master/master.h"
#include "master/personality.h"
#include "master/reload.h"
#include "master/rolls.h"
#include "master/scale.h"
#include "master/services.h"
#include "master/trial.h"
#include "master/upgrade.h"
#include "sys/channel.h"
#include "sys/loop.h"
#include "sys/net.h"

/*
 * What is asked on the control socket, and what is answered. An answer that
 * may be long is made piece by piece, as the client takes it.
 */

#define CHANGE_ROOM 160 /* bytes of a record, at most */
#define DIAG_ROOM 4096
#define DIAGS_TOLD 1000

static uint64_t tag_of(const struct master *master, const struct client *client)
{
	return tag_make(TAG_CLIENT,
		(uint32_t)(client - master->control->clients), client->serial);
}

static void set_interest(struct master *master, const struct client *client)
{
	unsigned interest = LOOP_RDHUP;

	if (client->state == CLIENT_ASKING)
		interest = LOOP_IN;
	else if (client->out_done < client->out_n)
		interest = LOOP_OUT;
	(void)loop_change(
		master->loop, client->fd, interest, tag_of(master, client));
}

/* False: there is no memory, or no sense in it. */
bool answer_begin(struct client *client, struct text_builder *out)
{
	if (client->out == NULL)
		client->out = malloc(CHUNK);
	if (client->out == NULL)
		return false;
	text_builder_init(out, client->out, CHUNK);
	client->out_done = 0;
	return true;
}

void answer_end(struct client *client, const struct text_builder *out)
{
	client->out_n = out->n;
}

/* As many services as surely fit; the last line when all are told. */
static void more_status(struct master *master, struct client *client)
{
	struct text_builder out;

	if (!answer_begin(client, &out)) {
		client->state = CLIENT_ENDING;
		return;
	}
	while (client->next_service < master->services_high &&
		out.n < CHUNK / 2)
		status_put_service(master, client->next_service++, &out);
	if (client->next_service >= master->services_high) {
		control_put_ok(&out);
		client->state = CLIENT_ENDING;
	}
	answer_end(client, &out);
}

/* Send what the socket takes. False: the client is finished. */
static bool push(struct master *master, struct client *client)
{
	for (;;) {
		int result;

		if (client->out_done == client->out_n &&
			client->state == CLIENT_STATUS)
			more_status(master, client);
		if (client->out_done == client->out_n)
			break;
		result = sys_wake_send(client->fd,
			client->out + client->out_done,
			client->out_n - client->out_done);
		if (result == -EAGAIN)
			return true;
		if (result < 0)
			return false;
		client->out_done += (size_t)result;
		client->until_ns = master->now_ns + PATIENCE_NS;
	}
	return client->state != CLIENT_ENDING;
}

void answer_go_on(struct master *master, struct client *client)
{
	if (push(master, client))
		set_interest(master, client);
	else
		client_finish(master, client);
}

void answer_failed(
	struct client *client, enum control_code code, const char *text)
{
	struct text_builder out;

	client->state = CLIENT_ENDING;
	if (answer_begin(client, &out)) {
		control_put_failed(&out, code, text);
		answer_end(client, &out);
	}
}

void answer_no_service(const struct master *master, struct client *client)
{
	if (master->edition == NULL)
		answer_failed(client, CONTROL_CODE_BUSY,
			"the master is starting: its services are not there yet");
	else
		answer_failed(client, CONTROL_CODE_NO_SERVICE,
			"there is no such service");
}

void answer_done(struct client *client)
{
	struct text_builder out;

	client->state = CLIENT_ENDING;
	if (answer_begin(client, &out)) {
		control_put_ok(&out);
		answer_end(client, &out);
	}
}

static void answer_status(struct master *master, struct client *client,
	const struct control_request *request)
{
	struct text_builder out;
	uint32_t service;

	if (!answer_begin(client, &out))
		return;
	client->state = CLIENT_STATUS;
	client->next_service = 0;
	status_put_master(master, &out);
	answer_end(client, &out);
	if (request->service[0] == '\0')
		return;
	service = service_find(master, request->service);
	if (service == UINT32_MAX) {
		answer_no_service(master, client);
		return;
	}
	status_put_service(master, service, &out);
	control_put_ok(&out);
	answer_end(client, &out);
	client->state = CLIENT_ENDING;
}

static void answer_version(struct master *master, struct client *client,
	const struct control_request *request)
{
	struct text_builder out;

	client->state = CLIENT_ENDING;
	if (!answer_begin(client, &out))
		return;
	if (request->verb == CONTROL_VERB_VERSION)
		status_put_version(master, &out);
	control_put_ok(&out);
	answer_end(client, &out);
}

static bool has_mold(const struct master *master, uint32_t service)
{
	const struct service_state *state = service_of(master, service);

	return state->edition != NULL && state->row->policy.mold;
}

/* Of one service, or of all that have one. */
static void answer_remold(struct master *master, struct client *client,
	const struct control_request *request)
{
	bool all = request->service[0] == '\0';
	uint32_t only =
		all ? UINT32_MAX : service_find(master, request->service);

	if (!all && only == UINT32_MAX) {
		answer_no_service(master, client);
		return;
	}
	if (!all && !has_mold(master, only)) {
		answer_failed(client, CONTROL_CODE_FAILED,
			"the service has no mold: its block does not say mold = yes");
		return;
	}
	for (uint32_t id = 0; id < master->services_high; id++)
		if (has_mold(master, id) && (all || id == only))
			inbox_put(&master->inbox,
				&(struct event){
					.kind = EVENT_REMOLD, .service = id});
	answer_done(client);
}

static void answer_scale(struct master *master, struct client *client,
	const struct control_request *request)
{
	uint32_t id = service_find(master, request->service);
	char complaint[SCALE_COMPLAINT_ROOM];
	struct text_builder out;

	if (id == UINT32_MAX) {
		answer_no_service(master, client);
		return;
	}
	text_builder_init(&out, complaint, sizeof(complaint));
	if (!scale(master, id, request, &out)) {
		answer_failed(client, CONTROL_CODE_FAILED, complaint);
		return;
	}
	answer_done(client);
}

static void answer_stop(struct master *master, struct client *client, bool now)
{
	struct text_builder out;

	client->state = CLIENT_STAYING;
	if (answer_begin(client, &out)) {
		control_put_ok(&out);
		answer_end(client, &out);
	}
	/* Not every personality comes back; who cannot be told now never is. */
	(void)push(master, client);
	if (now)
		master->personality->stop(master, SIGQUIT);
	else if (!master->stopping)
		master->personality->stop(master, SIGTERM);
}

static void answer_reload(struct master *master, struct client *client)
{
	client->state = CLIENT_WAITING;
	/* One under way has read its files before we were asked. */
	client->reload_wanted = reload_count(master) + reload_failures(master) +
				1 + reload_is_running(master);
	reload_request(master);
}

static void answer(struct master *master, struct client *client,
	const struct control_request *request)
{
	switch (request->verb) {
	case CONTROL_VERB_STATUS:
		answer_status(master, client, request);
		break;
	case CONTROL_VERB_RELOAD_AGAIN:
		trial_forgive(master);
		answer_reload(master, client);
		break;
	case CONTROL_VERB_RELOAD:
		answer_reload(master, client);
		break;
	case CONTROL_VERB_ROLLS:
		rolls_asked(master, client);
		break;
	case CONTROL_VERB_REMOLD:
		answer_remold(master, client, request);
		break;
	case CONTROL_VERB_SCALE:
		answer_scale(master, client, request);
		break;
	case CONTROL_VERB_PLAN:
		client->state = CLIENT_PLANNING;
		break;
	case CONTROL_VERB_DRAIN:
		drain_asked(master, client, request);
		break;
	case CONTROL_VERB_RESUME:
		resume_asked(master, client, request);
		break;
	case CONTROL_VERB_UPGRADE:
		upgrade_asked(master, client, request);
		break;
	case CONTROL_VERB_STOP:
		answer_stop(master, client, false);
		break;
	case CONTROL_VERB_STOP_NOW:
		answer_stop(master, client, true);
		break;
	case CONTROL_VERB_VERSION:
	case CONTROL_VERB_PING:
		answer_version(master, client, request);
		break;
	}
}

static bool may_read(const struct master *master, const struct client *client)
{
	const struct edition *edition = master->edition;

	if (client->is_owner)
		return true;
	if (edition == NULL || edition->control_group == UINT32_MAX)
		return false;
	return sys_peer_in_group(client->fd,
		       edition->identities[edition->control_group].gid) == 1;
}

static bool is_allowed(const struct master *master, const struct client *client,
	enum control_verb verb)
{
	struct log_line line;

	if (control_needs_owner(verb) ? client->is_owner
				      : may_read(master, client))
		return true;
	log_begin(&line, MESSAGE_CONTROL_REFUSED);
	log_number(&line, "uid", client->peer.uid);
	log_number(&line, "pid", (uint64_t)client->peer.pid);
	log_text(&line, "request", control_verb_words(verb));
	log_end(&line);
	return false;
}

static void take_request(struct master *master, struct client *client)
{
	struct control_request request;

	switch (control_parse_request(
		client->request, client->request_n, &request)) {
	case CONTROL_PARSE_MORE:
		return;
	case CONTROL_PARSE_TOO_LONG:
		answer_failed(client, CONTROL_CODE_REQUEST,
			"the request is too long");
		return;
	case CONTROL_PARSE_UNKNOWN:
		answer_failed(client, CONTROL_CODE_REQUEST,
			"there is no such request");
		return;
	case CONTROL_PARSE_OK:
		break;
	}
	if (is_allowed(master, client, request.verb))
		answer(master, client, &request);
	else
		answer_failed(client, CONTROL_CODE_NOT_ALLOWED,
			"only root and the owner of the master may do that; "
			"members of control_group may look");
}

static bool read_request(struct master *master, struct client *client)
{
	struct channel_message part;
	int result = sys_channel_read(client->fd,
		client->request + client->request_n,
		CONTROL_REQUEST_MAX - client->request_n, &part);

	if (result == 0)
		return true;
	if (result < 0 || part.size == 0)
		return false;
	client->request_n += part.size;
	take_request(master, client);
	return true;
}

bool answer_begin_long(
	struct client *client, size_t size, struct text_builder *out)
{
	free(client->out);
	client->out = malloc(size);
	if (client->out == NULL)
		return false;
	text_builder_init(out, client->out, size);
	client->out_done = 0;
	return true;
}

/* What a reload did is told whole; only a flood of complaints is cut. */
static size_t room_for(const struct reload_result *result)
{
	size_t complaints = result->diags == NULL ? 0 : result->diags->n;

	return CHUNK + (size_t)result->n * CHANGE_ROOM +
	       (complaints < DIAGS_TOLD ? complaints : DIAGS_TOLD) * DIAG_ROOM;
}

static void put_changes(
	const struct reload_result *result, struct text_builder *out)
{
	struct control_record record;

	for (unsigned i = 0; i < result->n; i++) {
		control_record_init(&record, CONTROL_CHANGE);
		record.change.service = result->names[i];
		record.change.how = result->hows[i];
		control_put(out, &record);
	}
}

void answer_put_diags(const struct diags *diags, struct text_builder *out)
{
	struct control_record record;
	struct text_builder text;
	char buffer[DIAG_ROOM / 2];

	for (size_t i = 0; diags != NULL && i < diags->n && i < DIAGS_TOLD;
		i++) {
		text_builder_init(&text, buffer, sizeof(buffer));
		diag_put(&text, &diags->items[i]);
		control_record_init(&record, CONTROL_DIAG);
		record.diag.text = buffer;
		control_put(out, &record);
	}
}

static void tell_reload(struct master *master, struct client *client)
{
	const struct reload_result *result = reload_result(master);
	struct text_builder out;

	client->state = CLIENT_ENDING;
	client->until_ns = master->now_ns + PATIENCE_NS;
	if (answer_begin_long(client, room_for(result), &out)) {
		put_changes(result, &out);
		answer_put_diags(result->diags, &out);
		if (result->good)
			control_put_ok(&out);
		else
			control_put_failed(&out, CONTROL_CODE_FAILED,
				"the configuration was refused; what runs "
				"goes on unchanged");
		answer_end(client, &out);
	}
	answer_go_on(master, client);
}

void control_tell_reloads(struct master *master)
{
	uint64_t ended = reload_count(master) + reload_failures(master);

	if (master->control == NULL)
		return;
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &master->control->clients[i];

		if (client->state == CLIENT_WAITING &&
			ended >= client->reload_wanted)
			tell_reload(master, client);
	}
}

void control_stopped(struct master *master)
{
	struct text_builder out;

	for (unsigned i = 0; master->control != NULL && i < CLIENTS_MAX; i++) {
		struct client *client = &master->control->clients[i];

		if (client->state != CLIENT_STAYING ||
			client->out_done < client->out_n ||
			!answer_begin(client, &out))
			continue;
		for (uint32_t id = 0; id < master->services_high; id++)
			status_put_stuck(master, id, &out);
		answer_end(client, &out);
		(void)push(master, client);
	}
}

void client_ready(struct master *master, struct client *client, uint32_t ready)
{
	if (client->state == CLIENT_ASKING) {
		if (!read_request(master, client)) {
			client_finish(master, client);
			return;
		}
		if (client->state == CLIENT_ASKING)
			return;
	} else if (ready & (LOOP_HUP | LOOP_ERR)) {
		client_finish(master, client);
		return;
	} else if ((ready & LOOP_RDHUP) && client->out_done == client->out_n) {
		/* Half-closed and waiting: fine, but no reason to spin. */
		(void)loop_change(
			master->loop, client->fd, 0, tag_of(master, client));
		return;
	}
	answer_go_on(master, client);
}
