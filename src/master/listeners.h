/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_LISTENERS_H
#define OSTLER_MASTER_LISTENERS_H

#include <stdbool.h>
#include <stdint.h>

#include "table/service.h"

struct endpoint;
struct identity;
struct listener;
struct maker;
struct master;
struct net_named;
struct plan;
struct service;

/*
 * listeners - endpoints as descriptors: open, watch, ask, close
 *
 * Knows:   how each kind of endpoint is opened and how its queue is seen.
 * Decides: when asking for a queue's depth is too dear.
 * Never:   accepts a client.
 */

/* NET_IPV4 ... for an endpoint of ENDPOINT_INET. */
int listener_family(enum endpoint_family family);

enum listener_way {
	LISTENER_OPEN,
	LISTENER_AT_ONCE, /* the same, in place at once: nothing is in force */
	LISTENER_REPLACE, /* a socket of our own may have its name */
	LISTENER_SHARE,	  /* one of our own may have its port */
};

/*
 * Open ENDPOINT of ROW. A socket or pipe with a name is complete in NAMED
 * and not yet in place; TCP listens at once. The descriptor or -errno.
 */
int listener_open(const struct service *row, const struct endpoint *endpoint,
	const struct identity *owner, enum listener_way way,
	struct net_named *named);

/* All of a start are open. */
void listeners_opened(void);

/* False: it has a name, and that is gone or somebody else's by now. */
bool listener_has_name(const struct listener *listener);

/* Give the name of LISTENER the owner and mode that ROW wants. */
int listener_protect(const struct listener *listener, const struct service *row,
	const struct identity *owner);

/*
 * The same for TCP, where another listener of ours may overlap with it: one in
 * force, or of PLAN, which may be NULL (beside.c).
 */
int listener_open_beside(const struct master *master, const struct plan *plan,
	const struct service *row, const struct endpoint *endpoint,
	const struct identity *owner);

/* Its name, put into place, taken back, or removed, as who made it. */
int listener_commit(const struct maker *maker, struct net_named *named);
void listener_abort(const struct maker *maker, struct net_named *named);
void listener_unlink(const struct listener *listener);

/* ACTION_WATCH and ACTION_IGNORE; they take effect when we settle to wait. */
void listeners_watch(struct master *master, uint32_t service, bool on);
void listeners_settle(struct master *master);

/* Without memory a watch is not armed: again after a moment. */
void listeners_rearm(struct master *master);
uint64_t listeners_rearm_deadline(void);

/* A listener's watch fired (READY: LOOP_ bits). */
void listener_ready(struct master *master, uint32_t service, uint32_t endpoint,
	uint32_t ready);

/* ACTION_LOOK: the answer is an event. */
void listeners_look(struct master *master, uint32_t service);

/*
 * ACTION_EXAMINE: is a worker stopped that holds the lock for which the others
 * wait? Then the answer is an event.
 */
void listeners_examine(struct master *master, uint32_t service);

/* How many wait; UINT32_MAX: that cannot be known (for people). */
uint32_t listener_depth(
	struct master *master, uint32_t service, uint32_t endpoint);

/* ACTION_REOPEN. What cannot be had is tried again, every 1 to 10 seconds. */
void listeners_reopen(struct master *master, uint32_t service);
void listeners_retry(struct master *master);
uint64_t listeners_retry_deadline(void);

/* They were another master's: those that are missing are tried soon. */
void listeners_adopted(struct master *master);

/* One that was lost and is not back yet, of a service in force; or NULL. */
const struct listener *listener_missing(
	const struct master *master, uint32_t service);

/* Close *FD, a listener of KIND, and down it goes for all its holders, who
 * would keep its clients waiting, and its port. */
void listener_let_go(enum endpoint_kind kind, int *fd);

/* Out of the loop, down for all its holders, and its name removed. */
void listener_close(struct master *master, struct listener *listener);

/*
 * An endpoint that its service gave up: closed when its queue is empty, or
 * after a moment. Taken whole.
 */
void listener_doom(struct master *master, struct listener *listener);
void listeners_doomed(struct master *master);
uint64_t listeners_deadline(void);

#endif
