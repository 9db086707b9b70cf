/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_WAKE_H
#define OSTLER_MASTER_WAKE_H

#include <stdint.h>

struct master;

/*
 * wake - the master as a client of its own services, for wake-up timers
 *
 * Knows:   wake-ups on their way.
 * Decides: nothing; a wake-up that cannot be sent is told and forgotten.
 * Never:   waits.
 */
int wakes_create(struct master *master);
void wakes_destroy(struct master *master);

/*
 * ACTION_WAKE: a connection with 'W' and a NUL (a pipe: 'W' alone; where
 * clients are passed: a pipe that has both).
 */
void wake_service(struct master *master, uint32_t service);

void wake_ready(struct master *master, uint32_t index, uint32_t serial);

/* Give up those that take too long. */
void wakes_expire(struct master *master);
uint64_t wakes_deadline(const struct master *master);

#endif
