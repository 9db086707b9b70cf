/* SPDX-License-Identifier: MIT */
#include "master/wake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "master/listeners.h"
#include "master/log.h"
#include "master/master.h"
#include "master/personality.h"
#include "master/services.h"
#include "sys/fd.h"
#include "sys/loop.h"
#include "sys/net.h"
#include "table/service.h"

#define WAKES_MAX 256
#define PATIENCE_NS (10 * NS_PER_S)
#define ANSWER_NS (101 * NS_PER_S) /* as Postfix has it */

struct wake {
	int fd; /* owned; -1: free */
	uint32_t serial;
	uint32_t service;
	bool sent; /* open until the worker closes it, who would miss us */
	uint64_t until_ns;
};

struct wakes {
	struct wake items[WAKES_MAX];
	uint32_t last_serial;
	unsigned n;
};

int wakes_create(struct master *master)
{
	master->wakes = calloc(1, sizeof(*master->wakes));
	if (master->wakes == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < WAKES_MAX; i++)
		master->wakes->items[i].fd = -1;
	return 0;
}

static void finish(struct master *master, struct wake *wake)
{
	(void)loop_remove(master->loop, wake->fd);
	fd_close(&wake->fd);
	master->wakes->n--;
}

void wakes_destroy(struct master *master)
{
	if (master->wakes == NULL)
		return;
	for (unsigned i = 0; i < WAKES_MAX; i++)
		if (master->wakes->items[i].fd >= 0)
			finish(master, &master->wakes->items[i]);
	free(master->wakes);
	master->wakes = NULL;
}

static void failed(struct master *master, uint32_t service, int error)
{
	const struct personality *personality = master->personality;
	struct log_line line;
	uint64_t suppressed;

	if (!log_allowed(&service_of(master, service)->complaints,
		    master->now_ns, &suppressed))
		return;
	if (personality->say_wake != NULL &&
		personality->say_wake(master, service, error))
		return;
	log_begin(&line, MESSAGE_WAKEUP_FAILED);
	log_text(&line, "service", service_name(master, service));
	log_text(&line, "error", strerror(error));
	log_end(&line);
}

static struct wake_target target_of(const struct endpoint *endpoint)
{
	static const enum wake_kind kinds[] = {
		[ENDPOINT_INET] = WAKE_INET,
		[ENDPOINT_UNIX] = WAKE_UNIX,
		[ENDPOINT_FIFO] = WAKE_FIFO,
		[ENDPOINT_DGRAM] = WAKE_DGRAM,
	};
	struct wake_target target = {.kind = kinds[endpoint->kind],
		.family = endpoint->kind == ENDPOINT_INET
				  ? listener_family(endpoint->family)
				  : 0,
		.port = endpoint->port,
		.path = endpoint->path};

	memcpy(target.address, endpoint->address, sizeof(target.address));
	return target;
}

/* Whether the connection is the worker's to end, or it would complain. */
static bool stays(const struct master *master, const struct service *row)
{
	return master->personality->wake_stays &&
	       (row->endpoints[0].kind == ENDPOINT_INET ||
		       row->endpoints[0].kind == ENDPOINT_UNIX);
}

/* False: nothing more is to come of it. */
static bool send_wake(struct master *master, struct wake *wake)
{
	const struct service *row = service_of(master, wake->service)->row;
	bool pipe = row->endpoints[0].kind == ENDPOINT_FIFO;
	int result = row->pass ? sys_wake_pass(wake->fd, "W", 2)
			       : sys_wake_send(wake->fd, "W", pipe ? 1 : 2);

	if (result == -EAGAIN || result == -ENOTCONN)
		return true; /* it is still on its way */
	if (result < 0)
		failed(master, wake->service, -result);
	if (result < 0 || !stays(master, row))
		return false;
	wake->sent = true;
	wake->until_ns = master->now_ns + ANSWER_NS;
	return true;
}

