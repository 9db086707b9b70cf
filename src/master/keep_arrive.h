/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_KEEP_ARRIVE_H
#define OSTLER_MASTER_KEEP_ARRIVE_H

#include <stdbool.h>

struct holdings;
struct master;

/*
 * keep_arrive - a master after one that died
 *
 * Knows:   that a state is a moment old: who came since then has no line in
 *          it, and who left may have one.
 * Decides: nothing.
 * Never:   goes on with a state that is refused: it ends, and who holds all
 *          this starts another, at last without the state.
 */

/* Whether there is a state among HOLDINGS. */
bool keep_has_state(struct holdings *holdings);

/* Go on with it. HOLDINGS are used up. False: refused, and told. */
bool keep_arrive(struct master *master, struct holdings *holdings);

/* A round went well. */
void keep_settle(struct master *master);

/* There is no state; listeners are used where they are wanted. */
void keep_offer(struct holdings *holdings);

#endif
