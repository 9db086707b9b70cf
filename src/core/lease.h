/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CORE_LEASE_H
#define OSTLER_CORE_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/state.h"

/*
 * lease - when the master listens, looks again, and stops believing AVAIL
 *
 * Knows:   what the queue was when the watch fired, and what was heard since.
 * Decides: whether the watch should be armed, when to look at a queue again,
 *          which READY workers are SUSPECT and which STARTING ones READY.
 * Never:   ends a worker, but for the operator's on_deaf = kill.
 *
 * AVAIL is a lease and not a fact: a worker that was stopped, or that was
 * killed after the kernel woke it for a client, leaves that client with
 * nobody, while its siblings sleep. So beside ready workers the watch is
 * armed too, at most once a second; when it fires, the queue must move.
 */

/* The watch fired: clients wait. It is disarmed now. */
void lease_fired(
	struct core *core, struct pool *pool, const struct event *event);

/* The answer to a look. */
void lease_depth(
	struct core *core, struct pool *pool, const struct event *event);

/* One more can take clients: who is held back for such may be started now. */
void lease_arrived(struct core *core, struct pool *pool);

/* A worker that could have been woken for a client has ended. */
void lease_ended(struct core *core, struct pool *pool);

/* Look at the queue soon, and again while workers are starting. */
void lease_look_soon(struct core *core, struct pool *pool);

void lease_time(struct core *core, struct pool *pool);
void lease_settle(struct core *core, struct pool *pool);
bool lease_wants_watch(const struct core *core, const struct pool *pool);
uint64_t lease_deadline(const struct core *core, const struct pool *pool);

#endif
