/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_CAPACITY_H
#define OSTLER_MASTER_CAPACITY_H

#include <stdbool.h>
#include <stdint.h>

struct diags;
struct edition;
struct master;
struct table;

/*
 * capacity - descriptors: two per worker, one per listener, some in reserve
 *
 * Knows:   RLIMIT_NOFILE, and what the table asks for (MECHANISMS B5).
 * Decides: how many workers there may be, and whether a table fits.
 * Never:   finds out by failing.
 */

/* workers_max as the table says it, or what the limit allows; 0: none. */
uint32_t capacity_workers(const struct table *table, uint64_t nofile);

/* The least RLIMIT_NOFILE that leaves TABLE any worker. */
uint64_t capacity_least(const struct table *table);

/* False: DIAGS says which figure must be raised. */
bool capacity_check(const struct master *master, const struct edition *edition,
	struct diags *diags);

#endif
