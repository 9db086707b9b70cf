/* SPDX-License-Identifier: MIT */
#include "sys/parcel.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "sys/clock.h"
#include "sys/fd.h"

#define NS_PER_MS UINT64_C(1000000)

/* Aligned like the header that is read from it. */
union control {
	struct cmsghdr first;
	char bytes[CMSG_SPACE(sizeof(int))];
};

/* The padding would have room for another descriptor, which nobody closes. */
#define ONE_GIFT CMSG_LEN(sizeof(int))

int sys_parcel_pair(int out[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, out) < 0
		       ? -errno
		       : 0;
}

int sys_parcel_inherited(const char *variable)
{
	const char *word = getenv(variable);
	char *end;
	long fd;

	if (word == NULL)
		return -ENOENT;
	errno = 0;
	fd = strtol(word, &end, 10);
	(void)unsetenv(variable);
	if (errno != 0 || end == word || *end != '\0' || fd < 3 ||
		fd > INT_MAX || fd_inherit((int)fd, false) < 0)
		return -ENOENT;
	return (int)fd;
}

int sys_parcel_send(int fd, const char *words, size_t n, int gift)
{
	union control control;
	struct iovec part = {.iov_len = n};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t sent;

	memcpy(&part.iov_base, &words, sizeof(words)); /* it is only read */
	if (gift >= 0) {
		memset(&control, 0, sizeof(control));
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(sizeof(int));
		control.first.cmsg_level = SOL_SOCKET;
		control.first.cmsg_type = SCM_RIGHTS;
		control.first.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.first), &gift, sizeof(gift));
	}
	do
		sent = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		return 0;
	/* Too many descriptors on their way are soon fewer. */
	return errno == ETOOMANYREFS || errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

static int gift_of(struct msghdr *message)
{
	const struct cmsghdr *item = CMSG_FIRSTHDR(message);
	int gift = -1;

	if (item != NULL && item->cmsg_level == SOL_SOCKET &&
		item->cmsg_type == SCM_RIGHTS &&
		item->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&gift, CMSG_DATA(item), sizeof(gift));
	return gift;
}

int sys_parcel_receive(int fd, char *words, size_t size, int *out_gift)
{
	AUTO_CLOSE int gift = -1;
	union control control;
	struct iovec part = {.iov_base = words, .iov_len = size - 1};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = ONE_GIFT};
	ssize_t n;

	*out_gift = -1;
	do
		n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	/* Its last words were read: whoever held the other end is gone. */
	if (n < 0 && errno == ECONNRESET)
		return 0;
	if (n < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	gift = gift_of(&message);
	if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		return -EMSGSIZE;
	words[n] = '\0';
	*out_gift = fd_take(&gift);
	return (int)n;
}

int sys_parcel_wait(int fd, int send, uint64_t until_ns)
{
	for (;;) {
		struct pollfd ready = {
			.fd = fd, .events = send ? POLLOUT : POLLIN};
		uint64_t now_ns = clock_now_ns();
		int n;

		if (now_ns >= until_ns)
			return 0;
		n = poll(&ready, 1, (int)((until_ns - now_ns) / NS_PER_MS) + 1);
		if (n > 0)
			return 1;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}
