/* SPDX-License-Identifier: MIT */
#include <ostler.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lib/clients.h"
#include "lib/skeleton.h"

/*
 * Several clients at once. The listeners are registered while there is room;
 * a full worker is TAKEN and takes them out of its set. One client is taken
 * per turn: a second one has woken a sibling, or waits for our next turn.
 */

#define CLIENTS_DEFAULT 100
#define EVENTS 64

struct multi {
	struct ostler_worker *worker;
	struct clients clients;
	int epoll;
	bool listening; /* the listeners are in the epoll set */
	bool hearing;	/* ... the status descriptor is */
};

static int watch_what_matters(struct multi *m)
{
	bool listen = ostler__worker_listens(m->worker);
	bool hear = !m->worker->leaving;
	int result = 0;

	if (m->listening && listen)
		result = ostler__renew_listeners(m->worker, m->epoll);
	if (result == 0 && listen != m->listening)
		result = ostler__watch_listeners(m->worker, m->epoll, listen);
	if (result == 0 && hear != m->hearing)
		result = ostler__watch_status(m->epoll, hear);
	m->listening = listen;
	m->hearing = hear;
	return result;
}

/* The first of N that is not a client's, or -1; it is the one that woke us. */
static int first_knock(const struct epoll_event *events, int n)
{
	for (int i = 0; i < n; i++)
		if (events[i].data.u64 < CLIENT_EVENT)
			return (int)events[i].data.u64;
	return -1;
}

static int turn(struct multi *m)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(
		m->epoll, events, EVENTS, ostler_worker_timeout(m->worker));
	int ready = first_knock(events, n);
	int result = 0;

	/* First of all: parting with a client may be when we decide to leave. */
	if (ready >= 0 || n == 0)
		result = ostler__clients_admit(
			&m->clients, ostler_worker_accept(m->worker, ready));
	for (int i = 0; i < n && result == 0; i++)
		if (events[i].data.u64 >= CLIENT_EVENT)
			result =
				ostler__clients_attend(&m->clients, &events[i]);
	return result;
}

/*
 * A worker that leaves and still has clients must not be taken for READY:
 * Postfix's master starts no other while it has one. It has closed the channel,
 * so it cannot be told; a master that has closed its half of it can.
 */
static bool is_misjudged(struct ostler_worker *w)
{
	return !w->start.native && w->leaving && w->clients_n > 0 &&
	       w->word == STATUS_AVAIL && !ostler__worker_withdraws(w);
}

/*
 * Postfix's own way out: the worker is gone, so that another can come, and its
 * child finishes the clients. The child must not keep the listeners: their
 * master may end and another bind the same addresses.
 */
static void leave_clients_to_child(struct ostler_worker *w)
{
	pid_t pid = fork();

	if (pid > 0)
		_exit(0);
	if (pid < 0)
		return; /* the next turn may have more luck */
	w->word = STATUS_TAKEN;
	for (unsigned i = 0; i < w->start.sockets_n; i++)
		(void)dup3(
			MASTER_STATUS_FD, MASTER_LISTEN_FD + (int)i, O_CLOEXEC);
}

static int serve_clients(struct multi *m)
{
	struct ostler_worker *w = m->worker;
	int result = 0;

	if (w->start.one_shot)
		result = ostler__clients_admit(&m->clients, 0);
	while (result == 0 && !(w->leaving && w->clients_n == 0)) {
		result = watch_what_matters(m);
		if (result == 0 && is_misjudged(w))
			leave_clients_to_child(w);
		if (result == 0)
			result = turn(m);
	}
	return result;
}

static int be_worker(
	struct ostler_worker *w, const struct ostler_options *options)
{
	struct multi m = {.worker = w, .epoll = epoll_create1(EPOLL_CLOEXEC)};
	int result = m.epoll < 0 ? -errno : 0;

	w->nonblocking_clients = true;
	if (result == 0)
		result = ostler__clients_init(&m.clients, w, options, m.epoll);
	if (result == 0)
		result = serve_clients(&m);
	ostler__clients_finish(&m.clients);
	if (result == 0)
		return 0;
	ostler__complain(w, strerror(-result));
	return 1;
}

static int run(int argc, char **argv, const struct ostler_options *options,
	bool one_by_one)
{
	static const struct kind several = {
		.transports = {MASTER_XPORT_NAME_INET, MASTER_XPORT_NAME_UNIX,
			MASTER_XPORT_NAME_PASS},
		.refusal =
			"this worker serves connections: its service must listen on inet, unix or pass",
		.runs_by_hand = true,
	};
	struct ostler_options mine;
	struct ostler_worker *w;
	unsigned max;
	int begun;

	if (ostler__open(&w, &mine, argc, argv, options, &several) < 0)
		return 1;
	w->one_by_one = one_by_one;
	w->sources.parted = true;
	max = mine.clients_max != 0 ? mine.clients_max : CLIENTS_DEFAULT;
	ostler_worker_set_clients_max(w, max);
	begun = ostler__begin(w, &mine);
	if (begun < 0)
		return 1;
	return ostler__end(w, &mine, begun > 0 ? 0 : be_worker(w, &mine));
}

int ostler_multi_main(
	int argc, char **argv, const struct ostler_options *options)
{
	return run(argc, argv, options, false);
}

/* Welcoming a client may take its time: the master is told of each. */
int ostler_event_main(
	int argc, char **argv, const struct ostler_options *options)
{
	return run(argc, argv, options, true);
}
