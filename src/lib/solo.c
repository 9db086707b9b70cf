/* SPDX-License-Identifier: MIT */
#include "lib/solo.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>

#include "lib/lock.h"

/*
 * One thing at a time. The listeners are registered once and for all: a
 * registration that is renewed for each client goes to the end of the
 * kernel's line, and then no worker stays warm (MECHANISMS B14).
 */

/*
 * The descriptor that woke us, or -1 if it was the time, or a signal: then we
 * have a look too many. While paused the listeners would wake us for nothing,
 * over and over.
 */
static int sleep_until_needed(struct ostler_worker *w, int epoll)
{
	struct pollfd status = {.fd = MASTER_STATUS_FD, .events = POLLIN};
	struct epoll_event e;
	int timeout = ostler_worker_timeout(w);

	if (!w->paused)
		return epoll_wait(epoll, &e, 1, timeout) == 1 ? (int)e.data.u64
							      : -1;
	(void)poll(&status, 1, timeout);
	return -1;
}

static int wait_for_client(struct ostler_worker *w, int epoll)
{
	for (;;) {
		int turn = w->paused ? 0 : ostler__lock_take(w);
		int result = ostler__renew_listeners(w, epoll);
		int ready, client;

		if (result < 0 || (turn < 0 && turn != -EINTR))
			return result < 0 ? result : turn;
		ready = turn < 0 ? -1 : sleep_until_needed(w, epoll);
		client = ostler_worker_accept(w, ready);
		ostler__lock_release(w);
		if (client != -EAGAIN && client != -EMFILE)
			return client;
	}
}

/* 0, what was said that is not 0, or -errno. */
static int serve_clients(struct ostler_worker *w,
	const struct ostler_options *options, const struct kind *kind,
	int epoll)
{
	for (;;) {
		int client = wait_for_client(w, epoll);

		while (client >= 0) {
			int result = kind->serve(w, options, client);

			if (result != 0)
				return result;
			client = ostler_worker_done(w);
		}
		if (client == -ESHUTDOWN)
			return 0;
		if (client != -EAGAIN && client != -EMFILE)
			return client;
	}
}

static int be_worker(struct ostler_worker *w,
	const struct ostler_options *options, const struct kind *kind)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int result = epoll < 0 ? -errno : 0;

	if (result == 0)
		result = ostler__watch_listeners(w, epoll, true);
	if (result == 0)
		result = ostler__watch_status(epoll, true);
	if (result == 0)
		result = serve_clients(w, options, kind, epoll);
	if (result >= 0)
		return result;
	ostler__complain(w, strerror(-result));
	return 1;
}

int ostler__solo_main(int argc, char **argv,
	const struct ostler_options *options, const struct kind *kind)
{
	struct ostler_options mine;
	struct ostler_worker *w;
	int begun, status;

	if (ostler__open(&w, &mine, argc, argv, options, kind) < 0)
		return 1;
	ostler_worker_set_clients_max(w, 1);
	begun = ostler__begin(w, &mine);
	if (begun < 0)
		return 1;
	if (begun > 0)
		status = 0;
	else if (w->start.one_shot)
		status = kind->serve(w, &mine, 0);
	else
		status = be_worker(w, &mine, kind);
	return ostler__end(w, &mine, status);
}
