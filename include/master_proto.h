/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_PROTO_H
#define OSTLER_MASTER_PROTO_H

/*
 * master_proto - what a worker and its master agree on
 *
 * Knows:   which descriptors a worker is born with, how it learns its
 *          generation, and the twelve bytes it reports with.
 * Decides: nothing.
 * Never:   needs a library of the project beside master_notify(): a worker in
 *          any language can do what ostler-protocol(7) says in its own words.
 */

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define OSTLER_API __attribute__((visibility("default")))
#else
#define OSTLER_API
#endif

/* Descriptors of a worker; MASTER_LISTEN_FD is the first of its listeners. */
#define MASTER_FLOW_READ 3
#define MASTER_FLOW_WRITE 4
#define MASTER_STATUS_FD 5
#define MASTER_LISTEN_FD 6

/* The environment variable with the worker's generation, in octal. */
#define MASTER_GEN_NAME "GENERATION"

/* One report. Twelve bytes, native byte order, no padding. */
struct MASTER_STATUS {
	int pid;      /* the worker's process id */
	unsigned gen; /* its generation */
	int avail;    /* MASTER_STAT_TAKEN or MASTER_STAT_AVAIL */
};

/* Declared, never defined: an array of -1 elements stops the compiler. */
extern int
	ostler__status_is_12_bytes[sizeof(struct MASTER_STATUS) == 12 ? 1 : -1];

#define MASTER_STAT_TAKEN 0 /* not until further notice */
#define MASTER_STAT_AVAIL 1 /* ready for a client */

/* Kinds of listener, as Postfix's option -t and OSTLER_TRANSPORT name them. */
#define MASTER_XPORT_NAME_INET "inet"
#define MASTER_XPORT_NAME_UNIX "unix"
#define MASTER_XPORT_NAME_FIFO "fifo"
#define MASTER_XPORT_NAME_PASS "pass"
#define MASTER_XPORT_NAME_UNIX_DGRAM "unix-dgram"

/*
 * Report STATUS on the status descriptor. 0, or -1 when the master has hung
 * up: a worker that wanted to say AVAIL leaves then. A channel that is full
 * for the moment counts as told, if the descriptor is non-blocking.
 */
OSTLER_API int master_notify(int pid, unsigned generation, int status);

#ifdef __cplusplus
}
#endif

#endif
