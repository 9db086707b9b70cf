/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_ORDER_H
#define OSTLER_MASTER_ORDER_H

#include <stdint.h>

#include "sys/spawn.h"

struct master;

/*
 * order - what a worker of a service finds when it starts
 *
 * Knows:   descriptors, environment, identity and limits of the contract
 *          (ostler-protocol(7)).
 * Decides: nothing.
 * Never:   passes anything on from the master's own environment, but TZ.
 */
#define ORDER_ENVIRONMENT_MAX 256

struct order {
	struct spawn_order spawn;
	int fds[SPAWN_FDS_MAX];
	struct spawn_limit limits[SPAWN_LIMITS_MAX];
	const char *environment[ORDER_ENVIRONMENT_MAX + 1];
	char text[1024]; /* of what is made here */
};

/*
 * Fill OUT for a worker of SERVICE with this GENERATION; CHANNEL is its end.
 * Borrows from the service's edition until the spawner has copied it.
 */
void order_make(const struct master *master, uint32_t service,
	uint32_t generation, int channel, struct order *out);

#endif
