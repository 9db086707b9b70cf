/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CORE_SAVE_LINES_H
#define OSTLER_CORE_SAVE_LINES_H

#include "base/saved.h"
#include "core/state.h"

/*
 * save_lines - the kinds of lines that a core is written as
 *
 * Knows:   the fields of each, where they are and how large they may be.
 * Decides: nothing.
 * Never:   has a field that follows from others: counts, lists, what they
 *          are used for.
 */

/* One per service that is not free. */
struct pool_line {
	uint32_t service;
	bool due; /* something is to come, at: */
	uint64_t due_ns;
	struct pool pool;
};

/* One per service of the next table, while rows come in. */
struct row_line {
	uint32_t service;
	enum row_change change;
	bool trial;
	struct policy policy;
};

/* One per service that has, or had, a row on trial. */
struct trial_line {
	uint32_t service;
	struct canary canary;
};

/* One per process, those of a pool together and in the order of its list. */
struct worker_line {
	uint32_t slot;
	bool due;
	uint64_t due_ns;
	struct worker worker;
};

/* One per slot that was used and is free, in the order of their list. */
struct free_line {
	uint32_t slot;
};

/* In this order: one core line, then any number of each of the others. */
extern const struct saved_kind save_core_kind;
extern const struct saved_kind save_pool_kind;
extern const struct saved_kind save_row_kind;
extern const struct saved_kind save_trial_kind;
extern const struct saved_kind save_worker_kind;
extern const struct saved_kind save_free_kind;

/* For max: any number, or a time that is to come. */
#define SAVE_ANY UINT64_MAX
/* For max: how long something lasts; added to now it is still a time. */
#define SAVE_SPAN (UINT64_C(1) << 62)
/* For max: a time that has passed; with the core's now it is not later. */
#define SAVE_PAST (UINT64_MAX - 1)

#endif
