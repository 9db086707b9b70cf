/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_PLAN_H
#define OSTLER_MASTER_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "master/services.h"
#include "sys/net.h"
#include "sys/program.h"
#include "table/diff.h"

struct diags;
struct edition;
struct master;

/*
 * plan - a new table with every endpoint it needs in hand, not yet in force
 *
 * Knows:   for each row which service it continues, and for each endpoint
 *          whether it is kept, taken over from another service, or new.
 * Decides: whether all of it can be had.
 * Never:   changes what runs before plan_commit(), which cannot fail half.
 */
enum plan_source {
	PLAN_KEPT,  /* open already, of the same service */
	PLAN_TAKEN, /* open already, of a service that gives it up */
	PLAN_NEW,
};

struct plan_endpoint {
	enum plan_source source;
	struct listener listener; /* fd owned while PLAN_NEW */
	struct net_named named;	  /* PLAN_NEW with a name */
	uint32_t service;	  /* PLAN_KEPT, PLAN_TAKEN: where it is */
	unsigned index;
	bool protect; /* PLAN_KEPT, PLAN_TAKEN: owner or mode differ */
};

struct plan_row {
	uint32_t id; /* UINT32_MAX: a new service */
	enum row_change change;
	bool trial;			 /* it is tried before it is in force */
	struct program program;		 /* owned; held if it is to be */
	struct plan_endpoint *endpoints; /* owned; NULL: all are kept */
};

struct known;

struct plan {
	struct master *master;	 /* borrowed */
	struct edition *edition; /* borrowed */
	struct plan_row *rows;	 /* owned; one for each service of the table */
	struct known *known;	 /* owned; running services by name */
	unsigned known_n;
	struct known *places; /* owned; open endpoints by text, if needed */
	unsigned places_n;
	bool dry; /* nothing is opened */
};

/* True: everything is open and can be committed. False: DIAGS says why not,
 * and nothing is left behind. */
bool plan_make(struct plan *plan, struct master *master,
	struct edition *edition, struct diags *diags);

/*
 * The same without a side effect: what would have to be opened has no
 * descriptor, and cannot be committed. False: DIAGS says why a reload would be
 * refused; or nothing, and there is no memory.
 */
bool plan_look(struct plan *plan, struct master *master,
	struct edition *edition, struct diags *diags);

/* Put it into force; the core hears of it by events. False: a name could not
 * be put into place; DIAGS says which, and nothing was changed. */
bool plan_commit(struct plan *plan, struct diags *diags);

/* A row, with what is to be in force of it. */
struct row_place {
	struct edition *edition; /* borrowed */
	const struct service *row;
	struct program *program;	  /* taken */
	const struct plan_endpoint *made; /* its endpoints, or NULL */
	bool adjust; /* it may want something else of its listeners */
};

/* The service's row is PLACE's from now on; its listeners are there. */
void row_in_force(
	struct master *master, uint32_t id, const struct row_place *place);

/* Close what was opened and not committed, and free all. Twice is fine. */
void plan_finish(struct plan *plan);

/* "added", "changed" ... for row I; services that go are not in the rows. */
const char *plan_how(const struct plan *plan, unsigned i);

/* The names of running services that the table has no more: N of them. */
unsigned plan_removed(const struct plan *plan, const char **out, unsigned max);

#endif
