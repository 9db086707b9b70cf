/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CORE_CANARY_H
#define OSTLER_CORE_CANARY_H

#include "core/backoff.h"
#include "core/state.h"

/*
 * canary - a few workers of the next row, before all are
 *
 * Knows:   the row on trial, how many clients its workers have served, and
 *          what went wrong with them and, meanwhile, with the others.
 * Decides: how many there may be, and whether the row is to be in force.
 * Never:   retires a worker of the row in force, or takes a limit of the other
 *          one for its own, before the verdict.
 */

/* Whether the pool's next row can be tried, if its workers could live so. */
bool canary_can(const struct pool *pool);

/* The pool's next row is put on trial. If one is already: instead of it. */
void canary_begin(struct core *core, struct pool *pool);

/* Of the row on trial only what the master uses has changed: it goes on. */
void canary_adjust(struct core *core, struct pool *pool);

/* The row on trial is no more what the operator wants. */
void canary_withdraw(struct core *core, struct pool *pool);

/* No verdict any more: canaries are of an old epoch, and nobody asked them. */
void canary_drop(struct core *core, struct pool *pool);

/* By which rules WORKER is judged. */
const struct policy *canary_policy(
	const struct core *core, const struct worker *worker);

/* WORKER has served so many clients. */
void canary_served(
	struct core *core, const struct worker *worker, uint32_t clients);

/*
 * WORKER failed. True: it is a canary, and has so decided the trial: no
 * failure of the service.
 */
bool canary_failed(struct core *core, const struct worker *worker,
	enum verdict verdict, const struct failure *failure);

/* It serves nobody for now: nobody can be judged. */
void canary_lost(struct core *core, struct pool *pool);

/* The answer to a look has come. */
void canary_looked(struct core *core, struct pool *pool);

/* EVENT_TIME: is a verdict due? */
void canary_time(struct core *core, struct pool *pool);

/* Ends the trial if a canary has failed, and starts those that are missing. */
void canary_settle(struct core *core, struct pool *pool);

/* Workers over process_limit that are there or may be, for the trial. */
uint32_t canary_over(const struct pool *pool);

/* Most canaries now. */
uint32_t canary_share(const struct pool *pool);

uint64_t canary_deadline(const struct core *core, const struct pool *pool);

#endif
