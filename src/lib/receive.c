/* SPDX-License-Identifier: MIT */
#include "lib/receive.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NS_PER_MS UINT64_C(1000000)

/* As long as Postfix waits; less where other clients have to wait for it. */
#define PATIENCE_MS 100000
#define PATIENCE_SHARED_MS 10000

static uint64_t deadline_of(const struct ostler_worker *w)
{
	uint64_t ms = w->clients_max > 1 ? PATIENCE_SHARED_MS : PATIENCE_MS;

	return ostler__now_ns() + ms * NS_PER_MS;
}

static int await(int fd, uint64_t deadline_ns)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		uint64_t now = ostler__now_ns();
		int n;

		if (now >= deadline_ns)
			return -ETIMEDOUT;
		n = poll(&p, 1, (int)((deadline_ns - now) / NS_PER_MS) + 1);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

static int descriptor_in(struct msghdr *message)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(message);
	int fd;

	if (c == NULL || c->cmsg_level != SOL_SOCKET ||
		c->cmsg_type != SCM_RIGHTS ||
		c->cmsg_len != CMSG_LEN(sizeof(fd)))
		return -EPROTO;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static int receive_descriptor(int connection, uint64_t deadline_ns)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte;
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes)};
	int result = await(connection, deadline_ns);

	if (result < 0)
		return result;
	if (recvmsg(connection, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) < 0)
		return -errno;
	return descriptor_in(&message);
}

/* Is there an empty name, after N bytes of names and values? */
static bool is_whole(const char *list, size_t n)
{
	const char *p = list, *end = list + n;

	for (bool name = true; p < end; name = !name) {
		const char *nul = memchr(p, '\0', (size_t)(end - p));

		if (nul == NULL)
			return false;
		if (name && nul == p)
			return true;
		p = nul + 1;
	}
	return false;
}

static int receive_attributes(
	struct ostler_worker *w, int connection, uint64_t deadline_ns)
{
	size_t n = 0;

	while (!is_whole(w->attributes, n)) {
		int result = await(connection, deadline_ns);
		ssize_t got;

		if (result < 0)
			return result;
		if (n == sizeof(w->attributes))
			return -EMSGSIZE;
		got = recv(connection, w->attributes + n,
			sizeof(w->attributes) - n, MSG_DONTWAIT);
		if (got == 0)
			return -EPROTO;
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		n += got > 0 ? (size_t)got : 0;
	}
	return 0;
}

/* The sender had its own way; clients of this worker are all alike. */
static void set_blocking(const struct ostler_worker *w, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return;
	flags = w->nonblocking_clients ? flags | O_NONBLOCK
				       : flags & ~O_NONBLOCK;
	(void)fcntl(fd, F_SETFL, flags); /* not everything has such flags */
}

static int receive(struct ostler_worker *w, int connection, bool bare)
{
	uint64_t deadline_ns = deadline_of(w);
	int fd = receive_descriptor(connection, deadline_ns);
	int result = 0;

	w->attributes[0] = '\0';
	if (fd >= 0 && !bare)
		result = receive_attributes(w, connection, deadline_ns);
	(void)close(connection);
	if (fd < 0)
		return fd;
	if (result < 0) {
		w->attributes[0] = '\0';
		(void)close(fd);
		return result;
	}
	set_blocking(w, fd);
	return fd;
}

int ostler__receive_bare(struct ostler_worker *w, int connection)
{
	return receive(w, connection, true);
}

int ostler_worker_receive(struct ostler_worker *worker, int connection)
{
	if (!ostler__start_is_on(&worker->start, MASTER_XPORT_NAME_PASS))
		return connection;
	return receive(worker, connection, false);
}

const char *ostler_worker_attribute(
	const struct ostler_worker *worker, const char *name)
{
	const char *p = worker->attributes;

	while (*p != '\0') {
		const char *value = p + strlen(p) + 1;

		if (strcmp(p, name) == 0)
			return value;
		p = value + strlen(value) + 1;
	}
	return NULL;
}
