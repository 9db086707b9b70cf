/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CORE_RELOAD_H
#define OSTLER_CORE_RELOAD_H

#include "core/event.h"
#include "core/state.h"

/*
 * reload - adopting a table, and stopping: the places where every service is
 * touched at once
 *
 * Knows:   the rows that came since the last table.
 * Decides: which services start, change, leave; which workers retire.
 * Never:   half of it: rows do nothing until the table is adopted, in one
 *          step. A stop always wins over a table.
 */
void reload_row(struct core *core, const struct event *event);
void reload_table(struct core *core);

void stop_begin(struct core *core);
void stop_hurry(struct core *core);
void stop_now(struct core *core);

/* Retire every worker of an older epoch than the pool's. */
void reload_retire_old(struct core *core, struct pool *pool, uint64_t time_ns);

/* The pool's next row in force, and other workers for all of its old ones. */
void reload_promote(struct core *core, struct pool *pool);

/* EVENT_SCALE: other numbers, until the next table. */
void reload_scale(struct pool *pool, const struct event *event);

/* The listener broke under us: a new one, new workers, and a pause. */
void reload_listener_lost(struct core *core, struct pool *pool);

#endif
