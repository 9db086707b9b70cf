/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CORE_EVENT_H
#define OSTLER_CORE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/view.h"
#include "table/diff.h"
#include "table/service.h"

/*
 * event - everything that can happen to the master, as plain values
 *
 * Knows:   which fields each kind uses (the comment behind it).
 * Decides: nothing.
 * Never:   names a pid, a descriptor or a signal number of the shell's. A
 *          worker is (slot, serial); a service is its number in the core.
 */
enum event_kind {
	EVENT_TIME,    /* nothing but the time has passed */
	EVENT_ROW,     /* service, change, trial, policy: of the next table */
	EVENT_TABLE,   /* the rows since the last one are the table now */
	EVENT_CLIENTS, /* service, depth, cpu: the watch fired; it is off */
	EVENT_DEPTH,   /* service, depth, cpu: the answer to ACTION_LOOK */
	EVENT_STARTED, /* slot, serial: its program runs */
	EVENT_START_FAILED, /* slot, serial, stage, error, temporary */
	EVENT_ORDER_FAILED, /* slot, serial: its mold made none */
	EVENT_READY,	    /* slot, serial, cpu: it said AVAIL */
	EVENT_TAKEN,   /* slot, serial, since_ns, unseen, clients, cpu: TAKEN */
	EVENT_MUTE,    /* slot, serial: alive, but closed its channel */
	EVENT_STOPPED, /* slot, serial: stopped, and in others' way */
	EVENT_WORN,    /* slot, serial, wear: replace it in time */
	EVENT_EXITED,  /* slot, serial, code, signal, unknown */
	EVENT_LISTENER_LOST, /* service: a worker broke the listener */
	EVENT_REMOLD,	     /* service: a new mold, as soon as may be */
	EVENT_SCALE, /* service, process_limit, spare_min, spare_max of policy */
	EVENT_DRAIN,  /* service: rest, when its workers are done */
	EVENT_RESUME, /* service: go on */
	EVENT_STOP,   /* let every worker finish, then be done */
	EVENT_HURRY,  /* the same, with SIGTERM now */
	EVENT_QUIT,   /* the same, with SIGKILL now */
};
#define EVENT_KINDS (EVENT_QUIT + 1)

struct event {
	enum event_kind kind;
	uint32_t service;
	uint32_t slot;
	uint32_t serial;
	uint32_t depth;
	/*
	 * Of a service: what those of core_view_starting() have had of
	 * processors so far, and waited for one. Of a worker: what its start
	 * has, with its first word. 0: not known.
	 */
	uint64_t cpu_ns;
	uint64_t wait_ns;
	int stage;	/* where a start failed; a number of the shell's */
	int error;	/* why: an errno value; opaque here */
	bool temporary; /* for want of a resource, not for being wrong */
	int code;	/* exit status, if signal is 0 */
	int signal;	/* what killed it, or 0 */
	bool unknown;	/* of an end: nobody can say how it was */
	enum wear wear;
	uint64_t since_ns; /* how long ago its client came, by its word */
	bool unseen;	   /* of a TAKEN: it is over, nobody told in time */
	uint32_t clients;  /* of a TAKEN: that it tells of; 0: one */
	bool trial;	   /* of a row: it may be tried before it is in force;
			    * then change is from the row on trial, if any */
	enum row_change change;
	struct policy policy;
};

#endif
