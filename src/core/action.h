/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CORE_ACTION_H
#define OSTLER_CORE_ACTION_H

#include <stdbool.h>
#include <stdint.h>

/*
 * action - everything the core can want done, as plain values
 *
 * Knows:   which fields each kind uses.
 * Decides: nothing.
 * Never:   is done by the core. What came of it is an event of the next
 *          round.
 */
enum action_kind {
	ACTION_WATCH,	   /* service: arm the one-shot watch */
	ACTION_IGNORE,	   /* service: disarm it */
	ACTION_LOOK,	   /* service: how many wait? (EVENT_DEPTH) */
	ACTION_EXAMINE,	   /* service: is a worker stopped that holds the others
			    * up? (EVENT_STOPPED, or nothing) */
	ACTION_SPAWN,	   /* service, slot, serial, worker, number, mold_slot,
			    * mold_serial, canary: start one of that kind, from
			    * that mold unless its serial is 0; number is 1
			    * under stress, else 0 */
	ACTION_PROMOTE,	   /* service: its row on trial is in force */
	ACTION_ROLLBACK,   /* service, slot, serial, number: it never will be;
			    * number is the verdict, slot a canary or none */
	ACTION_RETIRE,	   /* slot, serial: half-close its channel */
	ACTION_DISCONNECT, /* slot, serial: close it in both directions */
	ACTION_TERM,	   /* slot, serial, number: ask by signal; number is 1
			    * if it keeps a client too long, else 0 */
	ACTION_KILL,	   /* slot, serial: end it */
	ACTION_LEFTOVERS,  /* service: retire channels that outlived workers */
	ACTION_WAKE,	   /* service: send it its wake-up */
	ACTION_REOPEN,	   /* service: its listener was lost; make a new one */
	ACTION_CLOSE,	   /* service: it is gone; close its listeners */
	ACTION_NOTICE,	   /* notice, service, slot, serial, number */
	ACTION_DONE,	   /* everything stopped that could be */
};
#define ACTION_KINDS (ACTION_DONE + 1)

/* What a process of a service is to be; all but the first are guests. */
enum worker_kind {
	KIND_WORKER,  /* of its pool */
	KIND_MOLD,    /* workers are made from it */
	KIND_BOUNCER, /* turns clients away while all workers are taken */
};
#define WORKER_KINDS (KIND_BOUNCER + 1)

/* What people should hear of. The shell has the words and the details. */
enum notice {
	NOTICE_THROTTLED,     /* service; number: the pause in ns */
	NOTICE_RECOVERED,     /* service: a client was served again */
	NOTICE_AT_LIMIT,      /* service; number: the limit */
	NOTICE_NO_SLOTS,      /* service; number: workers_max */
	NOTICE_SUSPECT,	      /* slot: READY by its word, but the queue rests */
	NOTICE_DEAF,	      /* service: nobody answers, and no room */
	NOTICE_START_TIMEOUT, /* slot: promised an AVAIL, did not say it */
	NOTICE_DIED,	      /* slot: ended badly, by no signal of ours */
	NOTICE_STUCK,	      /* slot: survives SIGKILL */
	NOTICE_TERM,	    /* slot: did not leave when asked; now by signal */
	NOTICE_STRESS,	    /* service; number: for how long, in ns, at least */
	NOTICE_MOLD_FAILED, /* service; number: the pause before the next */
	NOTICE_NO_MOLD,	    /* slot: it says that it cannot be one */
	NOTICE_OVERDUE,	    /* slot; number: how long it has its client */
	NOTICE_SILENT,	    /* slot; number: since when it has said no word */
	NOTICE_ROLLED,	    /* service; number: how long it took, in ns */
	NOTICE_ROLL_STALLED, /* service; number: old workers that serve on */
};
#define NOTICES (NOTICE_ROLL_STALLED + 1)

struct action {
	enum action_kind kind;
	enum notice notice;
	enum worker_kind worker;
	uint32_t service;
	uint32_t slot;
	uint32_t serial;
	uint32_t mold_slot;
	uint32_t mold_serial;
	bool canary; /* by the row on trial */
	uint64_t number;
};

/* A plain list over the core's own memory; emptied by the next step. */
struct actions {
	struct action *items; /* owned by the core */
	uint32_t n;
	uint32_t room;
};

/* Append. Running out of room is a bug of ours, and asserted. */
void actions_push(struct actions *actions, struct action action);

#endif
