/* SPDX-License-Identifier: MIT */
#include "ctl/client.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"
#include "ctl/instance.h"
#include "ctl/say.h"
#include "sys/child.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/loop.h"
#include "sys/net.h"
#include "sys/path.h"

/* Who did not say which master may have meant the one of Postfix. */
static const char *advice(const struct client *client)
{
	char path[PATH_MAX];

	if (client->for_postfix)
		return "it is not running, or not under ostler: `ostler postfix status` tells";
	if (!client->named && sys_exists(INSTANCE_DEFAULT "/main.cf") == 1 &&
		instance_find_socket(
			INSTANCE_DEFAULT, true, path, sizeof(path)) &&
		sys_exists(path) == 1)
		return "but Postfix has one: try `ostler --postfix status`";
	return "start ostlerd, or name its socket with -s or OSTLER_SOCKET";
}

/* A master that has closed is on its last steps. */
#define SEE_OFF_NS UINT64_C(5000000000)

static enum ctl_exit cannot_connect(const struct client *client, int error)
{
	bool forbidden = error == -EACCES || error == -EPERM;

	if (client->quiet)
		return CTL_NO_MASTER;
	if (forbidden)
		say_complaint(
			"%s: %s; ask as root, as the user ostlerd runs as, or as a member of its control_group",
			client->path, strerror(-error));
	else if (error == -EAGAIN)
		say_complaint(
			"%s: the master does not take the connection; is it stopped? (its log may say)",
			client->path);
	else
		say_complaint("no master at %s: %s; %s", client->path,
			strerror(-error), advice(client));
	return forbidden ? CTL_NOT_ALLOWED : CTL_NO_MASTER;
}

static void complain_of_silence(const struct client *client)
{
	char patience[32];

	if (client->quiet)
		return;
	say_duration(client->waited_ns, patience, sizeof(patience));
	say_complaint(
		"%s: gave up after %s; the master is stopped or busy, or --timeout is too short",
		client->path, patience);
}

static void complain_of_break(const struct client *client, const char *what)
{
	if (!client->quiet)
		say_complaint("%s: %s", client->path, what);
}

/* false: it is complained about. */
static bool wait_for(struct client *client)
{
	struct loop_event event;
	uint64_t now_ns = clock_now_ns();
	int got = 0;

	/* 0 also means a signal. */
	while (got == 0 && now_ns < client->deadline_ns) {
		got = loop_wait(
			client->loop, now_ns, client->deadline_ns, &event, 1);
		now_ns = clock_now_ns();
	}
	if (got == 0)
		complain_of_silence(client);
	else if (got < 0)
		complain_of_break(client, strerror(-got));
	return got > 0;
}

/* Whoever listens is whom we talk to; in another namespace he has no pid. */
static void find_master(struct client *client)
{
	struct peer peer;

	if (sys_peer(client->fd, &peer) >= 0 && peer.pid > 0)
		client->master = sys_child_open((int)peer.pid);
}

static enum ctl_exit start(struct client *client)
{
	int error;

	client->fd = sys_connect_unix(client->path, client->waited_ns);
	if (client->fd < 0)
		return cannot_connect(client, client->fd);
	find_master(client);
	error = loop_create(&client->loop);
	if (error >= 0)
		error = fd_nonblocking(client->fd, true);
	if (error >= 0)
		error = loop_add(client->loop, client->fd, LOOP_IN, 0);
	if (error >= 0)
		return CTL_OK;
	complain_of_break(client, strerror(-error));
	return CTL_FAILED;
}

/* A line fits into the emptiest socket buffer: one send is enough. */
static enum ctl_exit send_request(
	struct client *client, const struct control_request *request)
{
	char line[CONTROL_REQUEST_MAX + 1];
	struct text_builder builder;
	int sent;

