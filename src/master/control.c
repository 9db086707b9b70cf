/* SPDX-License-Identifier: MIT */
#include "master/control.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/diag.h"
#include "base/number.h"
#include "base/text.h"
#include "master/edition.h"
#include "master/log.h"
#include "master/master.h"
#include "master/reload.h"
#include "master/services.h"
#include "proto/control.h"
#include "sys/fd.h"
#include "sys/loop.h"
#include "sys/net.h"
#include "sys/path.h"
#include "table/table.h"

#define CLIENTS_MAX 32
#define CLIENTS_PER_UID 8
#define CLIENTS_FOR_ROOT 4 /* places that only root and the owner get */
#define PATIENCE_NS (10 * NS_PER_S)
#define CHUNK (4 * CONTROL_LINE_MAX)

enum client_state {
	CLIENT_FREE,
	CLIENT_ASKING,	/* its line is not whole yet */
	CLIENT_WAITING, /* for a reload to end */
	CLIENT_STATUS,	/* more services are to be told */
	CLIENT_ENDING,	/* what is in the buffer is all */
	CLIENT_STAYING, /* asked for a stop: until we are gone */
};

struct client {
	enum client_state state;
	int fd; /* owned */
	uint32_t serial;
	struct peer peer;
	bool is_owner;
	uint64_t until_ns; /* of what it should do next */
	char request[CONTROL_REQUEST_MAX + 1];
	size_t request_n;
	uint32_t next_service;	/* CLIENT_STATUS */
	uint64_t reload_wanted; /* CLIENT_WAITING: the count it waits for */
	char *out;		/* owned */
	size_t out_n, out_done;
};

struct control {
	int fd; /* owned */
	struct net_named named;
	char *path; /* owned */
	uint32_t last_serial;
	bool paused; /* no descriptor was left for accept */
	struct client clients[CLIENTS_MAX];
};

int control_create(struct master *master)
{
	struct control *control = calloc(1, sizeof(*control));
	struct net_owner owner = {(uid_t)-1, (gid_t)-1, 0666};
	size_t size = strlen(master->runtime_directory) + 16;
	int fd;

	if (control == NULL)
		return -ENOMEM;
	master->control = control;
	control->fd = -1;
	control->named = (struct net_named)NET_NAMED_NONE;
	control->path = malloc(size);
	if (control->path == NULL)
		return -ENOMEM;
	snprintf(control->path, size, "%s/control.sock",
		master->runtime_directory);
	/* Who may ask what is told by credentials, not by the file's mode. */
	fd = sys_listen_unix(
		control->path, SOCK_STREAM, 64, &owner, true, &control->named);
	if (fd >= 0)
		fd = sys_listen_unix_commit(&control->named);
	if (fd < 0)
		return fd;
	control->fd = fd_take(&control->named.fd);
	return loop_add(master->loop, control->fd, LOOP_IN,
		tag_make(TAG_CONTROL, 0, 0));
}

static void finish(struct master *master, struct client *client)
{
	if (client->state == CLIENT_FREE)
		return;
	(void)loop_remove(master->loop, client->fd);
	fd_close(&client->fd);
	free(client->out);
	client->out = NULL;
	client->state = CLIENT_FREE;
	if (master->control->paused) {
		master->control->paused = false;
		(void)loop_change(master->loop, master->control->fd, LOOP_IN,
			tag_make(TAG_CONTROL, 0, 0));
	}
}

void control_destroy(struct master *master)
{
	struct control *control = master->control;

	if (control == NULL)
		return;
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		finish(master, &control->clients[i]);
	if (control->fd >= 0)
		(void)sys_unix_unlink(
			control->path, control->named.dev, control->named.ino);
	fd_close(&control->fd);
	free(control->path);
	free(control);
	master->control = NULL;
}

static void set_interest(struct master *master, const struct client *client)
{
	unsigned interest = LOOP_RDHUP;
	uint32_t index = (uint32_t)(client - master->control->clients);

	if (client->state == CLIENT_ASKING)
		interest = LOOP_IN;
	else if (client->out_done < client->out_n)
		interest = LOOP_OUT;
	(void)loop_change(master->loop, client->fd, interest,
		tag_make(TAG_CLIENT, index, client->serial));
}

/* False: there is no memory, or no sense in it. */
static bool begin_answer(struct client *client, struct text_builder *out)
{
	if (client->out == NULL)
		client->out = malloc(CHUNK);
	if (client->out == NULL)
		return false;
	text_builder_init(out, client->out, CHUNK);
	client->out_done = 0;
	return true;
}

