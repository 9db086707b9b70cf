/* SPDX-License-Identifier: MIT */
#include "master/place.h"

#include <stdlib.h>
#include <string.h>

#include "master/edition.h"
#include "master/listeners.h"
#include "master/master.h"
#include "master/plan.h"
#include "master/services.h"
#include "table/diff.h"
#include "table/table.h"

static int by_text(const void *a, const void *b)
{
	const struct known *x = a;
	const struct known *y = b;

	return strcmp(x->text, y->text);
}

static struct known *find(struct known *all, unsigned n, const char *text)
{
	struct known key = {.text = text};

	if (n == 0)
		return NULL;
	return bsearch(&key, all, n, sizeof(key), by_text);
}

static bool make_places(struct plan *plan)
{
	const struct master *master = plan->master;
	unsigned n = 0;

	for (uint32_t id = 0; id < master->services_high; id++)
		n += service_of(master, id)->listeners_n;
	plan->places = calloc(n + 1, sizeof(*plan->places));
	if (plan->places == NULL)
		return false;
	for (uint32_t id = 0; id < master->services_high; id++) {
		const struct service_state *state = service_of(master, id);

		for (unsigned i = 0; i < state->listeners_n; i++)
			if (state->listeners[i].fd >= 0)
				plan->places[plan->places_n++] = (struct known){
					.service = id,
					.index = i,
					.text = state->listeners[i]
							.endpoint->text};
	}
	qsort(plan->places, plan->places_n, sizeof(*plan->places), by_text);
	return true;
}

bool known_make(struct plan *plan)
{
	const struct master *master = plan->master;

	plan->known = calloc(master->services_high + 1, sizeof(*plan->known));
	if (plan->known == NULL)
		return false;
	for (uint32_t id = 0; id < master->services_high; id++)
		if (service_of(master, id)->edition != NULL)
			plan->known[plan->known_n++] = (struct known){
				.text = service_of(master, id)->row->name,
				.service = id};
	qsort(plan->known, plan->known_n, sizeof(*plan->known), by_text);
	return make_places(plan);
}

struct known *known_find(const struct plan *plan, const char *name)
{
	return find(plan->known, plan->known_n, name);
}

struct known *place_find(const struct plan *plan, const char *text)
{
	return find(plan->places, plan->places_n, text);
}

/* Its owner has no row any more, or a row without this endpoint. */
static bool is_given_up(const struct plan *plan, const struct known *place,
	const struct endpoint *endpoint)
{
	const struct service_state *owner =
		service_of(plan->master, place->service);
	const struct service *row =
		table_find(plan->edition->table, owner->row->name);

	if (row == NULL)
		return true;
	for (unsigned i = 0; i < row->endpoints_n; i++)
		if (endpoint_same(&row->endpoints[i], endpoint))
			return false;
	return true;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool place_same_protection(const struct service *a, const struct service *b)
{
	/* Another owner is for what is made from now on, as Postfix has it. */
	if (a->socket_by_owner && b->socket_by_owner)
		return true;
	return a->socket_mode == b->socket_mode &&
	       same_text(a->socket_owner, b->socket_owner) &&
	       same_text(a->socket_group, b->socket_group);
}

bool place_take(
	struct plan *plan, const struct service *row, struct plan_endpoint *out)
{
	const struct endpoint *endpoint = out->listener.endpoint;
	struct known *place = place_find(plan, endpoint->text);

	if (place == NULL || place->taken ||
		!is_given_up(plan, place, endpoint) ||
		!listener_has_name(&service_of(plan->master, place->service)
					    ->listeners[place->index]))
		return false;
	place->taken = true;
	out->source = PLAN_TAKEN;
	out->service = place->service;
	out->index = place->index;
	out->protect =
		endpoint->path != NULL &&
		!service_of(plan->master, place->service)
			 ->listeners[place->index]
			 .passed &&
		!place_same_protection(
			service_of(plan->master, place->service)->row, row);
	return true;
}
