/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "master/channel.h"
#include "master/handover_lines.h"
#include "master/holdings.h"
#include "master/master.h"
#include "master/services.h"
#include "sys/channel.h"
#include "sys/fd.h"
#include "sys/loop.h"
#include "sys/net.h"
#include "table/service.h"

/*
 * A channel outlives its worker when the worker forked: the child finishes
 * the clients, and takes our half-close as the order to leave. What it says
 * is read, so that it does not block, and dropped: the worker is gone.
 */
#define LEFTOVERS_MIN 16 /* per service, if process_limit is less */

struct leftover {
	int fd; /* owned; -1: this place is free */
	uint32_t service;
	uint32_t serial; /* 0: likewise */
	bool retired;
	bool shared;   /* what comes on it is still heard */
	unsigned busy; /* rounds in a row that were not enough to read all */
};

struct leftovers {
	struct leftover *items; /* owned */
	uint32_t n;
	uint32_t last_serial;
};

int leftovers_create(struct master *master)
{
	master->leftovers = calloc(1, sizeof(*master->leftovers));
	return master->leftovers == NULL ? -1 : 0;
}

void leftovers_destroy(struct master *master)
{
	if (master->leftovers == NULL)
		return;
	for (uint32_t i = 0; i < master->leftovers->n; i++)
		sys_channel_close(&master->leftovers->items[i].fd);
	free(master->leftovers->items);
	free(master->leftovers);
	master->leftovers = NULL;
}

static void drop(struct master *master, struct leftover *leftover)
{
	(void)loop_remove(master->loop, leftover->fd);
	/* Also for who holds a copy: a child that is being started (B3). */
	sys_channel_close(&leftover->fd);
	leftover->serial = 0;
	service_of(master, leftover->service)->leftovers--;
}

/* The oldest one of the service has had its time. */
static void make_room(struct master *master, uint32_t service)
{
	struct leftovers *all = master->leftovers;
	struct leftover *oldest = NULL;

	for (uint32_t i = 0; i < all->n; i++) {
		struct leftover *item = &all->items[i];

		if (item->fd >= 0 && item->service == service &&
			(oldest == NULL || item->serial < oldest->serial))
			oldest = item;
	}
	if (oldest != NULL)
		drop(master, oldest);
}

static struct leftover *free_place(struct leftovers *all)
{
	struct leftover *items;

	for (uint32_t i = 0; i < all->n; i++)
		if (all->items[i].fd < 0)
			return &all->items[i];
	items = realloc(all->items, (all->n + 1) * sizeof(*items));
	if (items == NULL)
		return NULL;
	all->items = items;
	return &items[all->n++];
}

static void add(struct master *master, uint32_t service, int fd, bool retired,
	bool shared)
{
	struct leftovers *all = master->leftovers;
	struct service_state *state = service_of(master, service);
	uint32_t max = state->row->policy.process_limit;
	struct leftover *item;

	if (max < LEFTOVERS_MIN)
		max = LEFTOVERS_MIN;
	if (state->leftovers >= max)
		make_room(master, service);
	item = free_place(all);
	if (item == NULL) {
		sys_channel_close(&fd);
		return;
	}
	*item = (struct leftover){.fd = fd,
		.service = service,
		.serial = ++all->last_serial,
		.retired = retired,
		.shared = shared};
	state->leftovers++;
	/* It may be in the loop already, as the channel of its worker. */
	(void)loop_remove(master->loop, fd);
	if (loop_add(master->loop, fd, LOOP_IN | LOOP_RDHUP,
		    tag_make(TAG_LEFTOVER, (uint32_t)(item - all->items),
			    item->serial)) < 0)
		drop(master, item);
}

void leftover_add(struct master *master, uint32_t service, int fd, bool retired)
{
	add(master, service, fd, retired, false);
}

void leftover_add_shared(struct master *master, uint32_t service, int fd)
{
	add(master, service, fd, true, true);
}

static unsigned drain(struct leftover *item)
{
	struct channel_message message;
	char bytes[16];
	unsigned n = 0;

	while (n < MESSAGES_PER_ROUND &&
		sys_channel_read(item->fd, bytes, sizeof(bytes), &message) > 0)
		n++;
	return n;
}

