/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_TRIAL_H
#define OSTLER_MASTER_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "sys/program.h"

struct action;
struct control_service;
struct diags;
struct edition;
struct master;
struct plan;
struct service;
struct service_state;

/*
 * trial - the row of a service that canaries are started by, while another one
 * is in force
 *
 * Knows:   that row with its edition and its program; and of each service
 *          which row was found bad, and why.
 * Decides: which changes can be tried at all: those that workers of both rows
 *          can live with, on the same listeners, channels and pages.
 * Never:   judges: the core does.
 */
struct trial {
	struct edition *edition;   /* used */
	const struct service *row; /* borrowed from it */
	struct program program;	   /* owned */
};

/*
 * Row I of PLAN, of a running service, has changed: is it to be tried first?
 * Then made->change is from the row on trial, if there is one.
 */
bool trial_fits(const struct plan *plan, unsigned i);

/* False: it is what was rolled back; DIAGS says so. */
bool trial_allows(const struct plan *plan, unsigned i, struct diags *diags);

/* Row I of PLAN on trial, instead of what was. */
void trial_begin(struct plan *plan, unsigned i);

/* Without a verdict. Nothing on trial is fine. */
void trial_drop(struct master *master, uint32_t service);

/* ACTION_PROMOTE, ACTION_ROLLBACK */
void trial_promote(struct master *master, uint32_t service);
void trial_roll_back(struct master *master, const struct action *action);

/* The row that a worker, or canary, of the service is started by. */
const struct service *trial_row(const struct service_state *state, bool canary);
const struct edition *trial_edition(
	const struct service_state *state, bool canary);
const struct program *trial_program(
	const struct service_state *state, bool canary);

/* A service of which a row is on trial; or NULL. */
const char *trial_name(const struct master *master);

/* The table has a row of it that was tried, or is, and another is in force. */
bool trial_was(const struct master *master, uint32_t service);

/* What status says of that. */
void trial_put(const struct master *master, uint32_t service,
	struct control_service *out);

/* Nothing is refused any more. */
void trial_forgive(struct master *master);

#endif
