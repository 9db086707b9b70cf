/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CORE_VIEW_H
#define OSTLER_CORE_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "core/action.h"

struct core;

/*
 * view - what may be read of the core, copied out
 *
 * Knows:   how to count.
 * Decides: nothing; a view taken or not taken changes nothing.
 * Never:   gives out a pointer into the core.
 */
enum worker_state {
	WORKER_FREE,
	WORKER_STARTING, /* spawned and not heard from */
	WORKER_READY,	 /* can take a client */
	WORKER_TAKEN,	 /* cannot */
	WORKER_RETIRING, /* will not take another; leaves when done */
};
#define WORKER_STATES (WORKER_RETIRING + 1)

enum pool_state {
	POOL_FREE,
	POOL_UP,
	POOL_LEAVING,  /* removed from the table */
	POOL_STOPPING, /* the master stops */
	POOL_DRAINED,  /* it rests by request, and its clients wait */
};
#define POOL_STATES (POOL_DRAINED + 1)

/* Why a service pauses, or paused last. */
enum cause {
	CAUSE_NONE,
	CAUSE_START_FAILED,  /* stage, error */
	CAUSE_START_TIMEOUT, /* never said its promised AVAIL */
	CAUSE_EARLY_EXIT,    /* code or signal, before its first client */
	CAUSE_CRASHING,	     /* code or signal, too often */
	CAUSE_START_RATE,    /* too many starts, whatever the reason */
	CAUSE_LISTENER_LOST,
};

/* What has become of a row on trial. */
enum verdict {
	VERDICT_NONE,
	VERDICT_GOOD,
	VERDICT_FAILED,	   /* a canary did not start, or ended badly: cause */
	VERDICT_OVERDUE,   /* it kept a client too long */
	VERDICT_SILENT,	   /* it did not speak as it had promised */
	VERDICT_FEW,	   /* too few clients came to it */
	VERDICT_LOST,	   /* it lost its listener, or was drained, meanwhile */
	VERDICT_WITHDRAWN, /* the operator has changed his mind */
};
#define VERDICTS (VERDICT_WITHDRAWN + 1)

/* What of a worker is used up, so that another is to take its place. */
enum wear {
	WEAR_NONE,
	WEAR_USE,    /* it has served as many clients as it should */
	WEAR_AGE,    /* it is as old as it should become */
	WEAR_MEMORY, /* it has grown larger than it should */
};
#define WEARS (WEAR_MEMORY + 1)

/* How a service's mold does. */
enum view_mold {
	VIEW_MOLD_OFF,
	VIEW_MOLD_NONE, /* no worker yet, or no slot */
	VIEW_MOLD_STARTING,
	VIEW_MOLD_READY,
	VIEW_MOLD_PAUSED,  /* it failed; another is tried later */
	VIEW_MOLD_REFUSED, /* its program cannot be one */
};

struct view_service {
	enum pool_state state;
	uint32_t starting, ready, taken, retiring;
	uint32_t suspect;  /* of the ready ones */
	uint32_t mute;	   /* of the taken ones */
	uint32_t worn;	   /* of those that are not retiring */
	uint32_t old;	   /* the same, from before a reload: it rolls */
	bool stalled;	   /* so they stay: nobody comes in their place */
	uint32_t replaced; /* by the last roll, or by this one */
	uint64_t roll_ns;  /* how long it took, or takes by now; 0: none yet */
	uint32_t total;
	uint32_t stuck;	 /* of the retiring ones, and of guests */
	uint32_t guests; /* not of them, and not in any figure above */
	uint32_t limit;	 /* 0: workers_max alone */
	uint32_t spare_min, spare_max, share;
	uint32_t depth; /* as last seen */
	enum view_mold mold;
	uint64_t molded; /* of starts: those made from a mold */
	bool watching;
	bool starved;	       /* clients wait for a slot of workers_max */
	bool deaf;	       /* clients wait, nobody answers, no room */
	bool held;	       /* starts wait for those under way */
	bool stress;	       /* the limit is near, or was lately */
	bool full;	       /* all that may be are taken */
	bool bouncing;	       /* who comes is turned away just now */
	uint64_t throttled_ns; /* from now on; 0: not */
	enum cause cause;
	int stage, error, code, signal;
	uint64_t failures, starts, served, exits, redundant;
	uint64_t recycled;	      /* asked to leave since they were worn */
	uint64_t recycled_for[WEARS]; /* the same, by what was worn */
	uint64_t timeouts;	      /* kept a client too long */
	uint64_t hangs;		      /* did not speak as they promised */
	uint64_t refused;	      /* clients that bouncers turned away */
	uint64_t limit_hits;	/* how often all were taken, at the limit */
	uint64_t limit_ns;	/* for how long in all, until now */
	uint64_t trimmed;	/* went because they were not needed */
	uint64_t start_time_ns; /* learned */
	uint64_t start_cpu_ns;	/* what of it is processor time; 0: unknown */
};

struct view_worker {
	enum worker_state state;
	enum worker_kind kind;
	uint32_t service;
	uint32_t serial;
	bool suspect, mute, asked, canary;
	bool stuck; /* it survives SIGKILL */
	enum wear wear;
	uint64_t age_ns;
	uint64_t since_ns; /* in this state, from then to now */
};

/* A row on trial, or the last one that was. */
struct view_trial {
	bool runs;
	uint32_t canaries;    /* that are not leaving */
	uint64_t served;      /* clients, by them */
	uint32_t least;	      /* so many it takes */
	uint64_t left_ns;     /* until the verdict */
	enum verdict verdict; /* of the last one; VERDICT_FAILED: the rest */
	enum cause cause;
	int stage, error, code, signal;
};

/* False if the service's number is free. */
bool core_view_trial(const struct core *core, uint32_t service, uint64_t now_ns,
	struct view_trial *out);

/* False if there is no such service (its number is free). */
bool core_view_service(const struct core *core, uint32_t service,
	uint64_t now_ns, struct view_service *out);

/* False if the slot is free. */
bool core_view_worker(const struct core *core, uint32_t slot, uint64_t now_ns,
	struct view_worker *out);

/* How far core_view_starting() looks: the newest workers of a service. */
#define VIEW_STARTING_MAX 256

/*
 * Slots of those whose processor time the core wants to know with the next
 * depth of SERVICE, in OUT[VIEW_STARTING_MAX]; how many. None when it is of no
 * interest.
 */
uint32_t core_view_starting(
	const struct core *core, uint32_t service, uint32_t *out);

/* Workers of all services together, and their guests. */
uint32_t core_view_workers(const struct core *core);

/*
 * The first promise that the state breaks, as a sentence, or NULL. Counts
 * everything again: for tests and the simulator, not for every step.
 */
const char *core_audit(const struct core *core, uint64_t now_ns);

#endif
