/* SPDX-License-Identifier: MIT */
#include <ostler.h>

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "programs/bounce/drop.h"
#include "programs/bounce/queue.h"
#include "programs/bounce/visitors.h"

/*
 * ostler-bounce - turn clients away while a service is full
 *
 * ostlerd(8) starts one when all workers of a service are taken and a client
 * waits, and sends it away by its channel as soon as one says AVAIL. Before
 * each client it looks whether that has come. The listeners are watched
 * without EPOLLEXCLUSIVE, so that no worker's wake-up ends here. By chance, each
 * wake-up stands for a client or more that came, and most of them may wait.
 */

#define EVENTS 64
#define BATCH 64    /* clients before the visitors' turn */
#define PAUSE_MS 10 /* no descriptor is free, or the master does not read */

struct bouncer {
	struct ostler_worker *worker;
	const char *bytes; /* NULL: without a word */
	size_t n;
	int epoll;
	unsigned generation;
	unsigned long untold; /* turned away, and the master does not know */
	bool by_chance;
	bool blind; /* nobody tells how many wait */
	bool leaving;
	bool listening;
	struct drop drop;
	struct queue queue;
	struct visitors visitors;
};

static const char usage[] =
	"ostler-bounce: usage: ostler-bounce refuse | reply BYTES | "
	"drop-random START:RATE:FULL";

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static short status_is(short events)
{
	struct pollfd p = {.fd = MASTER_STATUS_FD, .events = events};

	return poll(&p, 1, 0) > 0 ? p.revents : 0;
}

/* The master never sends: whatever there is to be read says "leave". */
static bool may_stay(struct bouncer *b)
{
	if ((status_is(POLLIN) & (POLLIN | POLLHUP | POLLERR)) != 0)
		b->leaving = true;
	return !b->leaving;
}

/* A TAKEN for each. What does not fit now is told a little later. */
static void tell(struct bouncer *b)
{
	while (b->untold > 0 && (status_is(POLLOUT) & POLLOUT) != 0) {
		b->untold--;
		if (master_notify((int)getpid(), b->generation,
			    MASTER_STAT_TAKEN) != 0)
			b->untold = 0; /* nobody hears it */
	}
}

/*
 * No descriptor is free: whoever had the longest time to read his reply makes
 * room. Without one of those we wait a little: the listener would wake us
 * again at once. True: try again.
 */
static bool make_room(struct bouncer *b, int error)
{
	struct pollfd status = {.fd = MASTER_STATUS_FD, .events = POLLIN};

	if (error != EMFILE && error != ENFILE && error != ENOBUFS &&
		error != ENOMEM)
		return false;
	if (visitors_make_room(&b->visitors))
		return true;
	(void)poll(&status, 1, PAUSE_MS);
	return false;
}

/* False: nobody waits there, or cannot be let in. */
static bool turn_one_away(struct bouncer *b, int listener)
{
	int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (client < 0)
		return make_room(b, errno);
	visitors_turn_away(&b->visitors, client, b->bytes, b->n, now_ns());
	b->untold++;
	tell(b);
	return true;
}

static void turn_away(struct bouncer *b, int listener)
{
	for (int i = 0; i < BATCH && may_stay(b); i++)
		if (!turn_one_away(b, listener))
			return;
}

/* How many wait, and where most of them do; or -errno. */
static int count_waiting(struct bouncer *b, int *where)
{
	int all = 0, most = -1;

	for (unsigned i = 0; i < ostler_worker_listeners(b->worker); i++) {
		int fd = ostler_worker_listener(b->worker, i);
		int n = queue_waiting(&b->queue, fd);

		if (n < 0)
			return n;
		if (n > most) {
			most = n;
			*where = fd;
		}
		all += n;
	}
	return all;
}

static void turn_longest_away(struct bouncer *b, int *where)
{
	if (!turn_one_away(b, *where) && count_waiting(b, where) > 0)
		(void)turn_one_away(b, *where);
}

