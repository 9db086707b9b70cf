/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_ORDER_H
#define OSTLER_MASTER_ORDER_H

#include <stdint.h>

#include "sys/spawn.h"

struct birth;
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
#define ORDER_PATH                                                             \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct order {
	struct spawn_order spawn;
	int fds[SPAWN_FDS_MAX];
	struct spawn_limit limits[SPAWN_LIMITS_MAX];
	const char *environment[ORDER_ENVIRONMENT_MAX + 1];
	char text[1024]; /* of what is made here */
	char mold[32];	 /* of a mold's own variable */
};

/*
 * Fill OUT for a worker. Borrows from the service's edition until the spawner
 * has copied it.
 */
void order_make(const struct master *master, const struct birth *birth,
	struct order *out);

/* Its descriptors alone: STANDARD are 0, 1 and 2. */
void order_put_fds(const struct master *master, const struct birth *birth,
	const int standard[3], struct order *out);

#endif
