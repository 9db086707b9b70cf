/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CORE_GUEST_H
#define OSTLER_CORE_GUEST_H

#include <stdint.h>

#include "core/event.h"
#include "core/state.h"

/*
 * guest - processes of a service that are not workers of its pool
 *
 * Knows:   each pool's guests, on a list of their own.
 * Decides: what an event means for one of them.
 * Never:   counts one among the workers: no limit, lease, throttle or failure
 *          of the service knows of it. Only its slot, and the ladder by which
 *          it is made to leave, are a worker's.
 */

/*
 * Start one. NULL: it would take the last slot, or one that clients wait for;
 * nothing was done.
 */
struct worker *guest_start(
	struct core *core, struct pool *pool, enum worker_kind kind);

/* The one of KIND that is not on its way out, or NULL; there is one at most. */
struct worker *guest_find(const struct core *core, const struct pool *pool,
	enum worker_kind kind);

/* Something was heard of GUEST. */
void guest_event(
	struct core *core, struct worker *guest, const struct event *event);

/* Its deadline has come. */
void guest_time(struct core *core, struct worker *guest);

/* Those of an old epoch are to leave; all are, by SIGTERM. */
void guests_retire_old(struct core *core, struct pool *pool, uint64_t time_ns);
void guests_term(struct core *core, struct pool *pool);

/* One whose slot others need more, or NULL. */
struct worker *guest_spare(struct core *core);

#endif
