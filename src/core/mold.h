/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CORE_MOLD_H
#define OSTLER_CORE_MOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/state.h"

/*
 * mold - the guest that workers of a pool are made from
 *
 * Knows:   how often orders have failed in a row, and when another is tried.
 * Decides: when there is one, whether a start goes through it, and when it is
 *          given up.
 * Never:   holds a start up: without a mold that is ready, workers are
 *          started as ever, and what becomes of one never pauses its service.
 */

/* The one that orders can go to, or NULL. */
const struct worker *mold_ready(
	const struct core *core, const struct pool *pool);

/* WORKER was ordered, and came; or did not. */
void mold_made(struct core *core, const struct worker *worker);
void mold_failed(struct core *core, const struct worker *worker);

/* The mold GUEST says that it is ready, or that it cannot be one. */
void mold_heard(struct core *core, struct worker *guest, bool ready);

/* It is of no use any more, and nobody asked it to leave; make a pause. */
void mold_lost(struct core *core, const struct worker *guest);

/* It took too long to be ready. */
void mold_late(struct core *core, struct worker *guest);

/* Start one, or let it go. */
void mold_settle(struct core *core, struct pool *pool);

/* When mold_settle() has something to do, or DEADLINE_NONE. */
uint64_t mold_deadline(const struct core *core, const struct pool *pool);

/* EVENT_REMOLD: what was wrong is forgotten, and a new one is made. */
void mold_renew(struct core *core, struct pool *pool);

/* For views. */
enum view_mold mold_view(const struct core *core, const struct pool *pool);

#endif