static void end_answer(struct client *client, const struct text_builder *out)
{
	client->out_n = out->n;
}

/* As many services as surely fit; the last line when all are told. */
static void more_status(struct master *master, struct client *client)
{
	struct text_builder out;

	if (!begin_answer(client, &out)) {
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
	end_answer(client, &out);
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

static void go_on(struct master *master, struct client *client)
{
	if (push(master, client))
		set_interest(master, client);
	else
		finish(master, client);
}

static void refuse(struct master *master, struct client *client,
	enum control_code code, const char *text)
{
	struct text_builder out;

	client->state = CLIENT_ENDING;
	if (begin_answer(client, &out)) {
		control_put_failed(&out, code, text);
		end_answer(client, &out);
	}
	(void)master;
}

static void answer_status(struct master *master, struct client *client,
	const struct control_request *request)
{
	struct text_builder out;
	uint32_t service;

	if (!begin_answer(client, &out))
		return;
	client->state = CLIENT_STATUS;
	client->next_service = 0;
	status_put_master(master, &out);
	end_answer(client, &out);
	if (request->service[0] == '\0')
		return;
	service = service_find(master, request->service);
	if (service == UINT32_MAX) {
		refuse(master, client, CONTROL_CODE_NO_SERVICE,
			"there is no such service");
		return;
	}
	status_put_service(master, service, &out);
	control_put_ok(&out);
	end_answer(client, &out);
	client->state = CLIENT_ENDING;
}

static void answer_version(struct master *master, struct client *client,
	const struct control_request *request)
{
	struct text_builder out;

	client->state = CLIENT_ENDING;
	if (!begin_answer(client, &out))
		return;
	if (request->verb == CONTROL_VERB_VERSION)
		status_put_version(master, &out);
	control_put_ok(&out);
	end_answer(client, &out);
}

static void answer_stop(struct master *master, struct client *client, bool now)
{
	struct text_builder out;

	client->state = CLIENT_STAYING;
	if (begin_answer(client, &out)) {
		control_put_ok(&out);
		end_answer(client, &out);
	}
	if (now)
		master_quit(master);
	else if (!master->stopping)
		master_stop(master);
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
	case CONTROL_VERB_RELOAD:
		answer_reload(master, client);
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
		refuse(master, client, CONTROL_CODE_REQUEST,
			"the request is too long");
		return;
	case CONTROL_PARSE_UNKNOWN:
		refuse(master, client, CONTROL_CODE_REQUEST,
			"there is no such request");
		return;
	case CONTROL_PARSE_OK:
		break;
	}
	if (is_allowed(master, client, request.verb))
		answer(master, client, &request);
	else
		refuse(master, client, CONTROL_CODE_NOT_ALLOWED,
			"only root and the owner of the master may do that; "
			"members of control_group may look");
}

static bool read_request(struct master *master, struct client *client)
{
	int n = sys_read(client->fd, client->request + client->request_n,
		CONTROL_REQUEST_MAX - client->request_n);

	if (n == -EAGAIN)
		return true;
	if (n <= 0)
		return false;
	client->request_n += (size_t)n;
	take_request(master, client);
	return true;
}

void control_client_ready(
	struct master *master, uint32_t index, uint32_t serial, uint32_t ready)
{
	struct client *client = &master->control->clients[index];

	if (client->state == CLIENT_FREE || client->serial != serial)
		return;
	if (client->state == CLIENT_ASKING) {
		if (!read_request(master, client)) {
			finish(master, client);
			return;
		}
		if (client->state == CLIENT_ASKING)
			return;
	} else if (ready & (LOOP_HUP | LOOP_ERR)) {
		finish(master, client);
		return;
	} else if ((ready & LOOP_RDHUP) && client->out_done == client->out_n) {
		/* Half-closed and waiting: fine, but no reason to spin. */
		(void)loop_change(master->loop, client->fd, 0,
			tag_make(TAG_CLIENT, index, serial));
		return;
	}
	go_on(master, client);
}

static unsigned count_clients(
	const struct control *control, uid_t uid, bool everybody)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		n += control->clients[i].state != CLIENT_FREE &&
		     (everybody || control->clients[i].peer.uid == uid);
	return n;
}

static struct client *free_client(struct control *control)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		if (control->clients[i].state == CLIENT_FREE)
			return &control->clients[i];
	return NULL;
}

