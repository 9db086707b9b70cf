/* SPDX-License-Identifier: MIT */
#include "sys/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys/net_path.h"

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

/* ---- internet addresses ---------------------------------------------------- */

static int make_ipv4(
	const uint8_t address[4], uint16_t port, struct net_address *out)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
	};

	memcpy(&in.sin_addr, address, sizeof(in.sin_addr));
	*out = (struct net_address){.size = sizeof(in)};
	memcpy(&out->storage, &in, sizeof(in));
	return 0;
}

static int make_ipv6(
	const uint8_t address[16], uint16_t port, struct net_address *out)
{
	struct sockaddr_in6 in = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(port),
	};

	memcpy(&in.sin6_addr, address, sizeof(in.sin6_addr));
	*out = (struct net_address){.size = sizeof(in)};
	memcpy(&out->storage, &in, sizeof(in));
	return 0;
}

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno
									: 0;
}

/* All that must be so before it is bound. */
static int set_options(int fd, int v6only, const struct net_inet *how)
{
	/* Connections of an earlier life must not keep us from the port. */
	int result = set(fd, SOL_SOCKET, SO_REUSEADDR, 1);

	if (result == 0 && v6only >= 0)
		result = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, v6only);
	/* Workers share the socket: none may hang a filter on it. */
	if (result == 0)
		result = set(fd, SOL_SOCKET, SO_LOCK_FILTER, 1);
	if (result == 0 && how != NULL && how->shared)
		result = sys_listener_share(fd, true);
	if (result < 0 || how == NULL || how->buffer_bytes == 0)
		return result;
	/* What clients are promised depends on it: before they come. */
	result = set(fd, SOL_SOCKET, SO_SNDBUF, how->buffer_bytes);
	return result < 0 ? result
			  : set(fd, SOL_SOCKET, SO_RCVBUF, how->buffer_bytes);
}

/* V6ONLY: 0 or 1, or -1 for IPv4. */
static int listen_at(const struct net_address *at, int v6only, int backlog,
	const struct net_inet *how)
{
	AUTO_CLOSE int fd = -1;
	int result;

	fd = socket(at->storage.ss_family,
		SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	result = set_options(fd, v6only, how);
	if (result < 0)
		return result;
	if (bind(fd, (const struct sockaddr *)&at->storage, at->size) < 0)
		return -errno;
	if (listen(fd, backlog) < 0)
		return -errno;
	return fd_take(&fd);
}

int sys_listener_share(int fd, bool on)
{
	return set(fd, SOL_SOCKET, SO_REUSEPORT, on ? 1 : 0);
}

int sys_listen_inet(int family, const uint8_t address[16], uint16_t port,
	int backlog, const struct net_inet *how)
{
	static const uint8_t any[16] = {0};
	struct net_address at;
	int fd;

	switch (family) {
	case NET_IPV4:
		(void)make_ipv4(address, port, &at);
		return listen_at(&at, -1, backlog, how);
	case NET_IPV6:
		(void)make_ipv6(address, port, &at);
		return listen_at(&at, 1, backlog, how);
	case NET_BOTH:
		(void)make_ipv6(any, port, &at);
		fd = listen_at(&at, 0, backlog, how);
		/* No IPv6 in the kernel, or none on any interface. */
		if (fd != -EAFNOSUPPORT && fd != -EADDRNOTAVAIL)
			return fd;
		(void)make_ipv4(any, port, &at);
		return listen_at(&at, -1, backlog, how);
	}
	return -EAFNOSUPPORT;
}

int sys_local_address(int fd, struct net_address *out)
{
	struct net_address found = {.size = sizeof(found.storage)};

	if (getsockname(fd, (struct sockaddr *)&found.storage, &found.size) < 0)
		return -errno;
	*out = found;
	return 0;
}

int sys_local_port(int fd)
{
	struct net_address at;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	int result = sys_local_address(fd, &at);

	if (result < 0)
		return result;
	memcpy(&in, &at.storage, sizeof(in));
	memcpy(&in6, &at.storage, sizeof(in6));
	if (at.storage.ss_family == AF_INET)
		return ntohs(in.sin_port);
	if (at.storage.ss_family == AF_INET6)
		return ntohs(in6.sin6_port);
	return -EAFNOSUPPORT;
}

/* ---- any socket -------------------------------------------------------------- */

int sys_listen_again(int fd, int backlog)
{
	return listen(fd, backlog) < 0 ? -errno : 0;
}

int sys_listener_alive(int fd)
{
	int listening = 0;
	socklen_t size = sizeof(listening);

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0)
		return -errno;
	return listening != 0;
}

/* A listener of AF_UNIX still counts as listening then. */
int sys_is_shut(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLRDHUP};

	if (poll(&poll_fd, 1, 0) < 0)
		return -errno;
	return (poll_fd.revents & (POLLHUP | POLLRDHUP)) != 0;
}

int sys_shutdown(int fd, int how)
{
	return shutdown(fd, how) < 0 ? -errno : 0;
}

int sys_take_error(int fd)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return -errno;
	return error;
}

int sys_has_peer(int fd)
{
	struct net_address peer = {.size = sizeof(peer.storage)};

	return getpeername(fd, (struct sockaddr *)&peer.storage, &peer.size) ==
	       0;
}

/* ---- the wake-up client -------------------------------------------------------- */

static bool is_any(const uint8_t *address, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (address[i] != 0)
			return false;
	return true;
}

