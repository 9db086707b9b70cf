/* SPDX-License-Identifier: MIT */
#include "sys/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "sys/fd.h"

/* Since Linux 6.16; the headers of older systems do not have it. */
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

/* The kernel's own limit of descriptors in one message (SCM_MAX_FD). */
#define GIFTS_MAX 253

/* More messages than any queue holds. */
#define LAST_WORDS_MAX 65536

/* Aligned like the headers that are read from it. */
union control {
	struct cmsghdr first;
	char bytes[CMSG_SPACE(sizeof(struct ucred)) +
		   CMSG_SPACE(GIFTS_MAX * sizeof(int))];
};

int sys_channel_pair(int out[2], bool credentials)
{
	AUTO_CLOSE int ours = -1;
	AUTO_CLOSE int theirs = -1;
	int ends[2];
	int on = 1;
	int result;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	ours = ends[0];
	theirs = ends[1];
	result = fd_nonblocking(ours, true);
	if (result < 0)
		return result;
	sys_refuse_gifts(ours);
	if (credentials &&
		setsockopt(ours, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return -errno;
	out[0] = fd_take(&ours);
	out[1] = fd_take(&theirs);
	return 0;
}

int sys_channel_send(
	int fd, const void *data, size_t n, const int *fds, unsigned fds_n)
{
	union control control;
	struct iovec part = {.iov_len = n};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(fds_n * sizeof(int)),
	};
	ssize_t sent;

	if (fds_n == 0 || fds_n > GIFTS_MAX)
		return -EINVAL;
	memset(&control, 0, sizeof(control));
	memcpy(&part.iov_base, &data, sizeof(data)); /* it is only read */
	control.first.cmsg_level = SOL_SOCKET;
	control.first.cmsg_type = SCM_RIGHTS;
	control.first.cmsg_len = CMSG_LEN(fds_n * sizeof(int));
	memcpy(CMSG_DATA(&control.first), fds, fds_n * sizeof(int));
	do
		sent = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

void sys_refuse_gifts(int fd)
{
	int off = 0;

	(void)setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off));
}

/*
 * The sender may have closed its own: then this is the last close of a socket
 * that was told to linger, and would sleep for as long as the sender likes.
 */
static void close_gift(int *gift)
{
	struct linger none = {.l_onoff = 0};

	(void)setsockopt(*gift, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	fd_close(gift);
}

static void close_gifts(const struct cmsghdr *item)
{
	size_t n = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < n; i++) {
		int gift;

		memcpy(&gift, CMSG_DATA(item) + i * sizeof(int), sizeof(int));
		close_gift(&gift);
	}
}

static void read_credentials(
	const struct cmsghdr *item, struct channel_message *out)
{
	struct ucred sender;

	memcpy(&sender, CMSG_DATA(item), sizeof(sender));
	out->has_credentials = true;
	out->pid = sender.pid;
	out->uid = sender.uid;
	out->gid = sender.gid;
}

static void read_control(struct msghdr *message, struct channel_message *out)
{
	struct cmsghdr *item = CMSG_FIRSTHDR(message);

	for (; item != NULL; item = CMSG_NXTHDR(message, item)) {
		if (item->cmsg_level != SOL_SOCKET)
			continue;
		if (item->cmsg_type == SCM_RIGHTS)
			close_gifts(item);
		else if (item->cmsg_type == SCM_CREDENTIALS &&
			 item->cmsg_len >= CMSG_LEN(sizeof(struct ucred)))
			read_credentials(item, out);
	}
}

static void take(
	struct msghdr *message, size_t size, struct channel_message *out)
{
	*out = (struct channel_message){
		.size = size,
		.truncated = (message->msg_flags & MSG_TRUNC) != 0,
	};
	read_control(message, out);
}

int sys_channel_read(int fd, void *data, size_t n, struct channel_message *out)
{
	union control control;
	struct iovec part = {.iov_base = data, .iov_len = n};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t size;

	do
		size = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (size < 0 && errno == EINTR);
	if (size < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
	take(&message, (size_t)size, out);
	return 1;
}

int sys_channel_read_batch(int fd, struct channel_batch *out)
{
	/* Each is as long as its alignment wants the next to begin. */
	_Alignas(struct cmsghdr) char controls[CHANNEL_BATCH]
					      [sizeof(union control)];
	struct iovec parts[CHANNEL_BATCH];
	struct mmsghdr headers[CHANNEL_BATCH];
	int n;

	for (unsigned i = 0; i < CHANNEL_BATCH; i++) {
		parts[i] = (struct iovec){
			.iov_base = out->bytes[i], .iov_len = CHANNEL_BYTES};
		headers[i] = (struct mmsghdr){
			.msg_hdr = {.msg_iov = &parts[i],
				.msg_iovlen = 1,
				.msg_control = &controls[i],
				.msg_controllen = sizeof(controls[i])}};
	}
	do
		n = recvmmsg(fd, headers, CHANNEL_BATCH,
			MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
	for (int i = 0; i < n; i++)
		take(&headers[i].msg_hdr, headers[i].msg_len,
			&out->messages[i]);
	return n;
}

/* Both are empty: the end has no sender, and a stream no empty messages. */
static bool is_end(const struct channel_message *message, int type)
{
	return message->size == 0 &&
	       (type == SOCK_STREAM || !message->has_credentials);
}

void sys_channel_close(int *fd)
{
	struct channel_message message;
	char bytes[256];
	int on = 1;
	int type = SOCK_STREAM;
	socklen_t size = sizeof(type);

	if (*fd < 0)
		return;
	(void)setsockopt(*fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	(void)getsockopt(*fd, SOL_SOCKET, SO_TYPE, &type, &size);
	/* Nothing can be sent from here on; what was sent is looked through. */
	(void)shutdown(*fd, SHUT_RDWR);
	for (unsigned n = 0; n < LAST_WORDS_MAX; n++)
		if (sys_channel_read(*fd, bytes, sizeof(bytes), &message) <=
				0 ||
			is_end(&message, type))
			break;
	fd_close(fd);
}
