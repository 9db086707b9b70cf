/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_STORE_H
#define OSTLER_MASTER_STORE_H

#include <stdbool.h>
#include <stdint.h>

struct listener;
struct master;

/*
 * store - our listeners in the descriptor store of the service manager, which
 *         gives them to the next master if this one dies (FDSTORE)
 *
 * Knows:   the name by which the manager has each.
 * Decides: nothing; clients who wait, wait there.
 * Never:   stores what the manager opened itself, waits, or asks back: the
 *          manager may have no store for us.
 */

/* Find out whether there is a manager. */
void store_begin(void);

/* Listeners came, or may have: those that are new are stored after the round */
void store_changed(void);

/* LISTENER, which is open, is not to come back: it is closed next. */
void store_drop(struct listener *listener);

/* NAME, by which a descriptor was passed to us, is one that we stored. */
bool store_is_ours(const char *name);

void store_round(struct master *master);
uint64_t store_deadline(void);

#endif
