/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_PREVIEW_H
#define OSTLER_MASTER_PREVIEW_H

#include <stdint.h>

struct client;
struct diags;
struct master;
struct plan;

/*
 * preview - what a reload would do, for who asks, without doing it
 *
 * Knows:   the phases of a reload but the last one: read, users looked up,
 *          compared with what runs.
 * Decides: whose turn it is: one at a time, and never during a reload.
 * Never:   opens an endpoint, says a line, or keeps a reload waiting: that
 *          goes first, and the preview begins anew.
 */

/* The look-up child has said something. */
void preview_lookup_ready(void);

/* Begin, go on, tell who asked. Only between rounds, as a reload. */
void preview_go_on(struct master *master);
uint64_t preview_deadline(void);

/* The child that looks users up is no stranger; 0: there is none. */
int preview_pid(const struct master *master);

void preview_finish(struct master *master);

/* preview_tell.c: the whole answer to CLIENT. */
void preview_tell(struct client *client, const struct plan *plan,
	const struct diags *diags);
void preview_refuse(struct client *client, const struct diags *diags);

#endif