/* So many wake-ups; what they stand for is judged, one by one. */
static void thin_out(struct bouncer *b, uint32_t came)
{
	int where = -1;
	int waiting = count_waiting(b, &where);

	if (waiting < 0) {
		(void)fprintf(stderr,
			"ostler-bounce: cannot tell how many wait: %s\n",
			strerror(-waiting));
		b->blind = true;
		return;
	}
	came = drop_look(&b->drop, (uint32_t)waiting, came);
	for (; came > 0 && may_stay(b); came--) {
		uint32_t dice = 0;

		(void)getrandom(&dice, sizeof(dice), 0); /* so few: all */
		if (drop_judge(&b->drop, dice))
			turn_longest_away(b, &where);
	}
}

static int watch(const struct bouncer *b, int op, int fd)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u64 = (uint64_t)fd};

	if (b->by_chance && fd != MASTER_STATUS_FD)
		e.events |= EPOLLET;
	return epoll_ctl(b->epoll, op, fd, &e);
}

/* From here on only those are of interest who are to read their reply. */
static void stop_listening(struct bouncer *b)
{
	b->listening = false;
	for (unsigned i = 0; i < ostler_worker_listeners(b->worker); i++)
		(void)watch(
			b, EPOLL_CTL_DEL, ostler_worker_listener(b->worker, i));
	(void)watch(b, EPOLL_CTL_DEL, MASTER_STATUS_FD);
}

static void attend(struct bouncer *b, const struct epoll_event *events, int n)
{
	uint32_t came = 0;

	for (int i = 0; i < n; i++) {
		uint64_t number = events[i].data.u64;

		if (number >= VISITORS_EVENT)
			visitors_attend(&b->visitors, number);
		else if ((int)number == MASTER_STATUS_FD)
			continue;
		else if (b->by_chance)
			came++;
		else
			turn_away(b, (int)number);
	}
	if (came > 0)
		thin_out(b, came);
}

/* Milliseconds until there is something to do by itself; -1: never. */
static int patience_ms(struct bouncer *b)
{
	int ms = visitors_expire(&b->visitors, now_ns());

	return b->untold > 0 && (ms < 0 || ms > PAUSE_MS) ? PAUSE_MS : ms;
}

static int be_bouncer(struct bouncer *b)
{
	struct epoll_event events[EVENTS];
	int timeout;

	while ((timeout = patience_ms(b)) >= 0 || !b->leaving) {
		int n = epoll_wait(b->epoll, events, EVENTS, timeout);

		if (n < 0 && errno != EINTR)
			return 1;
		if (b->listening && !may_stay(b))
			stop_listening(b);
		attend(b, events, n);
		if (b->blind)
			return 1;
		tell(b);
	}
	return 0;
}

static int begin(struct bouncer *b)
{
	const char *generation = getenv(MASTER_GEN_NAME);

	if (generation != NULL)
		b->generation = (unsigned)strtoul(generation, NULL, 8);
	/* It needs nothing but what it has. */
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	b->epoll = b->visitors.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (b->epoll < 0 || watch(b, EPOLL_CTL_ADD, MASTER_STATUS_FD) < 0)
		return -1;
	for (unsigned i = 0; i < ostler_worker_listeners(b->worker); i++)
		if (watch(b, EPOLL_CTL_ADD,
			    ostler_worker_listener(b->worker, i)) < 0)
			return -1;
	b->listening = true;
	return ostler_worker_ready(b->worker) == 0 ? 0 : -1;
}

static bool parse_words(struct bouncer *b)
{
	int argc;
	char **argv = ostler_worker_argv(b->worker, &argc);

	if (argc == 2 && strcmp(argv[1], "refuse") == 0)
		return true;
	if (argc == 3 && strcmp(argv[1], "drop-random") == 0) {
		b->by_chance = true;
		return drop_parse(argv[2], &b->drop);
	}
	if (argc != 3 || strcmp(argv[1], "reply") != 0)
		return false;
	b->bytes = argv[2];
	b->n = strlen(argv[2]);
	return b->n > 0;
}

static int refuse(const char *words)
{
	(void)fprintf(stderr, "%s\n", words);
	return 1;
}

int main(int argc, char **argv)
{
	static struct bouncer b = {.queue = {.netlink = -1}};

	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return printf("ostler-bounce %s\n", ostler_version()) < 0;
	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return puts(usage) < 0;
	if (ostler_worker_open(&b.worker, argc, argv, NULL) < 0)
		return refuse(ostler_worker_problem(b.worker));
	if (!parse_words(&b))
		return refuse(usage);
	if (begin(&b) < 0)
		return 1;
	return be_bouncer(&b);
}
