/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_WORKERS_H
#define OSTLER_MASTER_WORKERS_H

#include <stdbool.h>
#include <stdint.h>

#include "sys/child.h"

struct master;

/*
 * workers - which process and which channel a slot of the core is
 *
 * Knows:   pid, pidfd and channel of each worker; starts that wait for a
 *          slot of the spawner.
 * Decides: nothing.
 * Never:   signals by pid, or reaps before the channel is read to its end.
 */
struct worker_record {
	uint32_t serial; /* 0: none */
	uint32_t service;
	int pid;     /* 0: not started yet */
	int pidfd;   /* owned; -1 */
	int channel; /* owned; -1: closed, or the service's shared one */
	uint64_t started_ns;
	int stage; /* where its start failed; 0: it did not */
	int error;
	unsigned busy; /* rounds in a row in which its messages had no end */
	bool disconnected; /* by us */
	bool shared;
	bool queued;
};

/* A worker that has just ended; its slot may be another's by now. */
struct last_death {
	uint32_t slot;
	uint32_t serial;
	int pid;
	uint64_t up_ns;
	struct child_end end;
};

/* ACTION_SPAWN. What came of it is an event. */
void worker_start(struct master *master, uint32_t service, uint32_t slot,
	uint32_t serial);

/* Starts that waited; starts that came to an end. */
void workers_collect(struct master *master);

/* Its pidfd is readable: last words first, then its end. */
void worker_ended(struct master *master, uint32_t slot);

/* ACTION_RETIRE, ACTION_DISCONNECT, ACTION_TERM, ACTION_KILL */
void worker_half_close(struct master *master, uint32_t slot, uint32_t serial);
void worker_disconnect(struct master *master, uint32_t slot, uint32_t serial);
void worker_signal(
	struct master *master, uint32_t slot, uint32_t serial, int signal);

/* NULL if the slot has another worker by now, or none. */
struct worker_record *worker_at(
	struct master *master, uint32_t slot, uint32_t serial);

/* How a worker ended that ended lately, or NULL. */
const struct last_death *worker_death(uint32_t slot, uint32_t serial);

/* The slot of the worker with this pid, or UINT32_MAX. */
uint32_t worker_by_pid(const struct master *master, int pid);

/* Starts are waiting or in flight: look again within 20 ms. */
bool workers_starting(const struct master *master);

#endif
