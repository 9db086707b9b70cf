/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_ADOPT_H
#define OSTLER_MASTER_ADOPT_H

#include <stdbool.h>

#include "base/text.h"

struct holdings;
struct master;

/*
 * adopt - a master that goes on where another one ended
 *
 * Knows:   what handover.c writes, and the order in which things are made of
 *          it: first all that is memory, then what is a descriptor.
 * Decides: whether a state is one that can be gone on with; a worker whose
 *          process cannot be had any more has ended.
 * Never:   reads a configuration, looks a user up, or opens a listener.
 */

/*
 * All that is memory; MASTER is prepared (master_prepare), and has nothing yet.
 * False: refused, and *OUT_PROBLEM is why, in words of ours. Nothing has
 * happened to anybody then, and MASTER is of no use any more.
 */
bool adopt_load(
	struct master *master, struct text state, const char **out_problem);

/*
 * The descriptors, taken from HOLDINGS and put into the loop; MASTER is open.
 * Those that are left belong to nobody. False as above.
 */
bool adopt_take(struct master *master, struct holdings *holdings,
	const char **out_problem);

/* Both. */
bool adopt(struct master *master, struct text state, struct holdings *holdings,
	const char **out_problem);

#endif
