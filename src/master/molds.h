/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_MOLDS_H
#define OSTLER_MASTER_MOLDS_H

#include <stdbool.h>
#include <stdint.h>

struct action;
struct channel_message;
struct master;

/*
 * molds - workers that another process makes for us
 *
 * Knows:   the orders that are out, and since when.
 * Decides: whether who comes is who was ordered (MECHANISMS B10).
 * Never:   believes a mold anything: a worker's pid is the kernel's word on
 *          its first message, and it must be a child of ours, in no slot, of
 *          the service's user.
 */

/* ACTION_SPAWN with a mold: SLOT's record is there. */
void molds_order(
	struct master *master, uint32_t slot, const struct action *action);

/* The first MESSAGE in the channel of one that was ordered: is it he? */
bool molds_admit(struct master *master, uint32_t slot,
	const struct channel_message *message);

/* He will not come any more; the slot is free when the core has heard of it. */
void molds_give_up(struct master *master, uint32_t slot);

/* A mold's own words: ready, or it cannot be one. False: they are none. */
bool molds_heard(struct master *master, uint32_t slot, const char *bytes,
	const struct channel_message *message);

/* A mold is no more: whom else it made is not wanted. */
void molds_ended(struct master *master);

/* Who comes, and is dead already, must be known before the dead are reaped. */
void molds_hear(struct master *master);

/* Children of those who were us before are nobody's business. Once, early. */
void molds_begin(void);

/* Orders that took too long, and children that nobody ordered. */
void molds_expire(struct master *master);
uint64_t molds_deadline(void);

/* Orders that are out. */
uint32_t molds_ordered(void);

#define MOLDS_ELDERS_ROOM 1024

/* Those children as words, for the master that follows; false: too many. */
bool molds_elders(char out[MOLDS_ELDERS_ROOM]);

/* The same as they were told; NULL: too many. False: those are no pids. */
bool molds_set_elders(const char *words);

#endif
