/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CORE_DUE_H
#define OSTLER_CORE_DUE_H

#include <stdint.h>

#include "core/event.h"
#include "core/state.h"

/*
 * due - what time asks of a worker that is up: age, client, sign of life
 *
 * Knows:   since when each has its client, and when each spoke last.
 * Decides: who is old, who keeps a client too long, and who has not spoken
 *          when it promised to.
 * Never:   holds a client's time against a worker before the shell has looked
 *          whether that client is still the one: what is known may be old.
 */

/* WORKER is READY or TAKEN: when is the next of these due? */
void due_arm(struct core *core, const struct worker *worker);

/* The same for all of POOL, whose policy is new. */
void due_arm_all(struct core *core, const struct pool *pool);

/* Its deadline has come. */
void due_time(struct core *core, struct worker *worker);

/*
 * It said TAKEN. AGO_NS is its word, and no older than what is known. True if
 * it has another client than before.
 */
bool due_taken(struct core *core, struct worker *worker, uint64_t ago_ns);

/* Any other word. */
void due_heard(struct core *core, struct worker *worker);

/* A look was answered, and what workers had to say was heard before. */
void due_looked(struct core *core, struct pool *pool);

/* While clients are timed, workers are looked at now and then. */
void due_settle(const struct core *core, struct pool *pool);
void due_look(struct core *core, struct pool *pool);

#endif
