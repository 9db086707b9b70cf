/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_MANAGER_H
#define OSTLER_MASTER_MANAGER_H

#include <stdint.h>

struct master;

/*
 * manager - what the service manager that started us (systemd) is told
 *
 * Knows:   whether there is one, and what it has heard.
 * Decides: when it hears of a change: of a phase at once, of figures rarely.
 * Never:   waits for it, or minds whether it listens. What its queue has no
 *          room for is told a little later.
 */

/* Find out what it wants; nobody may be there. */
void manager_begin(void);

/* Why there will be no service: an errno value, then the exit code. */
void manager_note_error(int error);
void manager_failed(int code);

/* The services are open. */
void manager_ready(struct master *master);

/* A round is over, and went well: say what is due. */
void manager_round(struct master *master);

/* LOOP_FOREVER without a manager. */
uint64_t manager_deadline(const struct master *master);

#endif
