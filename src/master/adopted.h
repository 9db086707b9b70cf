/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_ADOPTED_H
#define OSTLER_MASTER_ADOPTED_H

#include <stdbool.h>
#include <stdint.h>

struct child_end;
struct master;

/*
 * adopted - how workers end that are another process's children
 *
 * Knows:   ends that were told before they were seen, and those that are
 *          seen and not told yet.
 * Decides: how long who reaps them is waited for: a second; then nobody knows.
 * Never:   believes an end that the kernel has not shown.
 */

/* The worker in SLOT is dead and not our child. True: that is how. */
bool adopted_end(struct master *master, uint32_t slot, struct child_end *out);

/* Whose child it was says so; the worker may be unknown yet, or alive to us. */
void adopted_ended(struct master *master, uint32_t slot, uint32_t serial,
	const struct child_end *end);

/* Those that nobody tells of. */
void adopted_expire(struct master *master);
uint64_t adopted_deadline(void);

#endif
