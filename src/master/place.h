/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_PLACE_H
#define OSTLER_MASTER_PLACE_H

#include <stdbool.h>
#include <stdint.h>

struct plan;
struct plan_endpoint;
struct service;

/*
 * place - where running services and open endpoints are found again
 *
 * Knows:   services by name, open endpoints by their text, both sorted.
 * Decides: whether a service gives an endpoint up, so that another can take
 *          it over: a renamed service must not lose its port.
 * Never:   changes either.
 */
struct known {
	const char *text; /* borrowed from an edition in force */
	uint32_t service;
	unsigned index; /* of the listener */
	bool wanted;	/* the new table has a row of this name */
	bool taken;	/* by another service */
};

bool known_make(struct plan *plan);
struct known *known_find(const struct plan *plan, const char *name);

/* An open endpoint of ours with this text, or NULL. */
struct known *place_find(const struct plan *plan, const char *text);

/* Whether the names of both rows' sockets are for the same people. */
bool place_same_protection(const struct service *a, const struct service *b);

/* Take it over from a service that gives it up. */
bool place_take(struct plan *plan, const struct service *row,
	struct plan_endpoint *out);

#endif
