/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_LIB_CLIENTS_H
#define OSTLER_LIB_CLIENTS_H

#include <sys/epoll.h>

#include "lib/worker.h"

/*
 * clients - those whom a multi worker serves
 *
 * Knows:   a slot for each client there may be, and what each is watched for.
 * Decides: which of the program's callbacks an event is for.
 * Never:   takes a client on its own: they come from worker.c, one at a time.
 */

struct clients {
	struct ostler_worker *worker;
	const struct ostler_options *options;
	struct slot *slots; /* owned; clients_max of them */
	struct slot *free;  /* into slots */
	int epoll;
};

/* 0 or -errno. The epoll set stays the caller's. */
int ostler__clients_init(struct clients *c, struct ostler_worker *worker,
	const struct ostler_options *options, int epoll);
void ostler__clients_finish(struct clients *c);

/*
 * Take in FD, if it is a client and not an error, and whoever comes in the
 * place of one that is refused. 0, or an error that ends the worker.
 */
int ostler__clients_admit(struct clients *c, int fd);

/* EVENT is a client's: this and its slot's number are its data.u64. */
#define CLIENT_EVENT (UINT64_C(1) << 32)

/* 0, or an error that ends the worker. */
int ostler__clients_attend(struct clients *c, const struct epoll_event *event);

#endif
