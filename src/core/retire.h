/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CORE_RETIRE_H
#define OSTLER_CORE_RETIRE_H

#include <stdint.h>

#include "core/state.h"

/*
 * retire - how a worker is made to leave: asked, disconnected, SIGTERM,
 * SIGKILL
 *
 * Knows:   how far each worker has been pushed, and when to push on.
 * Decides: the next rung. The ladder is climbed and never descended.
 * Never:   waits: a worker that will not die keeps its slot and nothing else.
 */

/*
 * Ask WORKER to leave when it is done. One that is idle should be gone soon;
 * one with a client has TIME_NS before SIGTERM. Asking again can only
 * shorten the time.
 */
void worker_retire(struct core *core, struct worker *worker, uint64_t time_ns);

/* SIGTERM now, and SIGKILL after the service's kill_time. */
void worker_term(struct core *core, struct worker *worker);

/* SIGKILL now. */
void worker_kill(struct core *core, struct worker *worker);

/* A RETIRING worker said a word. */
void worker_retiring_ready(struct core *core, struct worker *worker);
void worker_retiring_taken(struct core *core, struct worker *worker);

/* Its deadline has come. */
void worker_climb(struct core *core, struct worker *worker);

#endif
