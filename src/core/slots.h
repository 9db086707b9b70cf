/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CORE_SLOTS_H
#define OSTLER_CORE_SLOTS_H

struct core;

/*
 * slots - workers_max, which all services share
 *
 * Knows:   which services have clients that wait for a slot, and how many
 *          workers are idle meanwhile.
 * Decides: whose idle worker leaves so that another service can start one:
 *          one at a time, of whoever has most of them.
 * Never:   takes a worker from its client.
 */

/* The last thing of every step. */
void slots_give(struct core *core);

#endif
