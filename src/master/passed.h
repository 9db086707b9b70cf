/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_PASSED_H
#define OSTLER_MASTER_PASSED_H

#include <stdbool.h>

struct listener;
struct service;
struct service_state;

/*
 * passed - listeners that were open before us: socket activation
 *
 * Knows:   the descriptors that our starter passed, until the first table is
 *          in force.
 * Decides: which endpoint is served by one of them. It must be the same
 *          address and the same type; its name does not matter.
 * Never:   shuts one down or removes its name: its starter has it, too, and
 *          goes on with it when we are gone.
 */

/* Take them out of the environment, before descriptors are opened. */
void passed_begin(void);

/*
 * FD, which is taken, was ours when we were another process; with a NAME it was
 * passed to our keeper by that.
 */
void passed_offer(int fd, const char *name);

/*
 * OUT->endpoint of ROW, if it was passed: 0, and OUT is complete. -ENOENT: it
 * was not, and is to be opened.
 */
int passed_take(const struct service *row, struct listener *out);

/* The first table is in force: what nobody wanted is closed, and named. */
void passed_finish(void);

/* Say what became of LISTENER, which was passed, and what can be done. */
void passed_is_lost(
	const struct service_state *state, const struct listener *listener);
void passed_is_given_up(const struct listener *listener);

#endif
