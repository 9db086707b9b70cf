/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_TESTS_SIM_WORLD_H
#define OSTLER_TESTS_SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/prng.h"
#include "core/action.h"
#include "core/event.h"

/*
 * world - a kernel, workers and clients that misbehave, in virtual time
 *
 * Knows:   accept queues; that a new client wakes one sleeping worker, and
 *          that this wake-up is lost if that worker dies on its way; that in
 *          some services they queue on a lock, and only its holder wakes; what
 *          each worker does next, and how it was taught to fail.
 * Decides: what happens, from one seed. Which faults a run has, and how often,
 *          is drawn as well: a few at a time find more than all at once.
 * Never:   knows the core. It is told actions, and gives out events.
 */
#define WORLD_SERVICES 4
#define WORLD_SLOTS 16
#define WORLD_BATCH 512
#define WORLD_WORDS 8

/* What can go wrong; the letters are those of the fault model, F1 to F25. */
enum fault {
	FAULT_LOSE_WORD,     /* F1, F5, F6: lost, or dropped as garbled */
	FAULT_REPEAT_WORD,   /* F2 */
	FAULT_LATE_WORD,     /* F3, F4: behind those of others */
	FAULT_FLOOD,	     /* F7 */
	FAULT_LIE,	     /* F6: any word at any time */
	FAULT_DIE,	     /* F8, F9: at any instant, in any way */
	FAULT_DIE_WOKEN,     /* F8: between the wake-up and accept */
	FAULT_QUICK_EXIT,    /* F9: exit 0 as soon as it runs */
	FAULT_GROW,	     /* more memory than it may have */
	FAULT_BAD_COMMAND,   /* F10 */
	FAULT_NO_RESOURCE,   /* F11 */
	FAULT_BAD_CANARY,    /* what is tried is no good */
	FAULT_SLOW_START,    /* F12 */
	FAULT_HANG,	     /* F12: alive, and does nothing any more */
	FAULT_IGNORE_EOF,    /* F12 */
	FAULT_IGNORE_TERM,   /* F12 */
	FAULT_UNKILLABLE,    /* F12: in state D */
	FAULT_STOP,	     /* F13: SIGSTOP; and later SIGCONT */
	FAULT_LATE_END,	     /* F14 */
	FAULT_MUTE,	     /* it closes its channel and goes on */
	FAULT_MASTER_SLEEPS, /* F17: all comes at once, and late */
	FAULT_RELOAD,	     /* F18: same, changed, removed, added */
	FAULT_LISTENER_LOST, /* B12 */
	FAULT_DISORDER,	     /* F19: a batch in any order */
	FAULT_STALE,	     /* F19: events of the past */
	FAULT_SPURIOUS,	     /* F20: the watch fires for nobody */
	FAULT_GIVE_UP,	     /* F21: a client leaves the queue */
	FAULT_NO_MOLD,	     /* its program cannot be one */
	FAULT_BAD_ORDER,     /* a mold that makes no worker of it */
	FAULT_BURST,	     /* F21 */
	FAULT_WRONG_DEPTH,   /* F22: stale */
	FAULT_NO_DEPTH,	     /* F22: missing */
	FAULTS,
};

enum guest_state {
	GUEST_NONE,
	GUEST_BORN,   /* cloned; exec has not happened yet */
	GUEST_INIT,   /* its program gets ready */
	GUEST_ASLEEP, /* waits for a client */
	GUEST_WOKEN,  /* by a client, on its way to accept */
	GUEST_SERVING,
	GUEST_HUNG,
	GUEST_APART, /* no worker: waits for orders, not for clients */
	GUEST_DEAD,  /* and the master does not know yet */
};

