/* SPDX-License-Identifier: MIT */
#include "lib/skeleton.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>

void ostler__complain(const struct ostler_worker *w, const char *words)
{
	const char *name = w->start.argc > 0 ? w->start.argv[0] : "worker";

	(void)dprintf(2, "%s: %s\n", name, words); /* or to nobody */
}

/* Both sides may know members that the other does not: those are NULL. */
static void copy_options(
	struct ostler_options *out, const struct ostler_options *given)
{
	size_t n = given->size < sizeof(*out) ? given->size : sizeof(*out);

	memset(out, 0, sizeof(*out));
	memcpy(out, given, n);
	out->size = sizeof(*out);
}

static int refuse(const struct ostler_worker *w, const char *words)
{
	ostler__complain(w, words);
	return -1;
}

static bool transport_has_connections(const struct ostler_worker *w)
{
	return w->start.one_shot ||
	       strcasecmp(w->start.transport, MASTER_XPORT_NAME_INET) == 0 ||
	       strcasecmp(w->start.transport, MASTER_XPORT_NAME_UNIX) == 0;
}

int ostler__open(struct ostler_worker **out, struct ostler_options *options,
	int argc, char **argv, const struct ostler_options *given)
{
	struct ostler_worker *w;
	int result;

	copy_options(options, given);
	result = ostler_worker_open(out, argc, argv, options);
	w = *out;
	if (result < 0)
		return refuse(w, w->start.problem[0] != '\0'
					 ? w->start.problem
					 : strerror(-result));
	if (!transport_has_connections(w))
		return refuse(w,
			"this worker serves connections: its service must listen on inet or unix");
	return 0;
}

int ostler__begin(struct ostler_worker *w, const struct ostler_options *options)
{
	if (options->init != NULL && options->init(w, options->context) != 0)
		return -1;
	if (!w->start.one_shot) {
		int result = ostler_worker_ready(w);

		return result == 0 || result == -ESHUTDOWN ? 0 : -1;
	}
	w->leaving = true;
	w->clients_n = 1;
	return 0;
}

int ostler__end(struct ostler_worker *w, const struct ostler_options *options,
	int status)
{
	if (options->leave != NULL)
		options->leave(w, options->context);
	ostler_worker_close(w);
	return status;
}

static int watch(int epoll, bool add, int fd, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.u64 = (uint64_t)fd};

	if (epoll_ctl(epoll, add ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, fd, &e) < 0)
		return -errno;
	return 0;
}

int ostler__watch_listeners(const struct ostler_worker *w, int epoll, bool add)
{
	for (unsigned i = 0; i < w->start.sockets_n; i++) {
		int result = watch(epoll, add, MASTER_LISTEN_FD + (int)i,
			EPOLLIN | EPOLLEXCLUSIVE);

		if (result < 0)
			return result;
	}
	return 0;
}

int ostler__watch_status(int epoll, bool add)
{
	return watch(epoll, add, MASTER_STATUS_FD, EPOLLIN);
}
