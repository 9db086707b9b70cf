/* SPDX-License-Identifier: MIT */
#include "programs/bounce/queue.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

static int begin(struct queue *queue)
{
	if (queue->netlink < 0)
		queue->netlink = socket(AF_NETLINK,
			SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_SOCK_DIAG);
	return queue->netlink < 0 ? -errno : 0;
}

static int ask(struct queue *queue, uint32_t inode)
{
	struct {
		struct nlmsghdr header;
		struct unix_diag_req request;
	} question = {
		.header = {.nlmsg_len = sizeof(question),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST,
			.nlmsg_seq = ++queue->sequence},
		.request = {.sdiag_family = AF_UNIX,
			.udiag_states = UINT32_MAX,
			.udiag_ino = inode,
			.udiag_show = UDIAG_SHOW_RQLEN,
			.udiag_cookie = {UINT32_MAX, UINT32_MAX}},
	};

	return send(queue->netlink, &question, sizeof(question), 0) < 0 ? -errno
									: 0;
}

/* The length is the only attribute that was asked for. */
static int parse(const char *data, size_t n, uint32_t sequence)
{
	size_t at = NLMSG_LENGTH(sizeof(struct unix_diag_msg));
	struct nlmsghdr header;
	struct rtattr attribute;
	struct unix_diag_rqlen length;

	if (n < sizeof(header))
		return -EPROTO;
	memcpy(&header, data, sizeof(header));
	if (header.nlmsg_seq != sequence)
		return -EAGAIN;
	if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return -ENOENT;
	if (n < at + RTA_LENGTH(sizeof(length)))
		return -EPROTO;
	memcpy(&attribute, data + at, sizeof(attribute));
	if (attribute.rta_type != UNIX_DIAG_RQLEN)
		return -EPROTO;
	memcpy(&length, data + at + RTA_LENGTH(0), sizeof(length));
	return (int)length.udiag_rqueue;
}

/* The kernel answers while it is asked; something older may come before. */
static int waiting_unix(struct queue *queue, int listener)
{
	char data[512];
	struct stat st;
	int result = begin(queue);

	if (result < 0)
		return result;
	if (fstat(listener, &st) < 0)
		return -errno;
	result = ask(queue, (uint32_t)st.st_ino);
	if (result < 0)
		return result;
	do {
		ssize_t n =
			recv(queue->netlink, data, sizeof(data), MSG_DONTWAIT);

		if (n < 0)
			return errno == EAGAIN ? -ENODATA : -errno;
		result = parse(data, (size_t)n, queue->sequence);
	} while (result == -EAGAIN);
	return result;
}

int queue_waiting(struct queue *queue, int listener)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);

	if (getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &size) == 0)
		return (int)info.tcpi_unacked; /* of a listener: its queue */
	return waiting_unix(queue, listener);
}
