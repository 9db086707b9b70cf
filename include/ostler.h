/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_H
#define OSTLER_H

#include <stddef.h>

#include "master_proto.h"

/*
 * ostler - be a worker, under ostler or under Postfix's master
 *
 * Knows:   what a worker is born with, and which limits its master gave it.
 * Decides: when to report READY (AVAIL) and TAKEN, and when to leave.
 * Never:   starts a thread, allocates in layers 1 and 2, changes the flags of
 *          a listener, or blocks where a sibling could take the client.
 *
 * Layer 1 is master_proto.h, layer 2 ostler_worker_*, for programs with an
 * event loop of their own, layer 3 the skeletons ostler_*_main, for all
 * others. Functions that can fail return 0 or more, or -errno. ostler(3) is
 * the manual.
 */

#ifdef __cplusplus
extern "C" {
#endif

#define OSTLER_API_VERSION 1

/* The version of the library that is linked, as in "0.1.0". */
OSTLER_API const char *ostler_version(void);

/* For max_use and max_idle_ms: none, whatever the master says. */
#define OSTLER_NO_LIMIT (~0U)

struct ostler_worker; /* opaque: this process, as a worker */

/*
 * A client of ostler_multi_main. OPENED may replace fd by another pollable
 * descriptor, which the skeleton then watches and closes.
 */
struct ostler_client {
	int fd;	     /* owned by the skeleton */
	void *state; /* the program's own */
};

/*
 * What a program is. Begin with OSTLER_OPTIONS_INIT, or set size yourself:
 * it says which members the program was compiled with. Callbacks that are
 * NULL are not called.
 */
struct ostler_options {
	size_t size;
	void *context;	  /* handed to every callback */
	unsigned max_use; /* clients until it leaves; 0: as the master says */
	unsigned max_idle_ms; /* idle time until it leaves; 0: likewise */

	/* Before the first AVAIL. Not 0: the worker exits with status 1. */
	int (*init)(struct ostler_worker *worker, void *context);

	/* The last thing before the end. */
	void (*leave)(struct ostler_worker *worker, void *context);

	/* single: serve CLIENT to its end, do not close it. Not 0: leave. */
	int (*serve)(int client, void *context);

	/* From here to closed: multi and event. Clients at once; 0: 100. */
	unsigned clients_max;

	/* multi: one has come, on a non-blocking descriptor. Not 0: close. */
	int (*opened)(struct ostler_client *client, void *context);

	/* multi: bytes or its end are there to be read. Not 0: close. */
	int (*readable)(struct ostler_client *client, void *context);

	/* multi: asked for by ostler_client_wants(). Not 0: close. */
	int (*writable)(struct ostler_client *client, void *context);

	/* multi: it is about to be closed; let go of its state. */
	void (*closed)(struct ostler_client *client, void *context);

	/* trigger, dgram: what was sent. Not 0: leave with that status. */
	int (*message)(const char *bytes, size_t n, void *context);

	/*
	 * In a worker that was made from a mold, before its first AVAIL. Not 0:
	 * the worker exits with status 1.
	 */
	int (*forked)(struct ostler_worker *worker, void *context);
};

/* Everything else nothing. C++ has no other way to name no member. */
#ifdef __cplusplus
#define OSTLER_OPTIONS_INIT                                                    \
	{                                                                      \
		sizeof(struct ostler_options), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,   \
			0, 0, 0                                                \
	}
#else
#define OSTLER_OPTIONS_INIT                                                    \
	{                                                                      \
		.size = sizeof(struct ostler_options)                          \
	}
#endif

/* ------------------------------------------------------------- skeletons */

/* One client at a time. Returns what main() should return. */
OSTLER_API int ostler_single_main(
	int argc, char **argv, const struct ostler_options *options);

/* Several clients per process, on one epoll set. */
OSTLER_API int ostler_multi_main(
	int argc, char **argv, const struct ostler_options *options);

/*
 * The same; the worker is TAKEN while OPENED is called, for programs in which
 * that takes its time.
 */
OSTLER_API int ostler_event_main(
	int argc, char **argv, const struct ostler_options *options);

/* A few bytes at a time, on unix, fifo or pass, that ask for something. */
OSTLER_API int ostler_trigger_main(
	int argc, char **argv, const struct ostler_options *options);

/* One datagram at a time. */
OSTLER_API int ostler_dgram_main(
	int argc, char **argv, const struct ostler_options *options);

/* What a client of ostler_multi_main is watched for; OSTLER_READ at first. */
#define OSTLER_READ 1U
#define OSTLER_WRITE 2U
OSTLER_API int ostler_client_wants(struct ostler_client *client, unsigned what);

/* ---------------------------------------------------------- the worker */

/*
 * Become a worker: read the environment or Postfix's options, check the
 * descriptors, ignore SIGPIPE. *OUT is set even on failure, for
 * ostler_worker_problem(). OPTIONS may be NULL. There is one per process.
 */
OSTLER_API int ostler_worker_open(struct ostler_worker **out, int argc,
	char **argv, const struct ostler_options *options);

/* Stop being one, without a word. */
OSTLER_API void ostler_worker_close(struct ostler_worker *worker);

/* Initialised: say the first AVAIL. */
OSTLER_API int ostler_worker_ready(struct ostler_worker *worker);

/*
 * Take a client, if one waits. Call it whenever a listener or the status
 * descriptor READY is readable, with the first that was reported, and with -1
 * whenever ostler_worker_timeout() has passed.
 *
 * Returns the client's descriptor, or
 * -EAGAIN     none waits; AVAIL is said if it was not before
 * -EBUSY      as many as may be are being served
 * -ESHUTDOWN  leave as soon as those being served are done
 * -EMFILE     no descriptor free (any cause): TAKEN is said; do not watch the
 *             listeners until ostler_worker_timeout() has passed
 * and other errors, after which the worker cannot go on.
 */
OSTLER_API int ostler_worker_accept(struct ostler_worker *worker, int ready);

/*
 * A client is done and closed. If that made room, take the next one at once
 * and without a word; results are those of ostler_worker_accept().
 */
OSTLER_API int ostler_worker_done(struct ostler_worker *worker);

/* Milliseconds until accept should be called whatever happens; -1: never. */
OSTLER_API int ostler_worker_timeout(const struct ostler_worker *worker);

/* 1 if the worker takes no other client and should leave when done. */
OSTLER_API int ostler_worker_leaving(const struct ostler_worker *worker);

/* How many clients at once; 1 unless said otherwise before ready. */
OSTLER_API void ostler_worker_set_clients_max(
	struct ostler_worker *worker, unsigned clients_max);

/*
 * On Postfix's transport pass a client comes over CONNECTION, which is closed:
 * returns its descriptor or -errno, then call ostler_worker_done(). On other
 * transports CONNECTION is the client and is returned. Skeletons do this.
 */
OSTLER_API int ostler_worker_receive(
	struct ostler_worker *worker, int connection);

/* What was said of the client that was received last, or NULL. */
OSTLER_API const char *ostler_worker_attribute(
	const struct ostler_worker *worker, const char *name);

/* The descriptors to poll for input. */
OSTLER_API int ostler_worker_status_fd(const struct ostler_worker *worker);
OSTLER_API unsigned ostler_worker_listeners(const struct ostler_worker *worker);
OSTLER_API int ostler_worker_listener(
	const struct ostler_worker *worker, unsigned i);

/* What the worker is and has done. Strings live as long as the process. */
OSTLER_API const char *ostler_worker_service(
	const struct ostler_worker *worker);
OSTLER_API const char *ostler_worker_transport(
	const struct ostler_worker *worker);
OSTLER_API unsigned ostler_worker_process_limit(
	const struct ostler_worker *worker);
/* 1 if the limit of workers is near: be brief with clients. Cheap to ask. */
OSTLER_API int ostler_worker_stress(const struct ostler_worker *worker);
OSTLER_API unsigned ostler_worker_verbose(const struct ostler_worker *worker);
OSTLER_API unsigned ostler_worker_clients(const struct ostler_worker *worker);
OSTLER_API unsigned long ostler_worker_served(
	const struct ostler_worker *worker);

/* What Postfix's option -o says of NAME, or NULL. */
OSTLER_API const char *ostler_worker_override(
	const struct ostler_worker *worker, const char *name);

/* Why ostler_worker_open() failed, as a sentence. */
OSTLER_API const char *ostler_worker_problem(
	const struct ostler_worker *worker);

/*
 * The program's own arguments: argv[0] and what is left behind the master's
 * options, NULL-terminated, *OUT_ARGC of them.
 */
OSTLER_API char **ostler_worker_argv(
	const struct ostler_worker *worker, int *out_argc);

/* ---------------------------------------------------------- flow tokens */

/*
 * All workers of Postfix's master share a pipe of tokens. Take up to, put, or
 * count: how many it was, or -errno. Nobody waits.
 */
OSTLER_API int ostler_flow_get(unsigned tokens);
OSTLER_API int ostler_flow_put(unsigned tokens);
OSTLER_API int ostler_flow_count(void);

#ifdef __cplusplus
}
#endif

#endif
