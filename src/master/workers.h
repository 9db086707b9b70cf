/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_WORKERS_H
#define OSTLER_MASTER_WORKERS_H

#include <stdbool.h>
#include <stdint.h>

#include "master/records.h"
#include "sys/child.h"

struct action;
struct event;
struct master;

/*
 * workers - how workers begin and end
 *
 * Knows:   starts that wait for a slot of the spawner, and how those ended
 *          who ended lately.
 * Decides: nothing.
 * Never:   signals by pid, or reaps before the channel is read to its end.
 */

/* Where a start failed: a stage before all those of the spawner. */
#define STAGE_LISTENER (-1) /* one was lost and is not back yet */

/* A worker that has just ended; its slot may be another's by now. */
struct last_death {
	uint32_t slot;
	uint32_t serial;
	uint32_t service;
	int stage; /* where its start failed; 0: it did not */
	int pid;
	uint64_t up_ns;
	struct child_end end;
};

/* ACTION_SPAWN. What came of it is an event. */
void worker_start(struct master *master, const struct action *action);

/* One more waits for its start, as its record says. */
void worker_requeue(void);

/* Starts that waited; starts that came to an end. */
void workers_collect(struct master *master);

/* Its pidfd is readable: last words first, then its end. */
void worker_ended(struct master *master, uint32_t slot);

/* ACTION_RETIRE, ACTION_DISCONNECT, ACTION_TERM, ACTION_KILL */
void worker_half_close(struct master *master, uint32_t slot, uint32_t serial);
void worker_disconnect(struct master *master, uint32_t slot, uint32_t serial);
void worker_signal(
	struct master *master, uint32_t slot, uint32_t serial, int signal);

/*
 * A channel for the worker in SLOT: its end in *OUT_END, to be closed if
 * *OUT_OWNED. 0 or -errno.
 */
int worker_open_channel(
	struct master *master, uint32_t slot, int *out_end, bool *out_owned);

/* Give up what the master holds of it; a channel that others hold goes on. */
void worker_forget(struct master *master, uint32_t slot);

/* How a worker ended that ended lately, or NULL. */
const struct last_death *worker_death(uint32_t slot, uint32_t serial);

/* The last one of SERVICE whose start failed, or NULL. */
const struct last_death *worker_failed_start(uint32_t service);

/* What its start has had of processors, if EVENT is a worker's first word. */
void worker_cost(struct master *master, struct event *event);

/* What those of SERVICE that start have had of processors, into EVENT. */
void workers_measure(const struct master *master, struct event *event);

/* Starts that wait for a slot of the spawner. */
uint32_t workers_queued(void);

#endif
