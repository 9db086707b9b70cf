/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_ROLLS_H
#define OSTLER_MASTER_ROLLS_H

#include <stdbool.h>

struct client;
struct master;

/*
 * rolls - how far new workers have taken the place of old ones, for who asks
 *
 * Knows:   what the core's views say of it.
 * Decides: nothing.
 * Never:   waits: who wants to know when it is over asks again.
 */

/* Some service's workers are being replaced, and that goes on. */
bool rolls_under_way(const struct master *master);

/* The answer to `rolls`: a record for each service that had any. */
void rolls_asked(struct master *master, struct client *client);

#endif
