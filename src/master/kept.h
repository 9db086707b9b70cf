/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_KEPT_H
#define OSTLER_MASTER_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

/*
 * kept - what a keeper holds: descriptors, each with its name, and which
 *        process each worker is
 *
 * Knows:   every name once.
 * Decides: nothing.
 * Never:   reads what it holds.
 */
struct kept_holding {
	char *name; /* owned; NULL: this place is free */
	int fd;	    /* owned */
	uint32_t serial;
	uint32_t next; /* in its bucket, or of the free ones */
	bool channel;  /* workers speak there */
	bool stale;    /* and goes, if it is not held out anew */
};

struct kept_worker {
	uint32_t serial; /* 0: none */
	uint32_t generation;
	uint32_t pid; /* 0: not known (yet) */
	bool channel; /* its own is held */
	bool ended;
	int code;
	int signal;
};

struct kept {
	struct kept_holding *holdings; /* owned */
	uint32_t holdings_n;	       /* places, free ones too */
	uint32_t free;		       /* the first free place, or KEPT_NONE */
	uint32_t last_serial;
	uint32_t *buckets;	     /* owned */
	struct kept_worker *workers; /* owned; by slot */
	uint32_t workers_n;
};
#define KEPT_NONE UINT32_MAX

/* False: no memory. */
bool kept_create(struct kept *kept);
void kept_destroy(struct kept *kept);

/*
 * FD is NAME's from now on, instead of what it may have had. Its place;
 * KEPT_NONE: no memory, and FD is closed.
 */
uint32_t kept_add(struct kept *kept, struct text name, int fd);

/* Its place, or KEPT_NONE. */
uint32_t kept_find(const struct kept *kept, struct text name);

void kept_drop(struct kept *kept, uint32_t place);

/* The slot of the worker that is process PID, or KEPT_NONE. */
uint32_t kept_slot_of_pid(const struct kept *kept, uint32_t pid);

#endif
