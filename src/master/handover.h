/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_HANDOVER_H
#define OSTLER_MASTER_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>

struct holdings;
struct master;
struct text_builder;

/*
 * handover - everything that a master knows as text, and all that it has open
 *            as names, for the one that goes on in its place
 *
 * Knows:   which modules of the shell have a state, and in which order their
 *          lines come (handover_lines.h).
 * Decides: nothing.
 * Never:   changes anything, or writes a descriptor's number.
 */

/* The whole document, between two rounds. OUT overflows if it is too small. */
void handover_save(const struct master *master, struct text_builder *out);

/* The same in memory that is the caller's: free() it. 0 or -errno. */
int handover_text(const struct master *master, char **out, size_t *out_n);

/* All descriptors that the lines are about, borrowed. */
void handover_hold(const struct master *master, struct holdings *holdings);

#endif
