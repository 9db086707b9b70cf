/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CORE_STATE_H
#define OSTLER_CORE_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/number.h"
#include "base/prng.h"
#include "core/action.h"
#include "core/core.h"
#include "core/deadline.h"
#include "core/view.h"

/*
 * state - what the modules of the core share, and nobody else sees
 *
 * Knows:   one pool per service and one worker per slot, linked by index.
 * Decides: nothing.
 * Never:   leaves this room: the shell reads views.
 */
#define NO_SLOT UINT32_MAX

/* How far one worker has been pushed to leave. It only ever climbs. */
enum rung {
	RUNG_NONE,
	RUNG_RETIRE,	 /* its channel is half-closed */
	RUNG_DISCONNECT, /* and closed */
	RUNG_TERM,
	RUNG_KILL,
	RUNG_STUCK, /* nothing more can be done */
};

struct worker {
	enum worker_state state;
	enum worker_kind kind;
	enum rung rung;
	uint32_t serial;
	uint32_t service;
	uint32_t epoch; /* of its pool when it was started */
	uint32_t mold;	/* serial of the one it is ordered from; or 0 */
	uint32_t next, prev;
	bool executed; /* its program runs */
	bool spoke;    /* any word at all */
	bool served;   /* said TAKEN */
	bool cycled;   /* and AVAIL after it */
	bool idle;     /* its last word was AVAIL, or it said none */
	bool suspect;
	bool mute;
	bool canary;	/* of the row on trial, which is not in force */
	bool reclaimed; /* retired so that another service gets its slot */
	bool asked;	/* we want it gone: no end of it is a failure */
	bool overdue;	/* its client takes too long */
	bool beats;	/* TAKEN, it said so again: it is to go on */
	enum wear wear; /* what of it is used up */
	uint64_t started_ns;
	uint64_t executed_ns;
	uint64_t since_ns;
	uint64_t heard_ns;	 /* the last word; before, the start */
	uint64_t taken_ns;	 /* TAKEN: since when it has this client */
	uint64_t asked_ns;	 /* ... is overdue, and a look was asked for */
	uint64_t unseen_ns;	 /* when it was told to have served unseen */
	uint64_t drain_until_ns; /* RETIRING: no word puts it off further */
};

/* Why the master looks again, and what it compares with. */
struct lease {
	bool pending;	   /* a watch fired; the verdict is due */
	bool asked;	   /* the verdict's look is under way */
	bool rescue;	   /* short patience: a worker ended just before */
	uint64_t due_ns;   /* when to ask, if pending */
	uint64_t next_ns;  /* no watch beside ready workers before this */
	uint64_t ended_ns; /* when a worker last ended that was not taken */
	uint32_t depth;	   /* as noted when the watch fired */
	uint64_t words;	   /* the same for the pool's words */
	uint32_t strikes;  /* words went on, and the queue did not move */
	uint64_t rests_ns; /* since then neither did; 0: since now */
};

/* The token of a pool: whose worn worker is being replaced. */
struct recycle {
	enum {
		RECYCLE_NONE,
		RECYCLE_LOOKING,  /* would it be missed? */
		RECYCLE_STARTING, /* another comes first */
		RECYCLE_LEAVING,  /* the worn one was asked */
	} phase;
	uint32_t slot, serial;	       /* of the worn one */
	uint64_t look_ns;	       /* LOOKING: not answered: ask again */
	uint32_t new_slot, new_serial; /* of the other; serial 0: none */
};

struct backoff {
	uint64_t pause_ns;	 /* the last pause after failures; 0: none */
	uint64_t until_ns;	 /* no start before this */
	uint64_t failed_ns;	 /* the last failure */
	uint64_t crash_pause_ns; /* the last pause for crashing */
	uint64_t crashes_ns;	 /* leaky bucket: a second for each crash */
	uint64_t crashed_ns;	 /* when it was last looked at */
	uint64_t tokens_ns;	 /* start rate: the next start's due time */
	bool whole;		 /* the last pause was throttle_time itself */
	enum cause cause;
	int stage, error, code, signal;
};