/* The worker's end, or its answer, is the end of it. */
static int listen_for_more(struct master *master, struct wake *wake)
{
	uint32_t index = (uint32_t)(wake - master->wakes->items);
	uint64_t tag = tag_make(TAG_WAKE, index, wake->serial);
	unsigned interest = wake->sent ? LOOP_IN | LOOP_RDHUP : LOOP_OUT;
	int result = loop_change(master->loop, wake->fd, interest, tag);

	return result == -ENOENT
		       ? loop_add(master->loop, wake->fd, interest, tag)
		       : result;
}

/* One that was sent longest ago makes room: it has done what it could. */
static struct wake *free_wake(struct master *master)
{
	struct wake *items = master->wakes->items;
	struct wake *oldest = NULL;

	for (unsigned i = 0; i < WAKES_MAX; i++) {
		if (items[i].fd < 0)
			return &items[i];
		if (items[i].sent &&
			(oldest == NULL ||
				items[i].until_ns < oldest->until_ns))
			oldest = &items[i];
	}
	if (oldest != NULL)
		finish(master, oldest);
	return oldest;
}

/* One that is not answered yet will do: no queue of them. */
static bool is_knocking(struct master *master, uint32_t service)
{
	const struct wakes *wakes = master->wakes;

	/* Who waits wakes it as well; ours would only make the queue longer. */
	if (!stays(master, service_of(master, service)->row))
		return listener_depth(master, service, 0) > 0;
	for (unsigned i = 0; wakes->n > 0 && i < WAKES_MAX; i++)
		if (wakes->items[i].fd >= 0 &&
			wakes->items[i].service == service)
			return true;
	return false;
}

/* A name in somebody else's directory may lead anywhere: as he goes there. */
static int knock(
	const struct service_state *state, const struct wake_target *target)
{
	const struct maker *maker = &state->listeners[0].maker;
	int fd = maker_begin(maker);

	if (fd < 0)
		return fd;
	fd = sys_wake_start(target);
	maker_end(maker);
	return fd;
}

void wake_service(struct master *master, uint32_t service)
{
	const struct service_state *state = service_of(master, service);
	struct wake_target target = target_of(&state->row->endpoints[0]);
	struct wake *wake;
	int fd;

	if (target.kind == WAKE_DGRAM && !master->personality->wakes_dgram) {
		failed(master, service, EOPNOTSUPP);
		return;
	}
	if (is_knocking(master, service))
		return;
	wake = free_wake(master);
	if (wake == NULL) {
		failed(master, service, EBUSY);
		return;
	}
	fd = knock(state, &target);
	if (fd == -EAGAIN)
		return; /* its queue is full: somebody knocks already */
	if (fd < 0) {
		failed(master, service, -fd);
		return;
	}
	*wake = (struct wake){.fd = fd,
		.serial = ++master->wakes->last_serial,
		.service = service,
		.until_ns = master->now_ns + PATIENCE_NS};
	master->wakes->n++;
	if (!send_wake(master, wake) || listen_for_more(master, wake) < 0)
		finish(master, wake);
}

void wake_ready(struct master *master, uint32_t index, uint32_t serial)
{
	struct wake *wake = &master->wakes->items[index];

	if (wake->fd < 0 || wake->serial != serial)
		return;
	if (service_of(master, wake->service)->edition == NULL || wake->sent ||
		!send_wake(master, wake) || listen_for_more(master, wake) < 0)
		finish(master, wake);
}

void wakes_expire(struct master *master)
{
	if (master->wakes->n == 0)
		return;
	for (unsigned i = 0; i < WAKES_MAX; i++) {
		struct wake *wake = &master->wakes->items[i];

		if (wake->fd < 0 || wake->until_ns > master->now_ns)
			continue;
		if (!wake->sent)
			failed(master, wake->service, ETIMEDOUT);
		finish(master, wake);
	}
}

uint64_t wakes_deadline(const struct master *master)
{
	uint64_t first_ns = LOOP_FOREVER;

	if (master->wakes->n == 0)
		return first_ns;
	for (unsigned i = 0; i < WAKES_MAX; i++)
		if (master->wakes->items[i].fd >= 0 &&
			master->wakes->items[i].until_ns < first_ns)
			first_ns = master->wakes->items[i].until_ns;
	return first_ns;
}
