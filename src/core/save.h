/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CORE_SAVE_H
#define OSTLER_CORE_SAVE_H

#include <stdbool.h>

#include "core/core.h"

struct saved_reader;
struct text_builder;

/*
 * save - the core as lines of text, so that another master goes on with it
 *
 * Knows:   every field of the core that does not follow from others.
 * Decides: whether lines are a core that could have been: counts, lists and
 *          deadlines are made anew, and every promise is counted again.
 * Never:   ends the program for what it reads. A core that was saved and
 *          loaded does what the other would have done, to the last action.
 */

/* Append the lines of CORE, which is between two steps. */
void core_save(const struct core *core, struct text_builder *out);

/* The limits of the core whose lines come next; READER stays where it is. */
bool core_saved_limits(
	const struct saved_reader *reader, struct core_limits *out);

/*
 * Make a core in MEMORY (as for core_init) of the lines that come next, and
 * step behind them. LIMITS may be others than were saved, if all that is there
 * has room. Times are kept: they have to be of the same clock, and NOW_NS is
 * not before them. NULL: refused, and the reader says why.
 */
struct core *core_load(void *memory, const struct core_limits *limits,
	struct saved_reader *reader, uint64_t now_ns);

/*
 * A worker is there that was born after CORE was saved: nobody else is to have
 * its SERIAL. To be said of each before the first step.
 */
void core_spend_serial(struct core *core, uint32_t serial);

/*
 * Nobody has the rows that were on trial any more: their canaries leave with
 * the next EVENT_TIME, which is due.
 */
void core_end_trials(struct core *core);

#endif
