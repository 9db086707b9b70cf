/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "master/edition.h"
#include "master/listeners.h"
#include "master/master.h"
#include "master/place.h"
#include "master/plan.h"
#include "table/table.h"

/*
 * An address and the wildcard may have one port, if both are ours: the kernel
 * gives a client to the more special one. It wants both to say so; they do
 * so only when it must be, so that a stranger's socket is refused everywhere
 * else (postfix_spec 9.12).
 */

static bool is_wildcard(const struct endpoint *endpoint)
{
	static const uint8_t any[sizeof(endpoint->address)];

	return endpoint->family == FAMILY_BOTH ||
	       memcmp(endpoint->address, any, sizeof(any)) == 0;
}

/* One is the wildcard of the other: else who is in the way is a stranger. */
static bool overlap(const struct endpoint *a, const struct endpoint *b)
{
	bool same_family = a->family == b->family || a->family == FAMILY_BOTH ||
			   b->family == FAMILY_BOTH;

	return a->kind == ENDPOINT_INET && b->kind == ENDPOINT_INET &&
	       a->port == b->port && same_family &&
	       is_wildcard(a) != is_wildcard(b);
}

static unsigned share_one(const struct listener *listener,
	const struct endpoint *endpoint, bool on)
{
	if (listener->fd < 0 || !overlap(listener->endpoint, endpoint))
		return 0;
	return sys_listener_share(listener->fd, on) == 0;
}

static unsigned share_planned(
	const struct plan *plan, const struct endpoint *endpoint, bool on)
{
	const struct table *table = plan->edition->table;
	unsigned n = 0;

	for (unsigned row = 0; row < table->services_n; row++) {
		const struct plan_endpoint *made = plan->rows[row].endpoints;

		for (unsigned i = 0;
			made != NULL && i < table->services[row].endpoints_n;
			i++)
			if (made[i].source == PLAN_NEW)
				n += share_one(&made[i].listener, endpoint, on);
	}
	return n;
}

/* How many of our listeners overlap ENDPOINT, in force or planned. */
static unsigned share(const struct master *master, const struct plan *plan,
	const struct endpoint *endpoint, bool on)
{
	unsigned n = plan == NULL ? 0 : share_planned(plan, endpoint, on);

	for (uint32_t id = 0; id < master->services_high; id++) {
		const struct service_state *state = service_of(master, id);

		for (unsigned i = 0; i < state->listeners_n; i++)
			n += share_one(&state->listeners[i], endpoint, on);
	}
	return n;
}

int listener_open_beside(const struct master *master, const struct plan *plan,
	const struct service *row, const struct endpoint *endpoint,
	const struct identity *owner)
{
	struct net_named named = NET_NAMED_NONE;
	int fd = -EADDRINUSE;

	if (share(master, plan, endpoint, true) > 0)
		fd = listener_open(
			row, endpoint, owner, LISTENER_SHARE, &named);
	(void)share(master, plan, endpoint, false);
	if (fd >= 0)
		(void)sys_listener_share(fd, false);
	return fd;
}
