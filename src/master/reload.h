/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_RELOAD_H
#define OSTLER_MASTER_RELOAD_H

#include <stdbool.h>
#include <stdint.h>

struct diags;
struct master;
struct table;

/*
 * reload - from files to a table in force: all of it, or nothing
 *
 * Knows:   the phase: read, users looked up, endpoints opened, committed.
 * Decides: whether the new table can be had; if not, what runs goes on and
 *          every reason is told.
 * Never:   waits: look-ups are done by a child, and this one goes on when
 *          its answer is there. The first table comes the same way.
 */
struct reload_result {
	bool good;
	bool machine; /* not good, and not because of what the file says */
	const struct diags *diags; /* borrowed until the next reload */
	/* What happened to each service: `change` of the control socket. */
	const char *const *names; /* borrowed, as diags */
	const char *const *hows;
	unsigned n;
};

int reload_create(struct master *master);
void reload_destroy(struct master *master);

/* Begin; if one is under way, another follows it. */
void reload_request(struct master *master);

/* Begin with a table that was read already (the first one). Taken. */
void reload_with(struct master *master, struct table *table);

bool reload_is_running(const struct master *master);

/*
 * Who asked has been told: the next one, if one was asked for meanwhile, may
 * begin and forget the result. True: it has begun, and perhaps ended.
 */
bool reload_told(struct master *master);

/* The look-up child has said something. */
void reload_lookup_ready(struct master *master);

/*
 * Commit what was looked up, or give up waiting for it. Only between rounds,
 * when every event has been decided on: a service may be closed by one.
 */
void reload_go_on(struct master *master);
uint64_t reload_deadline(const struct master *master);

/* Of the last one that ended. */
const struct reload_result *reload_result(const struct master *master);
uint64_t reload_count(const struct master *master);
uint64_t reload_failures(const struct master *master);

/* As they were told by the master before. */
void reload_set_counts(
	struct master *master, uint64_t count, uint64_t failures);

/* The child that looks users up is no stranger. */
int reload_pid(const struct master *master);

#endif
