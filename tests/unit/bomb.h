/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_TESTS_BOMB_H
#define OSTLER_TESTS_BOMB_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/clock.h"
#include "check.h"

/*
 * bomb - a socket whose last close sleeps: it lingers, with bytes that its
 *        peer does not take
 */
#define BOMB_S 15
#define AT_ONCE_NS UINT64_C(5000000000)

struct bomb {
	int fd;
	int peer;
};

static inline void bomb_make(struct bomb *out)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct linger linger = {.l_onoff = 1, .l_linger = BOMB_S};
	socklen_t size = sizeof(at);
	int small = 4096;
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	char bytes[65536] = "";

	setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	assert_int_equal(bind(listener, (struct sockaddr *)&at, size), 0);
	assert_int_equal(listen(listener, 1), 0);
	getsockname(listener, (struct sockaddr *)&at, &size);
	out->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(out->fd, (struct sockaddr *)&at, size), 0);
	out->peer = accept(listener, NULL, NULL);
	close(listener);
	while (send(out->fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	assert_int_equal(setsockopt(out->fd, SOL_SOCKET, SO_LINGER, &linger,
				 sizeof(linger)),
		0);
}

/* Sends it with SIZE bytes, and keeps none. 0 or -1. */
static inline int bomb_send(int fd, struct bomb *bomb, size_t size)
{
	union {
		struct cmsghdr first;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = {.iov_base = (char[]){"gift"}, .iov_len = size};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct linger none = {.l_onoff = 0};
	ssize_t sent;

	memset(&control, 0, sizeof(control));
	control.first.cmsg_level = SOL_SOCKET;
	control.first.cmsg_type = SCM_RIGHTS;
	control.first.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.first), &bomb->fd, sizeof(int));
	sent = sendmsg(fd, &message, MSG_NOSIGNAL);
	if (sent < 0)
		setsockopt(
			bomb->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	close(bomb->fd);
	return sent < 0 ? -1 : 0;
}

#endif
