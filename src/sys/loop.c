/* SPDX-License-Identifier: MIT */
#include "sys/loop.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "sys/fd.h"

#define BATCH 64
#define NS_PER_S 1000000000u
#define NS_PER_MS 1000000u

_Static_assert(LOOP_IN == EPOLLIN, "loop.h has the kernel's value");
_Static_assert(LOOP_OUT == EPOLLOUT, "loop.h has the kernel's value");
_Static_assert(LOOP_ERR == EPOLLERR, "loop.h has the kernel's value");
_Static_assert(LOOP_HUP == EPOLLHUP, "loop.h has the kernel's value");
_Static_assert(LOOP_RDHUP == EPOLLRDHUP, "loop.h has the kernel's value");
_Static_assert(LOOP_ONCE == EPOLLONESHOT, "loop.h has the kernel's value");

struct loop {
	int fd;
	bool coarse; /* the kernel (or a sandbox) has no epoll_pwait2 */
};

int loop_create(struct loop **out)
{
	struct loop *loop = malloc(sizeof(*loop));

	if (loop == NULL)
		return -ENOMEM;
	*loop = (struct loop){.fd = epoll_create1(EPOLL_CLOEXEC)};
	if (loop->fd < 0) {
		int error = errno;

		free(loop);
		return -error;
	}
	*out = loop;
	return 0;
}

void loop_destroy(struct loop *loop)
{
	if (loop == NULL)
		return;
	fd_close(&loop->fd);
	free(loop);
}

static int control(struct loop *loop, int operation, int fd, unsigned interest,
	uint64_t tag)
{
	struct epoll_event event = {.events = interest, .data = {.u64 = tag}};

	assert((interest & ~(LOOP_IN | LOOP_OUT | LOOP_RDHUP | LOOP_ONCE)) ==
		0);
	return epoll_ctl(loop->fd, operation, fd, &event) < 0 ? -errno : 0;
}

int loop_add(struct loop *loop, int fd, unsigned interest, uint64_t tag)
{
	return control(loop, EPOLL_CTL_ADD, fd, interest, tag);
}

int loop_change(struct loop *loop, int fd, unsigned interest, uint64_t tag)
{
	return control(loop, EPOLL_CTL_MOD, fd, interest, tag);
}

int loop_remove(struct loop *loop, int fd)
{
	return control(loop, EPOLL_CTL_DEL, fd, 0, 0);
}

/* The same wait in milliseconds, rounded up: early would be a busy loop. */
static int coarse_wait(struct loop *loop, uint64_t wait_ns,
	struct epoll_event *events, int max)
{
	uint64_t ms = wait_ns / NS_PER_MS + (wait_ns % NS_PER_MS != 0);

	if (wait_ns == LOOP_FOREVER)
		return epoll_wait(loop->fd, events, max, -1);
	return epoll_wait(
		loop->fd, events, max, ms > INT_MAX ? INT_MAX : (int)ms);
}

static int fine_wait(struct loop *loop, uint64_t wait_ns,
	struct epoll_event *events, int max)
{
	struct timespec wait = {
		.tv_sec = (time_t)(wait_ns / NS_PER_S),
		.tv_nsec = (long)(wait_ns % NS_PER_S),
	};
	int n;

	if (loop->coarse)
		return coarse_wait(loop, wait_ns, events, max);
	n = epoll_pwait2(loop->fd, events, max,
		wait_ns == LOOP_FOREVER ? NULL : &wait, NULL);
	/* EPERM is a container's word for ENOSYS. */
	if (n < 0 && (errno == ENOSYS || errno == EPERM)) {
		loop->coarse = true;
		return coarse_wait(loop, wait_ns, events, max);
	}
	return n;
}

int loop_wait(struct loop *loop, uint64_t now_ns, uint64_t deadline_ns,
	struct loop_event *out, int max)
{
	struct epoll_event events[BATCH];
	uint64_t wait_ns = 0;
	int n;

	assert(max > 0);
	if (deadline_ns == LOOP_FOREVER)
		wait_ns = LOOP_FOREVER;
	else if (deadline_ns > now_ns)
		wait_ns = deadline_ns - now_ns;
	n = fine_wait(loop, wait_ns, events, max < BATCH ? max : BATCH);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++)
		out[i] = (struct loop_event){
			.tag = events[i].data.u64, .ready = events[i].events};
	return n;
}
