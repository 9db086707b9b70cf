/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_RECORDS_H
#define OSTLER_MASTER_RECORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/action.h"

struct master;
struct page;

/*
 * records - which process and which channel a slot of the core is
 *
 * Knows:   pid, pidfd and channel of each worker.
 * Decides: nothing.
 * Never:   finds a worker by a slot alone: its serial must fit.
 */
struct worker_record {
	uint32_t serial; /* 0: none */
	uint32_t service;
	enum worker_kind kind;
	int pid;     /* 0: not started yet */
	int pidfd;   /* owned; -1 */
	int channel; /* owned; -1: closed, or the service's shared one */
	uint64_t started_ns;
	int stage; /* where its start failed; 0: it did not */
	int error;
	unsigned busy; /* rounds in a row in which its messages had no end */
	uint8_t rests; /* of its channel, in a row */
	bool disconnected; /* by us */
	bool shared;
	bool queued;
	bool ordered; /* of a mold, and not come yet */
	uint64_t ordered_until_ns;
	int signalled;	      /* the last one we sent; 0: none */
	bool heard;	      /* it said a word */
	bool stress;	      /* born while its service is under stress */
	bool canary;	      /* born by the row on trial */
	bool taken;	      /* its last word was that */
	struct page *page;    /* borrowed from its service; NULL: none */
	uint32_t page_place;  /* in it */
	uint64_t page_served; /* clients, by what it wrote there */
	uint64_t page_news;   /* of these, those not told of yet */
	uint64_t page_over;   /* ... and those that were too many */
};

/* NULL if the slot has another worker by now, or none. */
struct worker_record *worker_at(
	struct master *master, uint32_t slot, uint32_t serial);

/* Clients that its page tells of, and nobody has been told yet. */
uint32_t worker_news(struct master *master, uint32_t slot);

/* So many clients were too many from their source, it says. */
void worker_refused(
	struct master *master, struct worker_record *worker, uint64_t over);

/* The slot of the worker with this pid, or UINT32_MAX. */
uint32_t worker_by_pid(const struct master *master, int pid);

#endif
