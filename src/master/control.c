/* SPDX-License-Identifier: MIT */
#include "master/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "master/client.h"
#include "master/log.h"
#include "master/master.h"
#include "sys/channel.h"
#include "sys/fd.h"
#include "sys/loop.h"
#include "sys/net.h"
#include "sys/path.h"

/* The socket in place and in the loop; on failure, CONTROL is as it was. */
static int listen_here(struct master *master, struct control *control)
{
	struct net_owner owner = {
		.uid = (uid_t)-1, .gid = (gid_t)-1, .mode = 0666};
	struct net_named named = NET_NAMED_NONE;
	int result = sys_listen_unix(control->path, SOCK_STREAM, 64, &owner,
		NET_REPLACE_SOCKET, &named);

	if (result >= 0)
		sys_refuse_gifts(named.fd);
	if (result >= 0)
		result = loop_add(master->loop, named.fd, LOOP_IN,
			tag_make(TAG_CONTROL, 0, 0));
	if (result >= 0)
		result = sys_listen_unix_commit(&named);
	if (result < 0) {
		sys_listen_unix_abort(&named);
		return result;
	}
	if (control->fd >= 0)
		(void)loop_remove(master->loop, control->fd);
	fd_close(&control->fd);
	control->fd = fd_take(&named.fd);
	control->named = named;
	control->paused_until_ns = 0;
	return 0;
}

void control_renew(struct master *master)
{
	struct control *control = master->control;
	struct log_line line;
	int result;

	if (sys_unix_is_there(
		    control->path, control->named.dev, control->named.ino))
		return;
	result = listen_here(master, control);
	if (result == 0)
		return;
	log_begin(&line, MESSAGE_MASTER_FAILED);
	log_text(&line, "at", control->path);
	log_text(&line, "error", strerror(-result));
	log_end(&line);
}

int control_prepare(struct master *master)
{
	struct control *control = calloc(1, sizeof(*control));
	size_t size = strlen(master->runtime_directory) + 16;

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
	return 0;
}

int control_listen(struct master *master)
{
	/* Who may ask what is told by credentials, not by the file's mode. */
	return listen_here(master, master->control);
}

int control_create(struct master *master)
{
	int result = control_prepare(master);

	return result < 0 ? result : control_listen(master);
}

static void set_accepting(struct master *master, bool on)
{
	(void)loop_change(master->loop, master->control->fd, on ? LOOP_IN : 0,
		tag_make(TAG_CONTROL, 0, 0));
}

/* Out of descriptors: until one of ours goes, or somebody else's may have. */
static void pause_accepting(struct master *master)
{
	master->control->paused_until_ns = master->now_ns + PAUSE_NS;
	set_accepting(master, false);
}

static void resume_accepting(struct master *master)
{
	if (master->control->paused_until_ns == 0)
		return;
	master->control->paused_until_ns = 0;
	set_accepting(master, true);
}

void client_finish(struct master *master, struct client *client)
{
	if (client->state == CLIENT_FREE)
		return;
	(void)loop_remove(master->loop, client->fd);
	sys_channel_close(&client->fd);
	free(client->out);
	client->out = NULL;
	client->state = CLIENT_FREE;
	resume_accepting(master);
}

void control_retract(struct master *master)
{
	struct control *control = master->control;

	if (control != NULL && control->fd >= 0)
		(void)sys_unix_unlink(
			control->path, control->named.dev, control->named.ino);
}

void control_destroy(struct master *master)
{
	struct control *control = master->control;

	if (control == NULL)
		return;
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		client_finish(master, &control->clients[i]);
	control_retract(master);
	sys_listener_close(&control->fd);
	free(control->path);
	free(control);
	master->control = NULL;
}

void control_client_ready(
	struct master *master, uint32_t index, uint32_t serial, uint32_t ready)
{
	struct client *client = &master->control->clients[index];

	if (client->state != CLIENT_FREE && client->serial == serial)
		client_ready(master, client, ready);
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
		client_finish(master, oldest);
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
		sys_channel_close(&fd);
		return;
	}
	is_owner = peer.uid == 0 || peer.uid == sys_uid();
	client = place_for(master, &peer, is_owner);
	if (client == NULL) {
		sys_channel_close(&fd);
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
		client_finish(master, client);
}

void control_accept(struct master *master)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		int fd = sys_accept(master->control->fd);

		if (fd == -EAGAIN)
			return;
		if (fd < 0) {
			pause_accepting(master);
			return;
		}
		welcome(master, fd);
	}
}

/* Waiting for us is no fault of theirs. */
static bool has_deadline(const struct client *client)
{
	return client->state != CLIENT_FREE &&
	       client->state != CLIENT_WAITING &&
	       client->state != CLIENT_PLANNING &&
	       client->state != CLIENT_DRAINING &&
	       client->state != CLIENT_UPGRADING &&
	       !(client->state == CLIENT_STAYING &&
		       client->out_done == client->out_n);
}

void control_expire(struct master *master)
{
	if (master->control->paused_until_ns <= master->now_ns)
		resume_accepting(master);
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &master->control->clients[i];

		if (has_deadline(client) && client->until_ns <= master->now_ns)
			client_finish(master, client);
	}
}

uint64_t control_deadline(const struct master *master)
{
	uint64_t first_ns = LOOP_FOREVER;

	if (master->control->paused_until_ns != 0)
		first_ns = master->control->paused_until_ns;
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		const struct client *client = &master->control->clients[i];

		if (has_deadline(client) && client->until_ns < first_ns)
			first_ns = client->until_ns;
	}
	return first_ns;
}
