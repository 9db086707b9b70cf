/* SPDX-License-Identifier: MIT */
#include "sys/depth.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/fd.h"

#define TCP_STATE_LISTEN 10 /* of <netinet/tcp.h>, which <linux/tcp.h> bars */

/* For a listener, "unacked" is its queue and "sacked" the queue's limit. */
static int tcp_info(int fd, struct tcp_info *out)
{
	socklen_t size = sizeof(*out);

	memset(out, 0, sizeof(*out));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, out, &size) < 0)
		return -errno;
	return out->tcpi_state == TCP_STATE_LISTEN ? 0 : -EINVAL;
}

int sys_depth_tcp(int listen_fd)
{
	struct tcp_info info;
	int result = tcp_info(listen_fd, &info);

	return result < 0 ? result : (int)info.tcpi_unacked;
}

int sys_depth_tcp_max(int listen_fd)
{
	struct tcp_info info;
	int result = tcp_info(listen_fd, &info);

	return result < 0 ? result : (int)info.tcpi_sacked;
}

int sys_depth_unix_open(struct depth_unix *out)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
		NETLINK_SOCK_DIAG);

	if (fd < 0)
		return -errno;
	*out = (struct depth_unix){.fd = fd};
	return 0;
}

void sys_depth_unix_close(struct depth_unix *depth)
{
	fd_close(&depth->fd);
}

static int ask(struct depth_unix *depth, uint32_t inode)
{
	struct {
		struct nlmsghdr header;
		struct unix_diag_req request;
	} question = {
		.header = {.nlmsg_len = sizeof(question),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST,
			.nlmsg_seq = ++depth->sequence},
		.request = {.sdiag_family = AF_UNIX,
			.udiag_states = UINT32_MAX,
			.udiag_ino = inode,
			.udiag_show = UDIAG_SHOW_RQLEN,
			.udiag_cookie = {UINT32_MAX, UINT32_MAX}},
	};
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	ssize_t n = sendto(depth->fd, &question, sizeof(question), 0,
		(const struct sockaddr *)&kernel, sizeof(kernel));

	return n < 0 ? -errno : 0;
}

/* The queue's length among the attributes of one answer. */
static int find_queue(const char *data, size_t n)
{
	size_t at = NLMSG_LENGTH(sizeof(struct unix_diag_msg));

	while (at + sizeof(struct rtattr) <= n) {
		struct rtattr attribute;
		struct unix_diag_rqlen queue;

		memcpy(&attribute, data + at, sizeof(attribute));
		if (attribute.rta_len < sizeof(attribute) ||
			attribute.rta_len > n - at)
			break;
		if (attribute.rta_type == UNIX_DIAG_RQLEN &&
			attribute.rta_len >= RTA_LENGTH(sizeof(queue))) {
			memcpy(&queue, data + at + RTA_LENGTH(0),
				sizeof(queue));
			return (int)queue.udiag_rqueue;
		}
		at += RTA_ALIGN(attribute.rta_len);
	}
	return -EPROTO;
}

/* What one datagram says to question SEQUENCE; -EAGAIN: it is for another. */
static int parse(const char *data, size_t n, uint32_t sequence)
{
	struct nlmsghdr header;
	struct nlmsgerr failure;

	if (n < sizeof(header))
		return -EPROTO;
	memcpy(&header, data, sizeof(header));
	if (header.nlmsg_seq != sequence)
		return -EAGAIN;
	if (header.nlmsg_len > n)
		return -EPROTO;
	if (header.nlmsg_type == SOCK_DIAG_BY_FAMILY)
		return find_queue(data, header.nlmsg_len);
	if (header.nlmsg_type != NLMSG_ERROR ||
		n < NLMSG_LENGTH(sizeof(failure)))
		return -EPROTO;
	memcpy(&failure, data + NLMSG_LENGTH(0), sizeof(failure));
	return failure.error < 0 ? failure.error : -EPROTO;
}

/*
 * The kernel answers while it is asked, so the answer is there or will never
 * be; what may come before it belongs to a question that was given up.
 */
static int hear(struct depth_unix *depth)
{
	char data[512];
	int result = -EAGAIN;

	for (int tries = 0; result == -EAGAIN && tries < 16; tries++) {
		ssize_t n = recv(depth->fd, data, sizeof(data), 0);

		if (n < 0)
			return errno == EAGAIN ? -ENODATA : -errno;
		result = parse(data, (size_t)n, depth->sequence);
	}
	return result;
}

int sys_depth_unix(struct depth_unix *depth, int listen_fd)
{
	struct stat st;
	int result;

	if (depth->fd < 0)
		return -EBADF;
	if (fstat(listen_fd, &st) < 0)
		return -errno;
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	result = ask(depth, (uint32_t)st.st_ino);
	return result < 0 ? result : hear(depth);
}
