/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_ROUND_H
#define OSTLER_MASTER_ROUND_H

struct master;

/*
 * round - from what the kernel says is ready to events, in the right order
 *
 * Knows:   what each tag of the loop stands for.
 * Decides: the order within a round: what workers said, then who died, then
 *          clients. A worker's last word must be heard before its end, and
 *          its being ready before the client that it is ready for.
 * Never:   closes and opens a descriptor under a pending event.
 */

/* Wait for something, or the next deadline; fill the inbox. */
void round_collect(struct master *master);

/* Deadlines that are not the core's. */
void round_expire(struct master *master);

#endif
