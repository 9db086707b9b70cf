/* SPDX-License-Identifier: MIT */
#include "master/passed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "master/listeners.h"
#include "master/log.h"
#include "master/services.h"
#include "master/store.h"
#include "sys/fd.h"
#include "sys/inherited.h"
#include "sys/net.h"
#include "table/service.h"

static struct {
	struct inherited *items; /* owned; fd -1: an endpoint has it */
	int n;
} passed;

static void say(const char *service, const char *endpoint, const char *problem,
	const char *remedy)
{
	struct log_line line;

	log_begin(&line, MESSAGE_PASSED);
	if (service != NULL)
		log_text(&line, "service", service);
	log_text(&line, "endpoint", endpoint);
	log_text(&line, "problem", problem);
	log_text(&line, "remedy", remedy);
	log_end(&line);
}

void passed_begin(void)
{
	passed.n = sys_inherited_take(&passed.items);
	if (passed.n >= 0)
		return;
	passed.n = 0;
	say(NULL, "LISTEN_FDS",
		"these variables of the environment make no sense",
		"let systemd, or a program with its protocol, set them");
}

static enum inherited_fit fit(const struct inherited *item,
	const struct endpoint *endpoint, struct listener *out)
{
	switch (endpoint->kind) {
	case ENDPOINT_INET:
		return sys_inherited_inet(item->fd,
			listener_family(endpoint->family), endpoint->address,
			endpoint->port);
	case ENDPOINT_UNIX:
		return sys_inherited_named(item->fd, SOCK_STREAM,
			endpoint->path, &out->dev, &out->ino);
	case ENDPOINT_DGRAM:
		return sys_inherited_named(item->fd, SOCK_DGRAM, endpoint->path,
			&out->dev, &out->ino);
	case ENDPOINT_FIFO:
		return sys_inherited_named(
			item->fd, 0, endpoint->path, &out->dev, &out->ino);
	}
	return INHERITED_ELSEWHERE;
}

static void say_misfit(const struct service *row,
	const struct endpoint *endpoint, enum inherited_fit how)
{
	switch (how) {
	case INHERITED_OTHER_TYPE:
		say(row->name, endpoint->text,
			"what was passed for it is of another type",
			"ListenStream= is for TCP and unix:, ListenDatagram= "
			"for dgram:, ListenFIFO= for fifo:");
		break;
	case INHERITED_OTHER_FAMILY:
		say(row->name, endpoint->text,
			"what was passed for it is for other families",
			"BindIPv6Only=both is for \"*:PORT\", "
			"BindIPv6Only=ipv6-only for \"[::]:PORT\"");
		break;
	case INHERITED_CONNECTED:
		say(row->name, endpoint->text,
			"a connection was passed for it, and no listener",
			"Accept=no");
		break;
	case INHERITED_ELSEWHERE:
	case INHERITED_FITS:
		break;
	}
}

/* As one that we would have opened. 0 or -errno. */
static int prepare(
	const struct service *row, const struct endpoint *endpoint, int fd)
{
	int result = 0;

	if (endpoint->kind == ENDPOINT_INET || endpoint->kind == ENDPOINT_UNIX)
		result = sys_listen_again(fd, (int)row->backlog);
	if (result == 0)
		result = fd_nonblocking(fd, row->nonblocking);
	return result;
}

int passed_take(const struct service *row, struct listener *out)
{
	for (int i = 0; i < passed.n; i++) {
		struct inherited *item = &passed.items[i];
		enum inherited_fit how;

		if (item->fd < 0)
			continue;
		how = fit(item, out->endpoint, out);
		say_misfit(row, out->endpoint, how);
		if (how != INHERITED_FITS ||
			prepare(row, out->endpoint, item->fd) < 0)
			continue;
		out->fd = fd_take(&item->fd);
		out->stored = store_is_ours(item->name);
		out->passed = item->was >= 0 && !out->stored;
		return 0;
	}
	return -ENOENT;
}

/* A listener of a master that died, which nobody wants any more. */
static void let_go(struct inherited *item)
{
	struct listener listener = {.fd = item->fd, .stored = true};

	store_drop(&listener);
	(void)sys_shutdown(item->fd, SHUT_RDWR);
	fd_close(&item->fd);
}

void passed_finish(void)
{
	for (int i = 0; i < passed.n; i++) {
		struct inherited *item = &passed.items[i];

		if (item->fd >= 0 && item->was < 0)
			fd_close(&item->fd);
		if (item->fd < 0)
			continue;
		if (store_is_ours(item->name)) {
			let_go(item);
			continue;
		}
		say(NULL, item->name,
			"what was passed by this name is no endpoint of a "
			"service; it is closed",
			"name its address under listen, or its socket unit "
			"not at all");
		fd_close(&item->fd);
	}
	free(passed.items);
	passed.items = NULL;
	passed.n = 0;
}

void passed_is_lost(
	const struct service_state *state, const struct listener *listener)
{
	say(state->row->name, listener->endpoint->text,
		"a worker shut it down, and it was passed to us: it cannot be "
		"opened again here",
		"restart its socket unit, and then us");
}

void passed_is_given_up(const struct listener *listener)
{
	say(NULL, listener->endpoint->text,
		"nobody serves it any more, but it was passed to us and is "
		"still open: clients wait there in vain",
		"stop its socket unit");
}

void passed_offer(int fd, const char *name)
{
	struct inherited *items;

	if (fd < 0)
		return;
	items = realloc(passed.items, ((size_t)passed.n + 1) * sizeof(*items));
	if (items == NULL) {
		fd_close(&fd);
		return;
	}
	passed.items = items;
	items[passed.n] =
		(struct inherited){.fd = fd, .was = name == NULL ? -1 : fd};
	if (name != NULL)
		(void)snprintf(items[passed.n].name,
			sizeof(items[passed.n].name), "%s", name);
	passed.n++;
}
