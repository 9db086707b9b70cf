/* SPDX-License-Identifier: MIT */
#include "programs/spawn/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
	struct sockaddr_storage room;
};

static void name_ipv6(struct peer_name *out, const struct sockaddr_in6 *in6)
{
	const struct in6_addr *a = &in6->sin6_addr;

	if (IN6_IS_ADDR_V4MAPPED(a))
		(void)inet_ntop(
			AF_INET, &a->s6_addr[12], out->ip, sizeof(out->ip));
	else
		(void)inet_ntop(AF_INET6, a, out->ip, sizeof(out->ip));
	(void)snprintf(
		out->port, sizeof(out->port), "%u", ntohs(in6->sin6_port));
}

static void name_peer(struct peer_name *out, const union address *address)
{
	if (address->any.sa_family == AF_INET6) {
		name_ipv6(out, &address->in6);
	} else if (address->any.sa_family == AF_INET) {
		(void)inet_ntop(AF_INET, &address->in.sin_addr, out->ip,
			sizeof(out->ip));
		(void)snprintf(out->port, sizeof(out->port), "%u",
			ntohs(address->in.sin_port));
	}
}

/* Nameless and abstract sockets have no path; PATH is then left empty. */
static void name_path(char *path, const union address *address, socklen_t n)
{
	size_t head = offsetof(struct sockaddr_un, sun_path);

	if (address->any.sa_family != AF_UNIX || n <= head)
		return;
	if (address->un.sun_path[0] == '\0')
		return;
	memcpy(path, address->un.sun_path, n - head);
	path[n - head] = '\0';
}

static void identify_peer(struct client *out, int fd)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0)
		return;
	(void)snprintf(out->pid, sizeof(out->pid), "%d", (int)peer.pid);
	(void)snprintf(out->uid, sizeof(out->uid), "%u", peer.uid);
	(void)snprintf(out->gid, sizeof(out->gid), "%u", peer.gid);
}

static void describe(struct client *out)
{
	if (out->is_unix)
		(void)snprintf(out->text, sizeof(out->text),
			"unix:uid=%s,pid=%s", out->uid, out->pid);
	else
		(void)snprintf(out->text, sizeof(out->text),
			strchr(out->remote.ip, ':') != NULL ? "[%s]:%s"
							    : "%s:%s",
			out->remote.ip, out->remote.port);
}

void client_identify(struct client *out, int fd)
{
	union address local = {.any.sa_family = AF_UNSPEC};
	union address remote = {.any.sa_family = AF_UNSPEC};
	socklen_t local_n = sizeof(local), remote_n = sizeof(remote);

	memset(out, 0, sizeof(*out));
	/* A failure leaves AF_UNSPEC, which has no name. */
	(void)getsockname(fd, &local.any, &local_n);
	(void)getpeername(fd, &remote.any, &remote_n);
	out->is_unix = local.any.sa_family == AF_UNIX;
	if (out->is_unix) {
		name_path(out->local_path, &local, local_n);
		name_path(out->remote_path, &remote, remote_n);
		identify_peer(out, fd);
	} else {
		name_peer(&out->local, &local);
		name_peer(&out->remote, &remote);
	}
	describe(out);
}
