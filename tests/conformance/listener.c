/* SPDX-License-Identifier: MIT */
#include "listener.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
};

static int family_of(int fd)
{
	int family = AF_UNSPEC;
	socklen_t size = sizeof(family);

	(void)getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size);
	return family;
}

void listener_name(int fd, char *text, size_t size)
{
	union address at = {.any = {.sa_family = AF_UNSPEC}};
	socklen_t length = sizeof(at);
	char host[64] = "";

	*text = '\0';
	if (getsockname(fd, &at.any, &length) < 0)
		return;
	if (at.any.sa_family == AF_UNIX && length > sizeof(sa_family_t)) {
		snprintf(text, size, "%s", at.local.sun_path);
	} else if (at.any.sa_family == AF_INET) {
		inet_ntop(AF_INET, &at.v4.sin_addr, host, sizeof(host));
		snprintf(text, size, "[%s]:%d", host, ntohs(at.v4.sin_port));
	} else if (at.any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &at.v6.sin6_addr, host, sizeof(host));
		snprintf(text, size, "[%s]:%d", host, ntohs(at.v6.sin6_port));
	}
}

int listener_v6only(int fd)
{
	int on = 0;
	socklen_t size = sizeof(on);

	if (family_of(fd) != AF_INET6 ||
		getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, &size) < 0)
		return -1;
	return on;
}

static int tcp_backlog(int fd)
{
	struct tcp_info info;
	socklen_t size = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
		return -1;
	return (int)info.tcpi_sacked;
}

static int ask_unix(int netlink, int fd)
{
	struct {
		struct nlmsghdr head;
		struct unix_diag_req ask;
	} question;
	struct stat st;

	memset(&question, 0, sizeof(question));
	if (fstat(fd, &st) < 0)
		return -1;
	question.head.nlmsg_len = sizeof(question);
	question.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
	question.head.nlmsg_flags = NLM_F_REQUEST;
	question.ask.sdiag_family = AF_UNIX;
	question.ask.udiag_ino = (unsigned)st.st_ino;
	question.ask.udiag_states = ~0U;
	question.ask.udiag_show = UDIAG_SHOW_RQLEN;
	question.ask.udiag_cookie[0] = ~0U;
	question.ask.udiag_cookie[1] = ~0U;
	if (send(netlink, &question, sizeof(question), 0) < 0)
		return -1;
	return 0;
}

static int unix_backlog(int fd)
{
	struct {
		struct nlmsghdr head;
		struct unix_diag_msg msg;
		char rest[512];
	} got;
	struct unix_diag_rqlen queues;
	const char *at = got.rest;
	int netlink =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	ssize_t n = -1;

	if (netlink < 0)
		return -1;
	memset(&got, 0, sizeof(got));
	if (ask_unix(netlink, fd) == 0)
		n = recv(netlink, &got, sizeof(got), 0);
	close(netlink);
	if (n < 0 || got.head.nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return -1;
	while (at + 4 < (char *)&got + n) {
		unsigned short attribute[2]; /* length, type */

		memcpy(attribute, at, sizeof(attribute));
		if (attribute[0] < 4)
			break;
		if (attribute[1] == UNIX_DIAG_RQLEN) {
			memcpy(&queues, at + 4, sizeof(queues));
			return (int)queues.udiag_wqueue;
		}
		at += (attribute[0] + 3U) & ~3U;
	}
	return -1;
}

int listener_backlog(int fd)
{
	int on = 0;
	socklen_t size = sizeof(on);

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &size) < 0 ||
		on == 0)
		return -1;
	return family_of(fd) == AF_UNIX ? unix_backlog(fd) : tcp_backlog(fd);
}

int listener_receive(int fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.bytes = {0}};
	char byte;
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes)};
	int passed = -1;

	if (recvmsg(fd, &message, MSG_CMSG_CLOEXEC) != 1 ||
		message.msg_controllen == 0 ||
		control.header.cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&passed, CMSG_DATA(&control.header), sizeof(passed));
	return passed;
}
