/* SPDX-License-Identifier: MIT */
#include "programs/bounce/visitors.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define STAY_NS UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
#define READS_MAX 16 /* in a turn; the others are waiting, too */

/* RST on TCP; AF_UNIX knows no such thing, and hangs up. */
static void reset(int fd)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	(void)close(fd);
}

static void leave(struct visitors *v, unsigned i)
{
	(void)close(v->all[i].fd);
	v->n--;
	memmove(&v->all[i], &v->all[i + 1], (v->n - i) * sizeof(v->all[0]));
}

static void stay(struct visitors *v, int fd, uint64_t now_ns)
{
	struct epoll_event e = {.events = EPOLLIN,
		.data.u64 = VISITORS_EVENT + ++v->last_number};

	if (epoll_ctl(v->epoll, EPOLL_CTL_ADD, fd, &e) < 0) {
		(void)close(fd);
		return;
	}
	if (v->n == VISITORS_MAX)
		leave(v, 0);
	v->all[v->n++] = (struct visitor){
		.fd = fd, .until_ns = now_ns + STAY_NS, .number = e.data.u64};
}

void visitors_turn_away(struct visitors *visitors, int client,
	const char *bytes, size_t n, uint64_t now_ns)
{
	/* Its buffer is empty: all of so few bytes fit, or the client is gone. */
	if (bytes == NULL ||
		send(client, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL) !=
			(ssize_t)n) {
		reset(client);
		return;
	}
	(void)shutdown(client, SHUT_WR);
	stay(visitors, client, now_ns);
}

bool visitors_make_room(struct visitors *visitors)
{
	if (visitors->n == 0)
		return false;
	leave(visitors, 0);
	return true;
}

/* True if it has hung up. */
static bool drain(int fd)
{
	char rubbish[4096];

	for (int i = 0; i < READS_MAX; i++) {
		ssize_t n = recv(fd, rubbish, sizeof(rubbish), MSG_DONTWAIT);

		if (n == 0)
			return true;
		if (n < 0 && errno != EINTR)
			return errno != EAGAIN;
	}
	return false;
}

void visitors_attend(struct visitors *visitors, uint64_t number)
{
	for (unsigned i = 0; i < visitors->n; i++)
		if (visitors->all[i].number == number) {
			if (drain(visitors->all[i].fd))
				leave(visitors, i);
			return;
		}
}

int visitors_expire(struct visitors *visitors, uint64_t now_ns)
{
	while (visitors->n > 0 && visitors->all[0].until_ns <= now_ns)
		leave(visitors, 0);
	if (visitors->n == 0)
		return -1;
	return (int)((visitors->all[0].until_ns - now_ns) / NS_PER_MS) + 1;
}
