/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CORE_BOUNCE_H
#define OSTLER_CORE_BOUNCE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/event.h"
#include "core/state.h"

/*
 * bounce - who turns clients away while a service is full
 *
 * Knows:   whether all workers that may be are taken, and whether a bouncer (a
 *          guest, see guest.h) is at the door.
 * Decides: when one is started, and when it has to go.
 * Never:   has one at the door while a worker could take a client, but for
 *          policy.bounce_stay_ns, and lets none of its failures touch the
 *          pool: clients wait then, as they do without bouncers.
 *
 * Full is: process_limit workers have clients. Workers that leave after a
 * reload are not among them, so that a reload turns nobody away: who comes
 * while they make room waits.
 *
 * One that lets policy.bounce_over clients wait is not started before more do,
 * and may stay a moment longer: a worker that gets ready where many wait is
 * taken at once, and to start another each time would leave nobody at the door.
 */
bool bounce_is_full(const struct pool *pool);

/* One is at the door, or on its way there. */
bool bounce_serves(const struct core *core, const struct pool *pool);

/* The watch fired with DEPTH clients waiting. */
void bounce_fired(struct core *core, struct pool *pool, uint32_t depth);

/* A look's answer. */
void bounce_looked(struct core *core, struct pool *pool, uint32_t depth);

/* GUEST said a word, or has ended; of others than bouncers it is nothing. */
void bounce_heard(struct pool *pool, const struct worker *guest,
	const struct event *event);
void bounce_ended(struct core *core, struct pool *pool,
	const struct worker *guest, const struct event *event);

/* After each event: who is not needed any more has to go. */
void bounce_settle(struct core *core, struct pool *pool);

bool bounce_wants_watch(const struct core *core, const struct pool *pool);
uint64_t bounce_deadline(const struct core *core, const struct pool *pool);

#endif
