/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_WEIGH_H
#define OSTLER_MASTER_WEIGH_H

#include <stdint.h>

struct master;

/*
 * weigh - how much memory workers use, where max_memory is set
 *
 * Knows:   whose turn it is: the idle ones, then those with a client.
 * Decides: how often one is measured; the more that costs, the less often.
 * Never:   measures where nobody asked for it, or any but our own children,
 *          whose pids are theirs until we reap them.
 */

/* There may be workers to be measured: look for them. */
void weigh_begin(struct master *master);

void weigh_expire(struct master *master);

/* When weigh_expire() has something to do; UINT64_MAX: never. */
uint64_t weigh_deadline(void);

#endif
