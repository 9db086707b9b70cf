/* SPDX-License-Identifier: MIT */
/*
 * How an endpoint becomes a descriptor, and its name one that others find.
 */
#include "master/listeners.h"

#include <errno.h>
#include <sys/socket.h>

#include "master/edition.h"
#include "master/services.h"
#include "sys/creds.h"
#include "sys/fd.h"
#include "sys/net.h"
#include "sys/path.h"
#include "table/service.h"

static struct net_nearby nearby = {.directory = -1}; /* during a start */

int listener_family(enum endpoint_family family)
{
	switch (family) {
	case FAMILY_IPV4:
		return NET_IPV4;
	case FAMILY_IPV6:
		return NET_IPV6;
	case FAMILY_BOTH:
	case FAMILY_NONE:
		break;
	}
	return NET_BOTH;
}

/* Who is not named is the master itself. */
static struct net_owner owner_of(
	const struct service *row, const struct identity *owner)
{
	bool any = row->socket_owner != NULL || row->socket_group != NULL;

	return (struct net_owner){
		.uid = row->socket_owner != NULL ? owner->uid : sys_uid(),
		.gid = any ? owner->gid : sys_gid(),
		.mode = row->socket_mode,
		.directory_group = row->socket_dir_group,
	};
}

bool listener_has_name(const struct listener *listener)
{
	return listener->endpoint->path == NULL ||
	       sys_unix_is_there(
		       listener->endpoint->path, listener->dev, listener->ino);
}

int listener_protect(const struct listener *listener, const struct service *row,
	const struct identity *owner)
{
	struct net_owner names = owner_of(row, owner);
	struct maker maker = maker_of(row, owner);
	int result = maker_begin(&maker);

	if (result < 0)
		return result;
	result = sys_unix_protect(
		listener->endpoint->path, listener->dev, listener->ino, &names);
	maker_end(&maker);
	return result;
}

void listener_unlink(const struct listener *listener)
{
	if (listener->endpoint->path == NULL || listener->passed ||
		maker_begin(&listener->maker) < 0)
		return;
	(void)sys_unix_unlink(
		listener->endpoint->path, listener->dev, listener->ino);
	maker_end(&listener->maker);
}

int listener_commit(const struct maker *maker, struct net_named *named)
{
	int result;

	if (named->there != NULL)
		return sys_listen_unix_commit(named); /* no name is touched */
	result = maker_begin(maker);
	if (result < 0)
		return result;
	result = sys_listen_unix_commit(named);
	maker_end(maker);
	return result;
}

void listener_abort(const struct maker *maker, struct net_named *named)
{
	bool begun;

	if (named->directory < 0 && named->there == NULL) {
		sys_listen_unix_abort(named); /* no name is touched */
		return;
	}
	/* The descriptor is closed at least. */
	begun = maker_begin(maker) == 0;
	sys_listen_unix_abort(named);
	if (begun)
		maker_end(maker);
}

static enum net_replace replaces(
	const struct service *row, enum listener_way way)
{
	if (row->socket_overwrites)
		return NET_REPLACE_ANY;
	return way == LISTENER_REPLACE ? NET_REPLACE_SOCKET : NET_REPLACE_STALE;
}

static int open_unix(const struct service *row, const struct endpoint *endpoint,
	const struct net_owner *names, enum listener_way way,
	struct net_named *named)
{
	int type = endpoint->kind == ENDPOINT_UNIX ? SOCK_STREAM : SOCK_DGRAM;
	enum net_replace how = replaces(row, way);
	int fd = -EADDRINUSE;

	if (way == LISTENER_AT_ONCE)
		fd = sys_listen_unix_at_once(&nearby, endpoint->path, type,
			(int)row->backlog, names, named);
	if (fd == -EADDRINUSE)
		fd = sys_listen_unix(endpoint->path, type, (int)row->backlog,
			names, how, named);
	return fd;
}

static int open_as_maker(const struct service *row,
	const struct endpoint *endpoint, const struct identity *owner,
	enum listener_way way, struct net_named *named)
{
	struct net_owner names = owner_of(row, owner);
	const struct net_inet inet = {.shared = way == LISTENER_SHARE,
		.buffer_bytes = (int)row->socket_bytes};
	int fd = -EINVAL;

	switch (endpoint->kind) {
	case ENDPOINT_INET:
		fd = sys_listen_inet(listener_family(endpoint->family),
			endpoint->address, endpoint->port, (int)row->backlog,
			&inet);
		break;
	case ENDPOINT_UNIX:
	case ENDPOINT_DGRAM:
		fd = open_unix(row, endpoint, &names, way, named);
		break;
	case ENDPOINT_FIFO:
		fd = sys_listen_fifo(
			endpoint->path, &names, replaces(row, way), named);
		break;
	}
	if (fd >= 0 && endpoint->kind != ENDPOINT_INET)
		fd = fd_take(&named->fd);
	if (fd >= 0 && !row->nonblocking)
		(void)fd_nonblocking(fd, false);
	return fd;
}

int listener_open(const struct service *row, const struct endpoint *endpoint,
	const struct identity *owner, enum listener_way way,
	struct net_named *named)
{
	struct maker maker = maker_of(row, owner);
	int result = maker_begin(&maker);

	if (result < 0)
		return result;
	result = open_as_maker(row, endpoint, owner, way, named);
	maker_end(&maker);
	return result;
}

void listeners_opened(void)
{
	net_nearby_finish(&nearby);
}
