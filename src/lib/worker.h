/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_LIB_WORKER_H
#define OSTLER_LIB_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include <ostler.h>

#include "lib/source.h"
#include "lib/start.h"
#include "proto/page.h"
#include "proto/status.h"

/*
 * worker - this process between its master and its clients
 *
 * Knows:   how many clients are being served, what was said last, and whether
 *          the master has asked us to leave.
 * Decides: when to say AVAIL and TAKEN, when to look at the status
 *          descriptor, and when to leave.
 * Never:   takes a wake-up and leaves without having tried the listener that
 *          it came from: a sibling asleep beside us is not woken for that one.
 *
 * Why one try is enough. The kernel wakes one sleeping worker per client
 * (EPOLLEXCLUSIVE), and none if nobody sleeps. So as long as anybody sleeps,
 * the clients in a queue are at most as many as the workers that were woken
 * for that queue and have not tried it since; a try that yields a client or
 * finds it empty keeps that true, whosever client it was. Nobody goes to sleep
 * without a look either: epoll_wait() starts with one. A worker that has
 * served a client since it woke owes nothing and may leave at once. One
 * that is killed asleep may take a wake-up with it: ostlerd's lease notices,
 * and where workers take turns nobody is woken exclusively (skeleton.c).
 *
 * Which listener woke us matters: epoll_wait() reports it first. To take a
 * client of another one instead leaves ours in its queue, while the sibling
 * that was woken for the other finds nothing there and sleeps on (measured).
 */

struct ostler_worker {
	struct ostler__start start;
	bool open;
	unsigned mold_end; /* of the descriptors of orders, if it is one */
	bool mold;	   /* started as one, and still it */
	int argc;	   /* as it was born; for being reborn */
	char **argv;	   /* borrowed */
	unsigned max_use, max_idle_ms; /* of the options */
	int (*forked)(struct ostler_worker *worker, void *context);
	void *context;
	bool blocking; /* a listener is: ask before each accept */
	bool nonblocking_clients;
	bool one_by_one; /* TAKEN while each client is welcomed */
	bool messages;	 /* no connections: a client is something to be read */
	bool locked;
	bool leaving; /* takes no other client */
	bool paused;  /* no descriptor was free */
	bool unsent;  /* the last word did not fit the channel */
	enum ostler__status_word word; /* what was said last */
	bool spoken;		       /* ... if anything was */
	int pid;
	int lock_fd;		/* owned; -1: no turns are taken, see lock.h */
	unsigned next_listener; /* whose turn it is */
	unsigned clients_n;
	unsigned clients_max;
	unsigned clients_since_look;
	unsigned clients_since_word;
	unsigned long accepted;
	unsigned long served;
	uint64_t idle_since_ns;
	uint64_t looked_ns;
	uint64_t spoke_ns;
	uint64_t paused_until_ns;
	struct ostler__sources sources; /* of those clients; source.h */
	struct ostler__page page;	/* owned; head is NULL: there is none */
	size_t page_bytes;
	uint32_t epoch;	  /* of the listeners' registration */
	uint64_t renewed; /* accepted, when listeners were registered last */
	char attributes[4096]; /* of the client that came last: receive.h */
};

/* As ostler_worker_open(), and with turns to be taken if TAKES_TURNS. */
int ostler__worker_open(struct ostler_worker **out, int argc, char **argv,
	const struct ostler_options *options, bool takes_turns);

/* Made from a mold: be told anew what a worker is told. 0 or -errno. */
int ostler__worker_reborn(struct ostler_worker *w);

/* A client has been welcomed: AVAIL is said if there is room. */
void ostler__worker_welcomed(struct ostler_worker *w);

/* Say TAKEN, for good; false if there is nobody to hear it. */
bool ostler__worker_withdraws(struct ostler_worker *w);

/* Monotonic. */
uint64_t ostler__now_ns(void);

/* Whether the listeners should be watched at all now. */
bool ostler__worker_listens(const struct ostler_worker *w);

#endif