/* Root gets the place of whoever has been silent longest. */
static struct client *make_room(struct master *master)
{
	struct control *control = master->control;
	struct client *oldest = NULL;

	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &control->clients[i];

		if (client->state == CLIENT_ASKING &&
			(oldest == NULL || client->serial < oldest->serial))
			oldest = client;
	}
	if (oldest != NULL)
		finish(master, oldest);
	return free_client(control);
}

static struct client *place_for(
	struct master *master, const struct peer *peer, bool is_owner)
{
	struct control *control = master->control;
	unsigned all = count_clients(control, 0, true);

	if (!is_owner && (all >= CLIENTS_MAX - CLIENTS_FOR_ROOT ||
				 count_clients(control, peer->uid, false) >=
					 CLIENTS_PER_UID))
		return NULL;
	if (all == CLIENTS_MAX)
		return make_room(master);
	return free_client(control);
}

static void welcome(struct master *master, int fd)
{
	struct control *control = master->control;
	struct client *client = NULL;
	struct peer peer;
	bool is_owner;

	if (sys_peer(fd, &peer) < 0) {
		fd_close(&fd);
		return;
	}
	is_owner = peer.uid == 0 || peer.uid == sys_uid();
	client = place_for(master, &peer, is_owner);
	if (client == NULL) {
		fd_close(&fd);
		return;
	}
	*client = (struct client){.state = CLIENT_ASKING,
		.fd = fd,
		.serial = ++control->last_serial,
		.peer = peer,
		.is_owner = is_owner,
		.until_ns = master->now_ns + PATIENCE_NS};
	if (loop_add(master->loop, fd, LOOP_IN,
		    tag_make(TAG_CLIENT, (uint32_t)(client - control->clients),
			    client->serial)) < 0)
		finish(master, client);
}

void control_accept(struct master *master)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		int fd = sys_accept(master->control->fd);

		if (fd == -EAGAIN)
			return;
		if (fd < 0) {
			/* Out of descriptors: until one of ours goes. */
			master->control->paused = true;
			(void)loop_change(master->loop, master->control->fd, 0,
				tag_make(TAG_CONTROL, 0, 0));
			return;
		}
		welcome(master, fd);
	}
}

static void put_changes(
	const struct reload_result *result, struct text_builder *out)
{
	struct control_record record;

	for (unsigned i = 0; i < result->n && out->n < CHUNK / 2; i++) {
		if (strcmp(result->hows[i], "same") == 0)
			continue;
		control_record_init(&record, CONTROL_CHANGE);
		record.change.service = result->names[i];
		record.change.how = result->hows[i];
		control_put(out, &record);
	}
}

static void put_diags(
	const struct reload_result *result, struct text_builder *out)
{
	struct control_record record;
	struct text_builder text;
	char buffer[2048];

	for (size_t i = 0; i < result->diags->n && out->n < 3 * CHUNK / 4;
		i++) {
		text_builder_init(&text, buffer, sizeof(buffer));
		diag_put(&text, &result->diags->items[i]);
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
	if (begin_answer(client, &out)) {
		put_changes(result, &out);
		put_diags(result, &out);
		if (result->good)
			control_put_ok(&out);
		else
			control_put_failed(&out, CONTROL_CODE_FAILED,
				"the configuration was refused; what runs "
				"goes on unchanged");
		end_answer(client, &out);
	}
	go_on(master, client);
}

void control_reload_ended(struct master *master)
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
			!begin_answer(client, &out))
			continue;
		for (uint32_t slot = 0; slot < master->workers_high; slot++)
			status_put_stuck(master, slot, &out);
		end_answer(client, &out);
		(void)push(master, client);
	}
}

/* Waiting for us is no fault of theirs. */
static bool has_deadline(const struct client *client)
{
	return client->state != CLIENT_FREE &&
	       client->state != CLIENT_WAITING &&
	       !(client->state == CLIENT_STAYING &&
		       client->out_done == client->out_n);
}

void control_expire(struct master *master)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &master->control->clients[i];

		if (has_deadline(client) && client->until_ns <= master->now_ns)
			finish(master, client);
	}
}

uint64_t control_deadline(const struct master *master)
{
	uint64_t first_ns = LOOP_FOREVER;

	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		const struct client *client = &master->control->clients[i];

		if (has_deadline(client) && client->until_ns < first_ns)
			first_ns = client->until_ns;
	}
	return first_ns;
}
