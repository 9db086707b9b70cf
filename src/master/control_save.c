/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "master/client.h"
#include "master/control.h"
#include "master/handover_lines.h"
#include "master/holdings.h"
#include "master/master.h"
#include "sys/fd.h"
#include "sys/loop.h"

/*
 * The control socket stays, and so do those who wait there: for the upgrade
 * itself, for the end of the master, or for us to read what they ask. Who is in
 * the middle of an answer has to ask again.
 */
static const struct {
	enum client_state state;
	const char *word; /* numbers may be others in another version */
} states[] = {
	{CLIENT_ASKING, "asking"},
	{CLIENT_UPGRADING, "upgrading"},
	{CLIENT_STAYING, "staying"},
};
#define STATES (sizeof(states) / sizeof(states[0]))

static const char *word_of(const struct client *client)
{
	for (size_t i = 0; i < STATES; i++)
		if (states[i].state == client->state &&
			client->out_done == client->out_n &&
			strlen(client->request) == client->request_n)
			return states[i].word;
	return NULL;
}

static bool find_state(const char *word, enum client_state *out)
{
	for (size_t i = 0; word != NULL && i < STATES; i++) {
		if (strcmp(states[i].word, word) != 0)
			continue;
		*out = states[i].state;
		return true;
	}
	return false;
}

bool control_is_quiet(const struct master *master)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		const struct client *client = &master->control->clients[i];

		if (client->state != CLIENT_FREE && word_of(client) == NULL)
			return false;
	}
	return true;
}

void control_save(const struct master *master, struct text_builder *out)
{
	const struct control *control = master->control;
	const struct control_line line = {.dev = control->named.dev,
		.ino = control->named.ino,
		.last_serial = control->last_serial};

	saved_put(out, &control_kind, &line);
	for (uint32_t i = 0; i < CLIENTS_MAX; i++) {
		const struct client *client = &control->clients[i];

		if (word_of(client) == NULL)
			continue;
		saved_put(out, &client_kind,
			&(struct client_line){.index = i,
				.serial = client->serial,
				.state = word_of(client),
				.pid = client->peer.pid,
				.uid = client->peer.uid,
				.gid = client->peer.gid,
				.is_owner = client->is_owner,
				.until_ns = client->until_ns,
				.request = client->request});
	}
}

void control_hold(const struct master *master, struct holdings *holdings)
{
	const struct control *control = master->control;

	holdings_add(holdings, control->fd, "control");
	for (uint32_t i = 0; i < CLIENTS_MAX; i++)
		if (word_of(&control->clients[i]) != NULL)
			holdings_add(holdings, control->clients[i].fd,
				"client.%u", i);
}

static bool load_client(struct saved_reader *reader, struct control *control)
{
	struct client_line line = {.index = 0};
	struct client *client;
	size_t n;

	if (!saved_take(reader, &client_kind, &line))
		return false;
	n = line.request == NULL ? 0 : strlen(line.request);
	client = &control->clients[line.index];
	if (client->state != CLIENT_FREE || n > CONTROL_REQUEST_MAX ||
		!find_state(line.state, &client->state))
		return saved_refuse(reader, "that is no client");
	client->fd = -1;
	client->serial = line.serial;
	client->peer = (struct peer){
		.pid = line.pid, .uid = line.uid, .gid = line.gid};
	client->is_owner = line.is_owner;
	client->until_ns = line.until_ns;
	client->request_n = n;
	if (n > 0)
		memcpy(client->request, line.request, n + 1);
	return true;
}

bool control_load(struct master *master, struct saved_reader *reader)
{
	struct control_line line = {.ino = 0};
	struct control *control;

	if (control_prepare(master) < 0)
		return saved_refuse(reader, "no memory");
	control = master->control;
	if (!saved_take(reader, &control_kind, &line))
		return false;
	control->named.dev = line.dev;
	control->named.ino = line.ino;
	control->last_serial = line.last_serial;
	while (saved_is(reader, &client_kind))
		if (!load_client(reader, control))
			return false;
	return true;
}

static void take_client(
	struct master *master, uint32_t i, struct holdings *holdings)
{
	struct client *client = &master->control->clients[i];
	unsigned interest =
		client->state == CLIENT_ASKING ? LOOP_IN : LOOP_RDHUP;

	client->fd = holdings_take(holdings, "client.%u", i);
	if (client->fd < 0 ||
		loop_add(master->loop, client->fd, interest,
			tag_make(TAG_CLIENT, i, client->serial)) < 0)
		client_finish(master, client);
}

int control_take(struct master *master, struct holdings *holdings)
{
	struct control *control = master->control;
	int result = 0;

	control->fd = holdings_take(holdings, "control");
	if (control->fd >= 0)
		result = loop_add(master->loop, control->fd, LOOP_IN,
			tag_make(TAG_CONTROL, 0, 0));
	else
		result = control_listen(master);
	for (uint32_t i = 0; result == 0 && i < CLIENTS_MAX; i++)
		if (control->clients[i].state != CLIENT_FREE)
			take_client(master, i, holdings);
	return result;
}