	text_builder_init(&builder, line, sizeof(line));
	control_put_request(&builder, request);
	assert(!builder.overflow);
	sent = sys_wake_send(client->fd, line, builder.n);
	/* Who refuses us may hang up first, and its reason is there to read. */
	if (sent == (int)builder.n || sent == -EPIPE || sent == -ECONNRESET)
		return CTL_OK;
	complain_of_break(client,
		sent < 0 ? strerror(-sent) : "the request was cut short");
	return CTL_FAILED;
}

enum ctl_exit client_ask(struct client *client, const struct ctl *ctl,
	const struct control_request *request, uint64_t patience_ns)
{
	uint64_t waited_ns =
		ctl->timeout_ns > 0 ? ctl->timeout_ns : patience_ns;
	enum ctl_exit result;

	*client = (struct client){
		.path = ctl->socket,
		.named = ctl->socket_is_named,
		.for_postfix = ctl->postfix != NULL && !ctl->socket_is_given,
		.quiet = ctl->quiet,
		.fd = -1,
		.master = -1,
		.deadline_ns = clock_now_ns() + waited_ns,
		.waited_ns = waited_ns,
	};
	result = start(client);
	if (result == CTL_OK)
		result = send_request(client, request);
	if (result != CTL_OK)
		client_finish(client);
	return result;
}

/* CLIENT_LINE: there are more bytes. */
static enum client_line read_more(struct client *client)
{
	int got;

	if (client->start > 0) {
		client->end -= client->start;
		memmove(client->bytes, client->bytes + client->start,
			client->end);
		client->start = 0;
	}
	if (client->end == sizeof(client->bytes)) {
		complain_of_break(client,
			"what answers is no master: its lines are too long");
		return CLIENT_BROKEN;
	}
	if (!wait_for(client))
		return CLIENT_BROKEN;
	got = sys_read(client->fd, client->bytes + client->end,
		sizeof(client->bytes) - client->end);
	if (got == -EAGAIN)
		return CLIENT_LINE;
	/* A master that ends with our request unread resets the connection. */
	if (got == 0 || got == -ECONNRESET)
		return CLIENT_CLOSED;
	if (got < 0) {
		complain_of_break(client, strerror(-got));
		return CLIENT_BROKEN;
	}
	client->end += (size_t)got;
	return CLIENT_LINE;
}

enum client_line client_next(
	struct client *client, const char **out_line, size_t *out_n)
{
	for (;;) {
		const char *from = client->bytes + client->start;
		size_t n = client->end - client->start;
		const char *newline = n > 0 ? memchr(from, '\n', n) : NULL;
		enum client_line more;

		if (newline != NULL) {
			*out_line = from;
			*out_n = (size_t)(newline - from);
			client->start += *out_n + 1;
			return CLIENT_LINE;
		}
		more = read_more(client);
		if (more == CLIENT_CLOSED && client->end > 0) {
			complain_of_break(
				client, "the master hung up within a line");
			return CLIENT_BROKEN;
		}
		if (more != CLIENT_LINE)
			return more;
	}
}

void client_see_off(struct client *client)
{
	uint64_t now_ns = clock_now_ns();

	(void)loop_remove(client->loop, client->fd); /* it stays readable */
	fd_close(&client->fd);
	if (client->master < 0)
		return;
	/* Not for ever: who closed may be another than who listened once. */
	client->quiet = true;
	if (client->deadline_ns > now_ns + SEE_OFF_NS)
		client->deadline_ns = now_ns + SEE_OFF_NS;
	if (loop_add(client->loop, client->master, LOOP_IN, 0) < 0)
		return;
	(void)wait_for(client);
	(void)loop_remove(client->loop, client->master);
}

void client_finish(struct client *client)
{
	fd_close(&client->master);
	if (client->fd >= 0 && client->loop != NULL)
		(void)loop_remove(client->loop, client->fd); /* it may not be */
	loop_destroy(client->loop);
	client->loop = NULL;
	fd_close(&client->fd);
}
