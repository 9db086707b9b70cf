/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_EDITION_H
#define OSTLER_MASTER_EDITION_H

#include <stdbool.h>
#include <stdint.h>

#include "sys/creds.h"

struct diags;
struct saved_reader;
struct service;
struct table;
struct text_builder;

/*
 * edition - one table as it came from the files, with its users looked up
 *
 * Knows:   the table, an identity for each row, and how many services still
 *          use it: a removed service keeps its edition until it is gone.
 * Decides: nothing.
 * Never:   changes once it is in force.
 */
struct edition {
	struct table *table; /* owned */
	/* As whom, and who owns the sockets: two for each row, by request. */
	struct identity *identities; /* owned */
	uint32_t *as;		     /* owned; [services_n] in identities */
	uint32_t *sockets;	     /* owned; the same */
	uint32_t identities_n;
	uint32_t control_group; /* in identities; UINT32_MAX: none */
	uint32_t hook;		/* likewise */
	uint32_t users;
};

/* Takes TABLE; NULL if there is no memory, and TABLE is destroyed. */
struct edition *edition_create(struct table *table);
void edition_use(struct edition *edition);
void edition_drop(struct edition *edition); /* the last one frees it */

/*
 * The distinct look-ups that the table needs, in the order of identities.
 * Borrowed from the table; free() the array. NULL: no memory.
 */
struct lookup_request *edition_requests(struct edition *edition);

/* Whether all users are there, when they are looked up; FILE: the table's. */
bool edition_check(
	const struct edition *edition, const char *file, struct diags *diags);

const struct identity *edition_as(
	const struct edition *edition, const struct service *row);
const struct identity *edition_sockets(
	const struct edition *edition, const struct service *row);

/* ---- edition_save.c: as lines, for the master that follows ---- */

void edition_save(const struct edition *edition, struct text_builder *out);

/* The one whose lines come next, with one user; NULL: READER says why not. */
struct edition *edition_load(struct saved_reader *reader);

#endif
