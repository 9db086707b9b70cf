/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "master/listeners.h"
#include "master/master.h"
#include "master/passed.h"
#include "master/services.h"
#include "master/store.h"
#include "sys/depth.h"
#include "sys/fd.h"
#include "sys/loop.h"
#include "sys/net.h"
#include "table/service.h"

/*
 * Endpoints that a reload took from a service which stays. Its old workers
 * are retired by the same reload, and those without a client may just have
 * been woken for who waits here; who waits for the others waits in vain. So
 * when nobody waits, or after a moment, the endpoint goes down for all its
 * holders, and the clients know. Its name goes at once.
 */
#define LOOK_NS (50 * NS_PER_MS)
#define MOMENT_NS (200 * NS_PER_MS)

struct doomed {
	int fd; /* owned */
	enum endpoint_kind kind;
	uint64_t until_ns;
};

static struct {
	struct doomed *items; /* owned */
	unsigned n;
	uint64_t next_ns;
} all;

static bool is_empty(const struct doomed *item)
{
	if (item->kind == ENDPOINT_INET)
		return sys_depth_tcp(item->fd) <= 0;
	return sys_readable(item->fd) <= 0;
}

static void finish(struct doomed *item)
{
	listener_let_go(item->kind, &item->fd);
}

void listener_doom(struct master *master, struct listener *listener)
{
	struct doomed *items;
	struct doomed item = {.fd = listener->fd,
		.kind = listener->endpoint->kind,
		.until_ns = master->now_ns + MOMENT_NS};

	if (listener->fd < 0)
		return;
	(void)loop_remove(master->loop, listener->fd);
	store_drop(listener);
	if (listener->passed) {
		passed_is_given_up(listener);
		fd_close(&listener->fd);
		return;
	}
	listener_unlink(listener);
	listener->fd = -1;
	items = realloc(all.items, (all.n + 1) * sizeof(*items));
	if (items == NULL) {
		finish(&item);
		return;
	}
	all.items = items;
	items[all.n++] = item;
	all.next_ns = master->now_ns;
}

void listeners_doomed(struct master *master)
{
	unsigned kept = 0;

	if (all.n == 0 || master->now_ns < all.next_ns)
		return;
	for (unsigned i = 0; i < all.n; i++) {
		if (master->now_ns >= all.items[i].until_ns ||
			is_empty(&all.items[i]))
			finish(&all.items[i]);
		else
			all.items[kept++] = all.items[i];
	}
	all.n = kept;
	all.next_ns = master->now_ns + LOOK_NS;
}

uint64_t listeners_deadline(void)
{
	return all.n == 0 ? LOOP_FOREVER : all.next_ns;
}