/* A worker as it is, not as the core believes it to be. */
struct guest {
	enum guest_state state;
	enum worker_kind kind;
	uint32_t serial;
	uint32_t service;
	uint32_t mold, mold_serial; /* who is to make it */
	uint64_t next_ns;	    /* when it does something by itself */
	uint64_t heard_ns;	    /* when the master can read its words */
	uint64_t end_ns;	    /* DEAD: when the master can know */
	uint64_t order;		    /* of its registration at the listener */
	enum event_kind words[WORLD_WORDS];
	unsigned words_n;
	unsigned clients; /* served so far */
	uint64_t born_ns;
	uint64_t up_ns;	  /* when its start was over; 0: not yet */
	bool heard;	  /* by the master, of itself */
	bool exec_result; /* not told yet */
	bool exec_failed;
	bool temporary;
	bool canary;
	bool ordered;		 /* from a mold, and not announced yet */
	bool order_failed;	 /* not told yet */
	bool busy;		 /* it has a client, hung or not */
	bool eof, disconnected;	 /* what the master did to its channel */
	bool closed, mute;	 /* what it did itself; and it is known */
	enum wear wear;		 /* it should be replaced; to be told */
	bool worn;		 /* that was told */
	enum guest_state before; /* HUNG: what it was at */
	bool stopped, ignores_eof, ignores_term, unkillable, lies;
	bool term, kill; /* pending signals */
	int code, signal;
};

struct world_service {
	bool open;	 /* it has a listener */
	bool configured; /* in the last table */
	bool changed;	 /* since then */
	bool armed;
	bool lost;
	unsigned looks;	   /* asked for */
	unsigned depth;	   /* the truth */
	uint64_t moved_ns; /* when it was 0 last, or one was accepted */
	bool speaks;	   /* workers say AVAIL when they are up */
	bool locks;	   /* they take turns at the listener, by a lock */
	bool examine;	   /* asked for */
	bool asks;	   /* workers serve on beyond max_use till retired */
	uint32_t stopped;  /* who was found when it was asked for last */
	struct policy policy;
	struct policy trial; /* the same of the row on trial */
	uint64_t start_ns, serve_ns, gap_ns, idle_ns; /* about */
	unsigned start_cpu;  /* per cent of a start that are no sleep */
	uint64_t arrival_ns; /* the next client */
	unsigned max_use;
};

struct batch {
	struct event events[WORLD_BATCH];
	unsigned n;
};

struct world {
	struct prng prng;
	uint64_t now_ns;
	uint64_t awake_ns;    /* the master sleeps until then */
	uint64_t operator_ns; /* the next reload */
	uint64_t orders;
	unsigned faults[FAULTS]; /* of a thousand chances */
	uint32_t services_n, slots_n;
	struct world_service services[WORLD_SERVICES];
	struct guest guests[WORLD_SLOTS];
	struct event past[16];
	unsigned past_n;
	bool calm; /* no more faults */
};

void world_init(struct world *world, uint64_t seed);

/* An operator's word about one of the services. */
struct event world_order(struct world *world);

/* The first table, or the next one: rows and EVENT_TABLE. */
void world_reload(struct world *world, struct batch *out);

/* When something happens next, without the master. */
uint64_t world_next_ns(const struct world *world);

/* When a master that would wake at AT_NS does: it may sleep longer. */
uint64_t world_awake_ns(const struct world *world, uint64_t at_ns);

/* Let time pass until NOW_NS; never beyond world_next_ns() at a time. */
void world_pass(struct world *world, uint64_t now_ns);

/* What the master hears if it looks now; nothing while it sleeps. */
void world_hear(struct world *world, struct batch *out);

/* Do what the core said. */
void world_perform(struct world *world, const struct action *action);

/*
 * No more faults from here on, and one client for each service. Those that
 * hang or are stopped are healed, or stay so for ever.
 */
void world_calm(struct world *world, bool heal);

/* For the files of world alone. */
void world_arrive(struct world *world, uint32_t service, unsigned n);
bool world_chance(struct world *world, enum fault fault);
uint64_t world_about(struct world *world, uint64_t ns);
void world_spares(struct world *world, struct policy *policy);
void guest_spawn(struct world *world, const struct action *action);
void guest_move(struct world *world, struct guest *guest);
void guest_wake_one(struct world *world, uint32_t service);
void guest_poke(struct world *world, struct guest *guest);
void guest_recover(struct world *world, struct guest *guest);
void guest_heal(struct world *world, struct guest *guest);

/* Who has the lock of SERVICE, and so its listener; or NULL. */
struct guest *guest_holder(struct world *world, uint32_t service);

#endif
