/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "master/edition.h"
#include "master/listeners.h"
#include "master/master.h"
#include "master/place.h"
#include "master/plan.h"
#include "sys/fd.h"
#include "sys/net.h"
#include "sys/orphan.h"
#include "table/diff.h"
#include "table/table.h"

/*
 * An address and the wildcard may have one port, if both are ours: the kernel
 * gives a client to the more special one. It wants both to say so; they do
 * so only when it must be, so that a stranger's socket is refused everywhere
 * else (postfix_spec 9.12).
 */

/* One is the wildcard of the other: else who is in the way is a stranger. */
static bool overlap(const struct endpoint *a, const struct endpoint *b)
{
	return endpoint_overlap(a, b) &&
	       endpoint_is_any(a) != endpoint_is_any(b);
}

#define BESIDE_MAX 4096

/* Our listeners at one port. */
struct beside {
	const struct endpoint *endpoint;
	int *fds; /* owned */
	unsigned n;
	bool overlaps; /* one of them */
};

static void add(struct beside *out, const struct listener *listener)
{
	if (listener->fd < 0 || listener->endpoint->kind != ENDPOINT_INET ||
		listener->endpoint->port != out->endpoint->port ||
		out->n == BESIDE_MAX)
		return;
	out->fds[out->n++] = listener->fd;
	if (overlap(listener->endpoint, out->endpoint))
		out->overlaps = true;
}

static void add_planned(struct beside *out, const struct plan *plan)
{
	const struct table *table = plan->edition->table;

	for (unsigned row = 0; row < table->services_n; row++) {
		const struct plan_endpoint *made = plan->rows[row].endpoints;

		for (unsigned i = 0;
			made != NULL && i < table->services[row].endpoints_n;
			i++)
			if (made[i].source == PLAN_NEW)
				add(out, &made[i].listener);
	}
}

static void add_in_force(struct beside *out, const struct master *master)
{
	for (uint32_t id = 0; id < master->services_high; id++) {
		const struct service_state *state = service_of(master, id);

		for (unsigned i = 0; i < state->listeners_n; i++)
			add(out, &state->listeners[i]);
	}
}

static void share(const struct beside *beside, bool on)
{
	for (unsigned i = 0; i < beside->n; i++)
		(void)sys_listener_share(beside->fds[i], on);
}

/* A stranger who shares as well must not come in by that door. */
static int refuse_strangers(struct beside *beside, int fd)
{
	const struct endpoint *endpoint = beside->endpoint;

	beside->fds[beside->n] = fd;
	if (!sys_port_is_shared(listener_family(endpoint->family),
		    endpoint->address, endpoint->port, beside->fds,
		    beside->n + 1))
		return fd;
	fd_close(&fd);
	return -EADDRINUSE;
}

int listener_open_beside(const struct master *master, const struct plan *plan,
	const struct service *row, const struct endpoint *endpoint,
	const struct identity *owner)
{
	struct net_named named = NET_NAMED_NONE;
	struct beside beside = {.endpoint = endpoint,
		.fds = calloc(BESIDE_MAX + 1, sizeof(*beside.fds))};
	int fd = -EADDRINUSE;

	if (beside.fds == NULL)
		return -ENOMEM;
	add_in_force(&beside, master);
	if (plan != NULL)
		add_planned(&beside, plan);
	if (beside.overlaps) {
		share(&beside, true);
		fd = listener_open(
			row, endpoint, owner, LISTENER_SHARE, &named);
		share(&beside, false);
	}
	if (fd >= 0) {
		(void)sys_listener_share(fd, false);
		fd = refuse_strangers(&beside, fd);
	}
	free(beside.fds);
	return fd;
}
