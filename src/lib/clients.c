/* SPDX-License-Identifier: MIT */
#include "lib/clients.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct slot {
	struct ostler_client client; /* first: its address is the slot's */
	struct clients *home;
	struct ostler__source source;
	struct slot *next_free;
	unsigned wants;
	bool registered;
};

static int control(struct slot *slot, int op)
{
	uint64_t number = (uint64_t)(slot - slot->home->slots);
	struct epoll_event e = {.data.u64 = CLIENT_EVENT + number};

	if ((slot->wants & OSTLER_READ) != 0)
		e.events |= EPOLLIN;
	if ((slot->wants & OSTLER_WRITE) != 0)
		e.events |= EPOLLOUT;
	if (epoll_ctl(slot->home->epoll, op, slot->client.fd, &e) < 0)
		return -errno;
	return 0;
}

int ostler_client_wants(struct ostler_client *client, unsigned what)
{
	struct slot *slot = (struct slot *)client;

	slot->wants = what;
	/* In opened() it is not yet: then this is what it starts with. */
	return slot->registered ? control(slot, EPOLL_CTL_MOD) : 0;
}

int ostler__clients_init(struct clients *c, struct ostler_worker *worker,
	const struct ostler_options *options, int epoll)
{
	unsigned n = worker->clients_max;

	*c = (struct clients){worker, options, NULL, NULL, epoll};
	c->slots = calloc(n, sizeof(*c->slots));
	if (c->slots == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++) {
		c->slots[i].home = c;
		c->slots[i].next_free = i + 1 < n ? &c->slots[i + 1] : NULL;
	}
	c->free = c->slots;
	return 0;
}

void ostler__clients_finish(struct clients *c)
{
	free(c->slots);
	c->slots = c->free = NULL;
}

static bool welcome(struct clients *c, struct slot *slot, int fd)
{
	slot->client = (struct ostler_client){.fd = fd};
	slot->wants = OSTLER_READ;
	if (c->options->opened != NULL &&
		c->options->opened(&slot->client, c->options->context) != 0)
		return false;
	slot->registered = control(slot, EPOLL_CTL_ADD) == 0;
	return slot->registered;
}

/* Returns as ostler_worker_done(): maybe the next client. */
static int part_with(struct clients *c, struct slot *slot)
{
	if (c->options->closed != NULL)
		c->options->closed(&slot->client, c->options->context);
	/* A child may hold a copy: closing would not remove it from the set. */
	if (slot->registered)
		(void)control(slot, EPOLL_CTL_DEL);
	slot->registered = false;
	ostler__source_left(c->worker, &slot->source);
	(void)close(slot->client.fd);
	slot->next_free = c->free;
	c->free = slot;
	return ostler_worker_done(c->worker);
}

/* The next one, or -EAGAIN and what else ostler_worker_done() says. */
static int admit_one(struct clients *c, int fd)
{
	struct slot *slot = c->free;

	slot->source = c->worker->sources.newest;
	fd = ostler_worker_receive(c->worker, fd);
	if (fd < 0)
		return ostler_worker_done(c->worker);
	c->free = slot->next_free;
	if (!welcome(c, slot, fd))
		return part_with(c, slot);
	ostler__worker_welcomed(c->worker);
	return -EAGAIN;
}

int ostler__clients_admit(struct clients *c, int fd)
{
	while (fd >= 0)
		fd = admit_one(c, fd);
	if (fd == -EAGAIN || fd == -EBUSY || fd == -EMFILE || fd == -ESHUTDOWN)
		return 0;
	return fd;
}

int ostler__clients_attend(struct clients *c, const struct epoll_event *event)
{
	const struct ostler_options *o = c->options;
	struct slot *slot = &c->slots[event->data.u64 - CLIENT_EVENT];
	uint32_t events = event->events;
	bool broken = (events & (EPOLLHUP | EPOLLERR)) != 0;
	bool in = broken || (events & EPOLLIN) != 0;
	bool out = broken || (events & EPOLLOUT) != 0;
	unsigned wants = slot->wants;
	int result = 0;

	if (out && (wants & OSTLER_WRITE) != 0 && o->writable != NULL)
		result = o->writable(&slot->client, o->context);
	if (result == 0 && in && (wants & OSTLER_READ) != 0)
		result = o->readable(&slot->client, o->context);
	/* Nobody asked, but it is over, and would be said again and again. */
	if (wants == 0 && broken)
		result = 1;
	if (result == 0)
		return 0;
	return ostler__clients_admit(c, part_with(c, slot));
}