/* How the workers of now take the place of older ones (roll.h). */
struct roll {
	bool on;	   /* there are such, and they serve on */
	bool stalled;	   /* nobody comes, again and again */
	uint32_t was;	   /* how many there were */
	uint32_t replaced; /* and are asked to leave by now */
	uint32_t pauses;   /* in a row, since one was */
	uint64_t since_ns; /* when it began ... */
	uint64_t took_ns;  /* ... and how long it took; 0: it goes on */
	uint64_t next_ns;  /* when it goes on by itself; 0: with an event */
};

/* How few workers were idle at once, since when. */
struct interval {
	uint64_t since_ns; /* 0: none runs */
	uint32_t low;
};

/* How the pool's mold, which is one of its guests, does. */
struct mold {
	bool refused;	   /* its program says that it is none */
	uint32_t failed;   /* orders, in a row */
	uint64_t rest_ns;  /* no order before this */
	uint64_t until_ns; /* no new one before this */
	uint64_t pause_ns; /* the last pause; 0: none */
};

/* What is learned of starts and of clients (pace.h). */
struct pace {
	uint64_t start_ns;  /* from a start to its first word */
	uint64_t alone_ns;  /* the same, if nobody is in its way */
	uint64_t cpu_ns;    /* and of processor time; 0: nothing is known */
	bool left;	    /* a worker went with its client */
	uint64_t serve_ns;  /* a client's time with its worker */
	uint32_t serves;    /* how many clients that tells of */
	uint32_t window;    /* starts at once, while nothing is known */
	uint64_t wanted_ns; /* processor time that those wanted until ... */
	uint64_t asked_ns;  /* ... they were last asked */
	uint64_t idle_ns;   /* for how long they left processors idle */
	bool grew;	    /* the window, just now */
	bool held;	    /* fewer were started than the queue asks for */
	uint64_t look_ns;   /* between looks while they are */
	uint64_t moved_ns;  /* the last word, or since when they are held */
	uint32_t gone;	    /* workers that left as they do, not replaced ... */
	uint64_t gone_ns;   /* ... the last one at this time */
	uint64_t waits_ns;  /* held since then, and nobody was started ... */
	uint64_t patience_ns; /* ... for as long as that is believed in */
};

/* The next row on trial, and how it does (canary.h). */
struct canary {
	bool runs;
	struct policy policy;	/* of that row */
	uint64_t until_ns;	/* then the verdict is due ... */
	uint64_t asked_ns;	/* ... and a look was asked for; 0: not yet */
	uint32_t n;		/* canaries that are not retiring */
	uint64_t served;	/* clients, by canaries */
	uint64_t faults;	/* what went wrong with them ... */
	uint64_t others_faults; /* ... and with the others, meanwhile */
	enum verdict failed;	/* what will be the verdict of this step */
	enum verdict verdict;	/* the last one; and of that: */
	uint32_t slot, serial;
	enum cause cause;
	int stage, error, code, signal;
};

/* Of those who turn clients away: bounce.h. */
struct bounce {
	uint64_t next_ns;  /* no start before this */
	uint64_t pause_ns; /* the last pause after a bad end; 0: none */
	uint64_t stays_ns; /* not full: it goes then; 0: not now */
	bool asked;	   /* a look was asked for: how many wait? */
};

