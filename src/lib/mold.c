/* SPDX-License-Identifier: MIT */
#include "lib/mold.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/deny.h"
#include "lib/notify.h"
#include "proto/mold.h"

/* What one order brought. */
struct order {
	int fds[OSTLER__ORDER_FDS]; /* to become MASTER_STATUS_FD and on */
	unsigned fds_n;
	size_t text_n;
};

/* Variables of a worker point into it, so it is there for ever. */
static char text[OSTLER__ORDER_BYTES + 1];

unsigned ostler__mold_is_asked(void)
{
	const char *end = getenv(OSTLER__MOLD_ENVIRONMENT);
	unsigned number;

	if (end == NULL || !ostler__parse_number(end, 10, &number))
		return 0;
	/* Whatever the program starts in its turn is none. */
	(void)unsetenv(OSTLER__MOLD_ENVIRONMENT);
	return number;
}

/* ------------------------------------------------------ can it be one? */

/* A copy has one thread: what another was at stays half done in it. */
static bool has_threads(void)
{
	struct stat s;

	return stat("/proc/self/task", &s) == 0 && s.st_nlink > 3;
}

static int announce(const struct ostler_worker *w)
{
	unsigned char bytes[OSTLER__MOLD_BYTES];
	struct ostler__status none = {
		.pid = w->pid, .generation = w->start.generation};
	ssize_t sent;

	if (has_threads()) {
		(void)dprintf(2,
			"%s: no mold: it has threads before it is ready\n",
			w->start.service);
		return ostler__tell(&none, 0);
	}
	ostler__mold_encode(w->pid, w->start.generation, bytes);
	do
		sent = send(
			MASTER_STATUS_FD, bytes, sizeof(bytes), MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

/* ------------------------------------------------------------- orders */

static void drop(struct order *order)
{
	for (unsigned i = 0; i < order->fds_n; i++)
		(void)close(order->fds[i]);
	order->fds_n = 0;
}

static void take_descriptors(struct msghdr *message, struct order *out)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(message);

	out->fds_n = 0;
	if (c == NULL || c->cmsg_level != SOL_SOCKET ||
		c->cmsg_type != SCM_RIGHTS)
		return;
	out->fds_n = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(out->fds, CMSG_DATA(c), out->fds_n * sizeof(int));
}

/* 1, 0: the master has hung up, or -errno. */
static int read_order(struct order *out)
{
	union {
		char bytes[CMSG_SPACE(sizeof(out->fds))];
		struct cmsghdr align;
	} control;
	struct iovec part = {text, sizeof(text) - 1};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes)};
	ssize_t n;

	do
		n = recvmsg(MASTER_STATUS_FD, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? -errno : 0;
	take_descriptors(&message, out);
	if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		drop(out);
	out->text_n = (size_t)n;
	text[n] = '\0';
	return 1;
}

/* ------------------------------------------------------- making a worker */

/*
 * What fork() tells the kernel about libc's own thread, and clone() does not
 * unless it is told where. NULL where libc keeps nothing there.
 */
static int *thread_id(void)
{
	int *address = NULL;

	if (prctl(PR_GET_TID_ADDRESS, &address, 0, 0, 0) < 0 ||
		address == NULL || *address != (int)syscall(SYS_gettid))
		return NULL;
	return address;
}

static long clone_sibling(void)
{
	int *tid = thread_id();
	unsigned long flags = CLONE_PARENT | SIGCHLD;

	if (tid != NULL)
		flags |= CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
#if defined(__s390__) || defined(__CRIS__)
	return syscall(SYS_clone, NULL, flags, NULL, tid, NULL);
#elif defined(__x86_64__) || defined(__sh__)
	return syscall(SYS_clone, flags, NULL, NULL, tid, NULL);
#else
	return syscall(SYS_clone, flags, NULL, NULL, NULL, tid);
#endif
}

/* A sibling, as fork() would make a child; but no handler of it runs. */
static long make_sibling(void)
{
	void *robust = NULL;
	size_t robust_n = 0;
	long known =
		syscall(SYS_get_robust_list, 0, (void *)&robust, &robust_n);
	long pid = clone_sibling();

	if (pid == 0 && known == 0)
		(void)syscall(SYS_set_robust_list, robust, robust_n);
	return pid;
}

/* Numbers that are in each other's way are lifted out of it first. */
static int put_descriptors(struct order *order)
{
	int end = MASTER_STATUS_FD + (int)order->fds_n;

	for (unsigned i = 0; i < order->fds_n; i++) {
		int fd = order->fds[i];

		if (fd >= end)
			continue;
		order->fds[i] = fcntl(fd, F_DUPFD_CLOEXEC, end);
		if (order->fds[i] < 0)
			return -errno;
	}
	for (unsigned i = 0; i < order->fds_n; i++) {
		if (dup3(order->fds[i], MASTER_STATUS_FD + (int)i, O_CLOEXEC) <
			0)
			return -errno;
		(void)close(order->fds[i]);
	}
	return 0;
}

static void put_environment(size_t n)
{
	char *word = text;

	while (word < text + n) {
		if (strchr(word, '=') != NULL)
			(void)putenv(word); /* in its old place, mostly */
		word += strlen(word) + 1;
	}
}

/* In the sibling: be what a worker is that was started. */
static int settle(struct ostler_worker *w, struct order *order)
{
	int result = put_descriptors(order);

	w->mold = false;
	if (result < 0)
		return result;
	(void)setsid(); /* it leads no group yet, so it can */
	result = ostler__deny_siblings();
	if (result < 0)
		return result;
	put_environment(order->text_n);
	result = ostler__worker_reborn(w);
	if (result == 0 && w->forked != NULL && w->forked(w, w->context) != 0)
		result = -ECANCELED;
	return result;
}

int ostler__mold_serve(struct ostler_worker *w)
{
	struct order order;
	int result = announce(w);

	while (result == 0 && (result = read_order(&order)) > 0) {
		result = 0;
		/* More would take the places of the program's own. */
		if (order.fds_n < 1 + w->start.sockets_n ||
			order.fds_n + MASTER_STATUS_FD > w->mold_end) {
			drop(&order);
			continue;
		}
		/* No more processes, say: the master hears it of the channel. */
		if (make_sibling() == 0)
			return settle(w, &order);
		drop(&order);
	}
	w->leaving = true;
	return -ESHUTDOWN;
}
