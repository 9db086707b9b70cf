/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CORE_DRAIN_H
#define OSTLER_CORE_DRAIN_H

#include "core/state.h"

/*
 * drain - a service that rests by an operator's word, until another word
 *
 * Knows:   that its clients wait where they are: in its listeners' queues.
 * Decides: who is to leave, and what begins anew when it goes on.
 * Never:   closes a listener, or forgets the rest over a reload: only
 *          EVENT_RESUME, and the end of the service, end it.
 */

/* EVENT_DRAIN: every worker leaves when it is done, and nobody comes. */
void drain_begin(struct core *core, struct pool *pool);

/* EVENT_RESUME */
void drain_end(struct pool *pool);

#endif
