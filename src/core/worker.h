/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CORE_WORKER_H
#define OSTLER_CORE_WORKER_H

#include "core/event.h"
#include "core/state.h"

/*
 * worker - what becomes of one worker when something is heard of it
 *
 * Knows:   what a word, a start, a failure and an end mean for its state.
 * Decides: which ends are failures, and when a silent worker is ready.
 * Never:   believes a word further than its own service.
 */
void worker_started(struct core *core, struct worker *worker);
void worker_start_failed(
	struct core *core, struct worker *worker, const struct event *event);
void worker_order_failed(struct core *core, struct worker *worker);
void worker_ready(
	struct core *core, struct worker *worker, const struct event *event);
void worker_taken(
	struct core *core, struct worker *worker, const struct event *event);
void worker_mute(struct core *core, struct worker *worker);
void worker_stopped(struct core *core, struct worker *worker);
void worker_worn(
	struct core *core, struct worker *worker, const struct event *event);
void worker_exited(
	struct core *core, struct worker *worker, const struct event *event);

/* Its deadline has come, whatever it was for. */
void worker_time(struct core *core, struct worker *worker);

#endif
