/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_TESTS_SIM_PROMISE_H
#define OSTLER_TESTS_SIM_PROMISE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/core.h"
#include "core/event.h"

/*
 * promise - what the core must never do, checked from outside
 *
 * Knows:   the events that went in, the actions that came out, and what
 *          follows from them; the views, to compare with its own count.
 * Decides: whether a promise was broken, and which.
 * Never:   looks into the core, but for core_audit(), its own recount. It is
 *          plain memory, so that it can be copied along with the core.
 *
 * The numbers are those of docs/failures.md. The walk, the simulator, the
 * fuzzer and every replay use the same promises.
 */
#define PROMISE_SERVICES 8
#define PROMISE_SLOTS 32

enum service_life {
	LIFE_FREE,
	LIFE_UP,
	LIFE_DRAINED,
	LIFE_LEAVING,
	LIFE_STOPPING,
};

struct promise_worker {
	uint32_t serial;
	uint32_t service;
	enum worker_kind kind;
	int rung; /* 0, then 1 + what ACTION_RETIRE ... ACTION_KILL climb to */
	bool live;
	bool idle;	      /* its last word was AVAIL, or none */
	bool spoke;	      /* any word at all */
	bool cycled;	      /* it said AVAIL after TAKEN */
	bool old;	      /* of a table that is no more */
	bool stuck;	      /* we were told that it survives SIGKILL */
	bool recycled;	      /* asked since it was worn */
	uint64_t executed_ns; /* its program runs; 0: not yet */
	uint64_t idle_ns;     /* when it said AVAIL last; before, its start */
	uint64_t heard_ns;    /* the same of any word */
	bool mute;	      /* it can say nothing any more */
	bool canary;	      /* by the row on trial */
};

struct promise_service {
	struct policy policy;
	uint64_t pause_until_ns;
	uint64_t bucket_ns; /* how full the start rate's bucket is */
	uint64_t bucket_at_ns;
	uint64_t fired_ns;	 /* when the watch fired last */
	uint64_t woken_ns;	 /* the last wake-up */
	uint64_t whole_until_ns; /* a pause that nothing shortens */
	uint64_t stress_until_ns;
	uint64_t examined_ns;
	uint64_t mold_until_ns; /* no mold before this */
	uint64_t limit_ns;	/* at the limit, until the last step */
	uint64_t limit_at_ns;
	uint64_t held_ns;     /* no starts held back before, or a word came */
	bool held;	      /* starts are held back */
	uint64_t recycled;    /* by the view */
	uint32_t replacement; /* the newest that stands for a worn one */
	bool worn;	      /* one is, after this step */
	bool at_limit;	      /* since then */
	bool begun;	      /* a worker was started since the service began */
	uint64_t trimmed;     /* until the last step */
	uint64_t roomy_ns;    /* a bouncer, and it is not full: since then */
	bool rolls;	      /* old workers stay until others have come */
	enum service_life life;
	uint32_t asked_looks;
	uint32_t early_watches; /* more than one a second, by as many */
	bool watching;
	bool trial; /* a row is tried */
	struct policy trial_policy;
	bool row;
	bool row_trial;
	enum row_change row_change;
	struct policy row_policy;
};

/* What the event of this step must lead to, and what came of it. */
struct promise_end {
	uint32_t service;
	bool news, fails, fails_not; /* what must come of it */
	bool told, paused;	     /* what did */
};

struct promises {
	struct core_limits limits;
	struct promise_service services[PROMISE_SERVICES];
	struct promise_worker workers[PROMISE_SLOTS];
	uint64_t now_ns;
	uint64_t stale;
	uint32_t last_serial;
	uint32_t times;		/* EVENT_TIME in a row that moved nothing */
	struct promise_end end; /* of this step */
	bool stopping;
	bool done;
	bool wrapped; /* serials may start again */
	const char *broken;
};

void promises_init(struct promises *promises, const struct core_limits *limits);

/*
 * core_step() with everything checked before and after it. The actions are
 * the core's; promises->broken is NULL or the promise that does not hold.
 */
const struct actions *promises_step(struct promises *promises,
	struct core *core, const struct event *event, uint64_t now_ns);

/* The first promise that breaks is the one to read about. */
void promise_check(struct promises *p, bool holds, const char *promise);

/*
 * promise_rules.c: what only some policies promise: whole pauses, stress,
 * leaving at once, wake-ups that wait; and what is news.
 */
void rules_end(struct promises *p, const struct event *event);
void rules_adopted(struct promises *p, uint32_t service, bool replaced);
void rules_spawned(struct promises *p, const struct action *action);
void rules_mold(struct promises *p, const struct action *action);
void rules_ordered(struct promises *p, const struct action *action);
const struct policy *rules_policy(const struct promises *p, uint32_t slot);
bool rules_tries(struct promises *p, uint32_t service);
void rules_untried(struct promises *p, uint32_t service);
void rules_canary(struct promises *p, const struct action *action);
void rules_judged(struct promises *p, const struct action *action);
uint32_t rules_canary_over(
	const struct promises *p, uint32_t service, uint32_t more);
void rules_woken(struct promises *p, const struct action *action);
void rules_examined(struct promises *p, const struct action *action);
void rules_noticed(struct promises *p, const struct action *action);
bool rules_can_roll(const struct policy *policy);
void rules_retired(struct promises *p, const struct action *action);
bool rules_replaces(const struct promises *p, uint32_t service);
void rules_acted(struct promises *p, const struct core *core,
	const struct actions *actions);
struct view_service;
void rules_listening(struct promises *p, const struct core *core,
	uint32_t service, const struct view_service *view);
void rules_stepped(
	struct promises *p, const struct core *core, const struct event *event);

/* Living workers of SERVICE by the promises' own count; its guests. */
uint32_t promises_total(const struct promises *promises, uint32_t service);
uint32_t promises_guests(const struct promises *promises, uint32_t service);

/* Slots that are open to SERVICE: those that others lack are not. */
uint32_t promises_slots(const struct promises *promises, uint32_t service);

/* How many more of them there may be. */
uint32_t promises_room(const struct promises *promises, uint32_t service);

/* Does its limit allow no more? */
bool promises_is_full(const struct promises *promises, uint32_t service);

#endif