/* Where a listener at the target's address can be reached from here. */
static int find_inet(const struct wake_target *target, struct net_address *out)
{
	static const uint8_t loopback4[4] = {127, 0, 0, 1};
	static const uint8_t loopback6[16] = {[15] = 1};
	const uint8_t *address = target->address;

	switch (target->family) {
	case NET_IPV4:
		if (is_any(address, 4))
			address = loopback4;
		return make_ipv4(address, target->port, out);
	case NET_IPV6:
		if (is_any(address, 16))
			address = loopback6;
		return make_ipv6(address, target->port, out);
	case NET_BOTH:
		return make_ipv4(loopback4, target->port, out);
	}
	return -EAFNOSUPPORT;
}

static int connect_inet(const struct wake_target *target)
{
	AUTO_CLOSE int fd = -1;
	struct net_address at;
	int result = find_inet(target, &at);

	if (result < 0)
		return result;
	fd = socket(at.storage.ss_family,
		SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&at.storage, at.size) < 0 &&
		errno != EINPROGRESS)
		return -errno;
	return fd_take(&fd);
}

static int connect_local(const char *path, int type, int flags)
{
	AUTO_CLOSE int fd = -1;
	int result;

	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | flags, 0);
	if (fd < 0)
		return -errno;
	result = net_connect_path(fd, path);
	return result < 0 ? result : fd_take(&fd);
}

int sys_wake_start(const struct wake_target *target)
{
	int fd = -1;

	switch (target->kind) {
	case WAKE_INET:
		return connect_inet(target);
	case WAKE_UNIX:
		return connect_local(target->path, SOCK_STREAM, SOCK_NONBLOCK);
	case WAKE_DGRAM:
		return connect_local(target->path, SOCK_DGRAM, SOCK_NONBLOCK);
	case WAKE_FIFO:
		fd = open(target->path, O_WRONLY | O_NONBLOCK | O_CLOEXEC |
						O_NOFOLLOW | O_NOCTTY);
		return fd < 0 ? -errno : fd;
	}
	return -EINVAL;
}

int sys_wake_send(int fd, const void *data, size_t n)
{
	ssize_t done;

	do
		done = send(fd, data, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (done < 0 && errno == EINTR);
	if (done < 0 && errno == ENOTSOCK)
		return sys_write(fd, data, n); /* SIGPIPE is blocked */
	return done < 0 ? -errno : (int)done;
}

/* One byte, which is a NUL, and the descriptor GIFT. */
static int send_gift(int fd, int gift)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = "";
	struct iovec byte = {.iov_base = (char[]){'\0'}, .iov_len = 1};
	struct msghdr message = {.msg_iov = &byte,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	ssize_t done;

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(gift));
	memcpy(CMSG_DATA(header), &gift, sizeof(gift));
	do
		done = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (done < 0 && errno == EINTR);
	return done < 0 ? -errno : 0;
}

int sys_wake_pass(int fd, const void *data, size_t n)
{
	AUTO_CLOSE int theirs = -1;
	AUTO_CLOSE int ours = -1;
	int ends[2];
	int result = sys_pipe(ends, false);

	if (result < 0)
		return result;
	theirs = ends[0];
	ours = ends[1];
	/* All is in it before they can look: it ends behind that. */
	result = sys_write(ours, data, n);
	return result < 0 ? result : send_gift(fd, theirs);
}

/* ---- the control socket ---------------------------------------------------------- */

int sys_accept(int fd)
{
	int client;

	/* A client that has left again is not an error, nor the last one. */
	do
		client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	while (client < 0 && (errno == EINTR || errno == ECONNABORTED));
	return client < 0 ? -errno : client;
}

int sys_peer(int fd, struct peer *out)
{
	struct ucred sender;
	socklen_t size = sizeof(sender);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &sender, &size) < 0)
		return -errno;
	*out = (struct peer){
		.pid = sender.pid, .uid = sender.uid, .gid = sender.gid};
	return 0;
}

/* All of the peer's supplementary groups, however many. */
static int search_groups(int fd, gid_t gid)
{
	gid_t few[64];
	gid_t *groups = few;
	gid_t *many = NULL;
	socklen_t size = sizeof(few);
	int result = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, few, &size);

	if (result < 0 && errno == ERANGE) {
		many = groups = malloc(size);
		if (many == NULL)
			return -ENOMEM;
		result = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, many, &size);
	}
	if (result < 0)
		result = -errno;
	for (size_t i = 0; result == 0 && i < size / sizeof(gid_t); i++)
		if (groups[i] == gid)
			result = 1;
	free(many);
	return result;
}

int sys_peer_in_group(int fd, gid_t gid)
{
	struct peer peer = {.pid = 0};
	int result = sys_peer(fd, &peer);

	if (result < 0)
		return result;
	return peer.gid == gid ? 1 : search_groups(fd, gid);
}

int sys_connect_unix(const char *path, uint64_t timeout_ns)
{
	AUTO_CLOSE int fd = -1;
	struct timeval wait = {
		.tv_sec = (time_t)(timeout_ns / 1000000000u),
		.tv_usec = (suseconds_t)(timeout_ns % 1000000000u / 1000u),
	};
	int result;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* The same limit bounds connect(), if the queue is full. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) <
			0)
		return -errno;
	result = net_connect_path(fd, path);
	return result < 0 ? result : fd_take(&fd);
}
