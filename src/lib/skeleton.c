/* SPDX-License-Identifier: MIT */
#include "lib/skeleton.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "lib/page.h"

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

static bool listens_on(const struct ostler_worker *w, const struct kind *kind)
{
	if (w->start.one_shot)
		return kind->runs_by_hand;
	for (unsigned i = 0; i < KIND_TRANSPORTS; i++)
		if (kind->transports[i] != NULL &&
			ostler__start_is_on(&w->start, kind->transports[i]))
			return true;
	return false;
}

int ostler__open(struct ostler_worker **out, struct ostler_options *options,
	int argc, char **argv, const struct ostler_options *given,
	const struct kind *kind)
{
	struct ostler_worker *w;
	int result;

	copy_options(options, given);
	result = ostler__worker_open(
		out, argc, argv, options, kind->takes_turns);
	w = *out;
	if (result < 0)
		return refuse(w, w->start.problem[0] != '\0'
					 ? w->start.problem
					 : strerror(-result));
	return listens_on(w, kind) ? 0 : refuse(w, kind->refusal);
}

int ostler__begin(struct ostler_worker *w, const struct ostler_options *options)
{
	if (options->init != NULL && options->init(w, options->context) != 0)
		return -1;
	if (!w->start.one_shot) {
		int result = ostler_worker_ready(w);

		if (w->mold)
			return 1;
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

/*
 * Exclusively: one client wakes one worker. Not where workers take turns: one
 * that is killed in its turn has eaten the wake-up, and the next one, who was
 * not in epoll_wait() then, would never hear of that client (measured). Nor
 * does anybody else wake up for nothing there: the others wait for their turn.
 */
static uint32_t listener_events(const struct ostler_worker *w)
{
	return w->lock_fd >= 0 ? EPOLLIN : EPOLLIN | EPOLLEXCLUSIVE;
}

int ostler__watch_listeners(const struct ostler_worker *w, int epoll, bool add)
{
	for (unsigned i = 0; i < w->start.sockets_n; i++) {
		int result = watch(epoll, add, MASTER_LISTEN_FD + (int)i,
			listener_events(w));

		if (result < 0)
			return result;
	}
	return 0;
}

int ostler__renew_listeners(struct ostler_worker *w, int epoll)
{
	int result;

	if (!ostler__page_wants_renewal(w))
		return 0;
	result = ostler__watch_listeners(w, epoll, false);
	return result < 0 ? result : ostler__watch_listeners(w, epoll, true);
}

int ostler__watch_status(int epoll, bool add)
{
	return watch(epoll, add, MASTER_STATUS_FD, EPOLLIN);
}