struct pool {
	enum pool_state state;
	struct policy policy;
	uint32_t epoch;
	uint32_t first;	 /* its workers, the newest first */
	uint32_t guests; /* the list of those that are none (guest.h) */
	uint32_t guests_n;
	uint32_t count[WORKER_STATES];
	uint32_t suspects;
	uint32_t mutes;
	uint32_t worn;	  /* of those that are not retiring */
	uint32_t old_n;	  /* the same, of older epochs */
	uint32_t timed;	  /* the first epoch that knows of its time limits */
	bool starved;	  /* clients wait, and workers_max is reached */
	bool lacking;	  /* spares are missing, for want of a slot */
	uint32_t share;	  /* of workers_max, guaranteed: while it is up */
	uint32_t deficit; /* of its share: slots that others leave it */
	uint32_t depth;
	bool watching;
	bool deaf;
	bool looking;	  /* a look was asked for, and not answered */
	uint64_t look_ns; /* next look at the queue; 0: none */
	uint64_t look_interval_ns;
	bool begun;		  /* a worker was started since (re)load */
	uint64_t wakeup_ns;	  /* next wake-up; 0: none */
	uint64_t stress_until_ns; /* 0: never was under stress */
	uint64_t examined_ns;	  /* when stopped workers were asked for */
	uint64_t start_time_ns;	  /* learned */
	uint64_t limit_told_ns;	  /* not again before this */
	uint64_t slots_told_ns;	  /* the same of workers_max */
	uint64_t words;		  /* messages heard */
	struct lease lease;
	struct recycle recycle;
	struct roll roll;
	uint64_t client_ns;	/* when a client was last heard of */
	uint64_t taken_look_ns; /* next look at who is taken; 0: none */
	bool judging;		/* a look was asked for: is somebody overdue? */
	struct backoff backoff;
	struct mold mold;
	struct interval idle;	/* more than spare_min */
	struct interval excess; /* more than spare_max */
	bool trim_asked;	/* at its end: who served unseen? */
	uint64_t trim_ask_ns;	/* ask again */
	uint64_t spares_ns;	/* no spare is started before this */
	uint64_t trimmed;	/* workers that went for being idle */
	uint64_t molded;	/* workers made from one */
	struct pace pace;
	struct bounce bounce;
	struct canary canary;
	uint64_t refused; /* clients, by bouncers */
	uint64_t failures, starts, served, exits, redundant;
	uint64_t recycled, timeouts, hangs;
	uint64_t recycled_for[WEARS]; /* the same, by what was worn */
	uint64_t limit_hits;	 /* how often all were taken, at the limit */
	uint64_t limit_ns;	 /* for how long, but for now */
	uint64_t limit_since_ns; /* 0: not now */
	/* the next table's row, until EVENT_TABLE */
	bool row;
	bool row_trial;
	enum row_change row_change;
	struct policy row_policy;
};

struct core {
	struct core_limits limits;
	struct pool *pools;	/* [services_max], in the caller's memory */
	struct worker *workers; /* [workers_max], the same */
	uint32_t pools_high;	/* none was ever used from here on */
	uint32_t workers_high;
	uint32_t workers_free; /* list of free ones below workers_high */
	uint32_t workers_n;
	uint32_t stuck_n;
	uint32_t last_serial;
	bool serials_wrapped;
	uint32_t ready_n;     /* READY workers of all pools */
	uint32_t starved_n;   /* pools whose clients wait for a slot */
	uint32_t reclaimed_n; /* workers that leave to give theirs */
	uint32_t lacking_n;   /* pools that would start spares */
	bool freed;	      /* more slots may be open to some pool */
	uint64_t reserved;    /* the deficits of all pools */
	bool stopping;
	bool done;
	uint64_t now_ns;
	uint64_t stale;
	struct prng prng;
	struct deadlines deadlines; /* pools first, then workers */
	struct actions actions;
};

/* Action on a service, or on one worker. */
void core_ask(struct core *core, enum action_kind kind, uint32_t service);
void core_ask_worker(
	struct core *core, enum action_kind kind, const struct worker *worker);
void core_notice(struct core *core, enum notice notice, uint32_t service,
	const struct worker *worker, uint64_t number);

uint32_t core_slot_of(const struct core *core, const struct worker *worker);
uint32_t core_service_of(const struct core *core, const struct pool *pool);

void worker_set_deadline(
	struct core *core, const struct worker *worker, uint64_t at_ns);
uint64_t worker_deadline(const struct core *core, const struct worker *worker);

#endif
