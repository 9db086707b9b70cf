/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_CLOSE_H
#define OSTLER_MASTER_CLOSE_H

#include <stdint.h>

struct master;

/*
 * close - the end of a service
 *
 * Knows:   everything that the shell holds for one.
 * Decides: nothing.
 * Never:   comes before the core has said that its pool is empty, but at the
 *          very end of the master.
 */

/* ACTION_CLOSE: the core's pool is empty; everything of it is closed. */
void service_close(struct master *master, uint32_t id);

#endif