void leftover_ready(
	struct master *master, uint32_t index, uint32_t serial, uint32_t ready)
{
	struct leftover *item = &master->leftovers->items[index];
	bool ending = (ready & (LOOP_HUP | LOOP_ERR | LOOP_RDHUP)) != 0;
	unsigned n;

	if (item->fd < 0 || item->serial != serial)
		return;
	n = item->shared ? channel_read_shared(master, item->service, item->fd)
			 : drain(item);
	/* Whoever says nothing more needs no channel: it is not our worker. */
	if (ending) {
		drop(master, item);
		return;
	}
	if (n < MESSAGES_PER_ROUND)
		item->busy = 0;
	else if (++item->busy >= BUSY_ROUNDS) {
		item->busy = 0;
		channel_rest_leftover(
			master, item->fd, item->service, index, serial);
	}
}

void leftover_resume(struct master *master, uint32_t index, uint32_t serial)
{
	const struct leftover *item = &master->leftovers->items[index];

	if (item->fd >= 0 && item->serial == serial)
		(void)loop_change(master->loop, item->fd, LOOP_IN | LOOP_RDHUP,
			tag_make(TAG_LEFTOVER, index, serial));
}

void leftovers_retire(struct master *master, uint32_t service)
{
	struct leftovers *all = master->leftovers;

	for (uint32_t i = 0; i < all->n; i++) {
		struct leftover *item = &all->items[i];

		if (item->fd < 0 || item->service != service || item->retired)
			continue;
		item->retired = true;
		(void)sys_shutdown(item->fd, SHUT_WR);
	}
}

void leftovers_close(struct master *master, uint32_t service)
{
	struct leftovers *all = master->leftovers;

	for (uint32_t i = 0; i < all->n; i++)
		if (all->items[i].fd >= 0 && all->items[i].service == service)
			drop(master, &all->items[i]);
}

void leftovers_save(const struct master *master, struct text_builder *out)
{
	const struct leftovers *all = master->leftovers;

	for (uint32_t i = 0; i < all->n; i++) {
		const struct leftover *item = &all->items[i];

		if (item->serial != 0)
			saved_put(out, &leftover_kind,
				&(struct leftover_line){item->service,
					item->serial, item->retired,
					item->shared});
	}
}

void leftovers_hold(const struct master *master, struct holdings *holdings)
{
	const struct leftovers *all = master->leftovers;

	for (uint32_t i = 0; i < all->n; i++)
		holdings_add(holdings, all->items[i].fd, "leftover.%u.%u",
			all->items[i].service, all->items[i].serial);
}

bool leftovers_load(struct master *master, struct saved_reader *reader)
{
	struct leftovers *all = master->leftovers;

	while (saved_is(reader, &leftover_kind)) {
		struct leftover_line line = {.serial = 0};
		struct leftover *items =
			realloc(all->items, (all->n + 1) * sizeof(*items));

		if (items == NULL)
			return saved_refuse(reader, "no memory");
		all->items = items;
		if (!saved_take(reader, &leftover_kind, &line))
			return false;
		if (line.serial == 0 ||
			service_of(master, line.service)->edition == NULL)
			return saved_refuse(reader, "a leftover of nobody");
		items[all->n++] = (struct leftover){.fd = -1,
			.service = line.service,
			.serial = line.serial,
			.retired = line.retired,
			.shared = line.shared};
		service_of(master, line.service)->leftovers++;
		if (line.serial > all->last_serial)
			all->last_serial = line.serial;
	}
	return true;
}

void leftovers_take(struct master *master, struct holdings *holdings)
{
	struct leftovers *all = master->leftovers;

	for (uint32_t i = 0; i < all->n; i++) {
		struct leftover *item = &all->items[i];

		item->fd = holdings_take(holdings, "leftover.%u.%u",
			item->service, item->serial);
		if (item->fd < 0 ||
			loop_add(master->loop, item->fd, LOOP_IN | LOOP_RDHUP,
				tag_make(TAG_LEFTOVER, i, item->serial)) < 0)
			drop(master, item);
	}
}
