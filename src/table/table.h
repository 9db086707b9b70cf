/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_TABLE_TABLE_H
#define OSTLER_TABLE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "table/service.h"

struct arena;
struct diags;

/*
 * table - the validated configuration: every service, and the few settings
 * that belong to none
 *
 * Knows:   rows sorted by name, and settings of the master itself.
 * Decides: whether the rows may live together (names, endpoints, limits).
 * Never:   changes after table_seal(); all its memory is one arena, freed
 *          whole with table_destroy().
 */
enum log_target {
	LOG_STDERR,
	LOG_SYSLOG,
	LOG_POSTLOG, /* Postfix's: to postlogd, or else into its file */
};

struct table {
	struct arena *arena;		/* owned */
	const struct service *services; /* sorted by name */
	unsigned services_n;
	const char *runtime_directory; /* absolute */
	const char *control_group;     /* may read status; or NULL */
	uint32_t workers_max;	       /* 0: from RLIMIT_NOFILE */
	uint64_t upgrade_timeout_ns;
	uint64_t hook_timeout_ns;
	const char *const *hook; /* argv; NULL-terminated; or NULL */
	const char *hook_user;	 /* not NULL if there is a hook */
	enum log_target log;
	unsigned listeners_max; /* of one service */
	bool shares_ports;   /* a wildcard and an address may have one port */
	const void *dialect; /* what its reader keeps beside it; or NULL */
};

/* The row called NAME, or NULL. */
const struct service *table_find(const struct table *table, const char *name);

/* Of a service. A worker's descriptors are 6 to 63, and no more ... */
#define TABLE_LISTENERS_MAX 58
/* ... but for Postfix's, who take what a start can hand over. */
#define TABLE_LISTENERS_MOST 122
#define TABLE_ENVIRONMENT_MAX 200u /* of each service */

/*
 * An empty table with an arena for its rows, of at most BYTES_MAX bytes (0: no
 * limit). NULL if there is no memory.
 */
struct table *table_create(size_t bytes_max);

/* Free the table and its arena. NULL is fine. */
void table_destroy(struct table *table);

/*
 * Sort ROWS (N of them, in the table's arena) by name and make them the
 * table's services, if they may live together (set shares_ports before, if
 * that is so); else say why not. Warnings do
 * not refuse. False leaves the table without services, fit to be destroyed.
 */
bool table_seal(struct table *table, struct service *rows, unsigned n,
	struct diags *diags);

#endif
