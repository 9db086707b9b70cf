/* SPDX-License-Identifier: MIT */
#include "master/listeners.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/number.h"
#include "master/edition.h"
#include "master/keep.h"
#include "master/log.h"
#include "master/master.h"
#include "master/page.h"
#include "master/passed.h"
#include "master/services.h"
#include "master/store.h"
#include "master/workers.h"
#include "sys/clock.h"
#include "sys/depth.h"
#include "sys/fd.h"
#include "sys/loop.h"
#include "sys/net.h"
#include "table/service.h"

/* sock_diag walks all AF_UNIX sockets there are: not at any price (B13). */
#define DEAR_NS UINT64_C(200000)
#define NO_DEPTH_NS NS_PER_S

#define REARM_NS (100 * NS_PER_MS)

/* A lost one that cannot be had again: somebody else may have its address. */
#define REOPEN_MIN_NS NS_PER_S
#define REOPEN_MAX_NS (10 * NS_PER_S)

static struct depth_unix depth_unix = DEPTH_UNIX_NONE;
static struct {
	uint32_t services[SERVICES_MAX]; /* whose watches may have changed */
	uint32_t n;
} unsettled;
static uint64_t rearm_ns;  /* a watch could not be armed; 0: all could */
static uint64_t reopen_ns; /* a lost listener is tried again; 0: none is lost */
static uint64_t reopen_pause_ns;

static uint64_t listener_tag(uint32_t service, unsigned endpoint)
{
	return tag_make(TAG_LISTENER, service, endpoint);
}

static void arm_later(struct master *master, uint32_t service)
{
	service_of(master, service)->unarmed = true;
	if (rearm_ns == 0)
		rearm_ns = master->now_ns + REARM_NS;
}

/*
 * Registered once and for all, and never exclusively (MECHANISMS B2). Each
 * event is told once: a failure that lasts must not keep us awake.
 */
static void arm(struct master *master, uint32_t service, unsigned i, bool on)
{
	struct listener *listener = &service_of(master, service)->listeners[i];
	enum listener_ear ear = on ? LISTENER_HEARS_ALL : LISTENER_HEARS_END;
	unsigned interest = LOOP_RDHUP | LOOP_ONCE | (on ? LOOP_IN : 0);
	uint64_t tag = listener_tag(service, i);
	int result = -ENOENT;

	if (listener->fd < 0 || listener->ear == ear)
		return;
	if (listener->ear != LISTENER_UNKNOWN)
		result = loop_change(master->loop, listener->fd, interest, tag);
	if (result == -ENOENT)
		result = loop_add(master->loop, listener->fd, interest, tag);
	if (result == -EEXIST)
		result = loop_change(master->loop, listener->fd, interest, tag);
	listener->ear = result < 0 ? LISTENER_HEARS_NONE : ear;
	if (result < 0 && on)
		arm_later(master, service);
}

static void settle(struct master *master, uint32_t service)
{
	struct service_state *state = service_of(master, service);

	state->unsettled = false;
	for (unsigned i = 0; i < state->listeners_n; i++)
		arm(master, service, i, state->watching);
}

/* What a round takes back never reaches the kernel. */
void listeners_settle(struct master *master)
{
	for (uint32_t i = 0; i < unsettled.n; i++)
		settle(master, unsettled.services[i]);
	unsettled.n = 0;
}

void listeners_watch(struct master *master, uint32_t service, bool on)
{
	struct service_state *state = service_of(master, service);

	state->watching = on;
	if (state->unsettled)
		return;
	/* A number that was given up and used again is in it twice. */
	if (unsettled.n == SERVICES_MAX)
		listeners_settle(master);
	state->unsettled = true;
	unsettled.services[unsettled.n++] = service;
}

void listeners_rearm(struct master *master)
{
	if (rearm_ns == 0 || master->now_ns < rearm_ns)
		return;
	rearm_ns = 0;
	for (uint32_t id = 0; id < master->services_high; id++) {
		struct service_state *state = service_of(master, id);

		if (!state->unarmed)
			continue;
		state->unarmed = false;
		if (state->edition != NULL)
			listeners_watch(master, id, state->watching);
	}
}

uint64_t listeners_rearm_deadline(void)
{
	return rearm_ns == 0 ? LOOP_FOREVER : rearm_ns;
}

static uint32_t readable(const struct listener *listener)
{
	return sys_readable(listener->fd) > 0 ? 1 : 0;
}

static uint32_t unix_depth(struct master *master, struct service_state *service,
	const struct listener *listener)
{
	uint64_t begin_ns = clock_now_ns();
	int depth;

	if (begin_ns < service->no_depth_until_ns)
		return readable(listener);
	if (depth_unix.fd < 0 && sys_depth_unix_open(&depth_unix) < 0)
		return readable(listener);
	depth = sys_depth_unix(&depth_unix, listener->fd);
	(void)master;
	if (depth < 0 || clock_now_ns() - begin_ns > DEAR_NS)
		service->no_depth_until_ns = begin_ns + NO_DEPTH_NS;
	return depth < 0 ? readable(listener) : (uint32_t)depth;
}

uint32_t listener_depth(
	struct master *master, uint32_t service, uint32_t endpoint)
{
	struct service_state *state = service_of(master, service);
	struct listener *listener = &state->listeners[endpoint];
	int depth = -1;

	if (listener->fd < 0)
		return 0;
	switch (listener->endpoint->kind) {
	case ENDPOINT_INET:
		depth = sys_depth_tcp(listener->fd);
		break;
	case ENDPOINT_UNIX:
		return unix_depth(master, state, listener);
	case ENDPOINT_FIFO:
	case ENDPOINT_DGRAM:
		break;
	}
	return depth < 0 ? readable(listener) : (uint32_t)depth;
}

static uint32_t service_depth(struct master *master, uint32_t service)
{
	unsigned n = service_of(master, service)->listeners_n;
	uint32_t depth = 0;

	for (unsigned i = 0; i < n; i++)
		depth += listener_depth(master, service, i);
	return depth;
}

static void tell_depth(struct master *master, enum event_kind kind,
	uint32_t service, uint32_t depth)
{
	struct event event = {.kind = kind, .service = service, .depth = depth};

	workers_measure(master, &event);
	inbox_put(&master->inbox, &event);
}

void listeners_look(struct master *master, uint32_t service)
{
	page_look(master, service);
	tell_depth(
		master, EVENT_DEPTH, service, service_depth(master, service));
}

/* Any worker may shut down what it shares with us. */
static bool is_down(const struct listener *listener)
{
	switch (listener->endpoint->kind) {
	case ENDPOINT_INET:
		return sys_listener_alive(listener->fd) != 1;
	case ENDPOINT_UNIX:
		return sys_is_shut(listener->fd) != 0;
	case ENDPOINT_DGRAM:
		/* Connected, it hears nobody but its peer. */
		return sys_is_shut(listener->fd) != 0 ||
		       sys_has_peer(listener->fd) != 0;
	case ENDPOINT_FIFO:
		break;
	}
	return false;
}

void listener_let_go(enum endpoint_kind kind, int *fd)
{
	switch (kind) {
	case ENDPOINT_INET:
		(void)sys_shutdown(*fd, SHUT_RDWR);
		break;
	case ENDPOINT_UNIX:
	case ENDPOINT_DGRAM:
		sys_listener_close(fd);
		break;
	case ENDPOINT_FIFO:
		break;
	}
	fd_close(fd);
}

/* Our descriptor alone, where others have it too and are to go on. */
static void let_go(struct listener *listener)
{
	if (listener->passed)
		fd_close(&listener->fd);
	else
		listener_let_go(listener->endpoint->kind, &listener->fd);
}

/* Nobody can bind it again, but TCP listens again where it was bound. */
static bool revive(const struct service_state *state, struct listener *listener)
{
	return listener->passed && listener->endpoint->kind == ENDPOINT_INET &&
	       sys_listen_again(listener->fd, (int)state->row->backlog) == 0;
}

static bool lost(struct master *master, const struct service_state *state,
	struct listener *listener)
{
	if (!is_down(listener))
		return false;
	(void)loop_remove(master->loop, listener->fd);
	listener->ear = LISTENER_UNKNOWN;
	if (revive(state, listener))
		return true;
	store_drop(listener);
	/* We may be stopped before it is opened again. */
	listener_unlink(listener);
	let_go(listener);
	return true;
}

/* A worker can provoke that as often as it likes: it is looked at rarely. */
static void clear_trouble(struct master *master, uint32_t service,
	const struct listener *listener)
{
	if (listener->endpoint->kind != ENDPOINT_FIFO)
		(void)sys_take_error(listener->fd);
	arm_later(master, service);
}

void listener_ready(struct master *master, uint32_t service, uint32_t endpoint,
	uint32_t ready)
{
	struct service_state *state = service_of(master, service);
	struct listener *listener;
	uint32_t depth = 1;

	if (state->edition == NULL || endpoint >= state->listeners_n)
		return;
	listener = &state->listeners[endpoint];
	if (listener->fd < 0)
		return;
	listener->ear = LISTENER_HEARS_NONE;
	if ((ready & (LOOP_HUP | LOOP_ERR | LOOP_RDHUP)) &&
		lost(master, state, listener)) {
		inbox_put(&master->inbox,
			&(struct event){.kind = EVENT_LISTENER_LOST,
				.service = service});
		return;
	}
	if (ready & (LOOP_HUP | LOOP_ERR | LOOP_RDHUP))
		clear_trouble(master, service, listener);
	if (!state->watching || !(ready & LOOP_IN))
		return;
	state->watching = false;
	page_sync(master, service);
	/* AF_UNIX: one is known to wait; more is asked when it matters. */
	if (listener->endpoint->kind == ENDPOINT_INET)
		depth = service_depth(master, service);
	tell_depth(master, EVENT_CLIENTS, service, depth);
}

static bool is_revived(const struct listener *listener)
{
	return listener->passed && listener->ear == LISTENER_UNKNOWN;
}

static int reopen(const struct master *master, struct service_state *state,
	struct listener *listener)
{
	const struct identity *owner =
		edition_sockets(state->edition, state->row);
	struct net_named named = NET_NAMED_NONE;
	int result = 0;
	int fd;

	if (listener->passed)
		return listener->fd < 0 ? -ESHUTDOWN : 0;
	fd = listener_open(state->row, listener->endpoint, owner,
		LISTENER_REPLACE, &named);
	if (fd == -EADDRINUSE && listener->endpoint->kind == ENDPOINT_INET)
		fd = listener_open_beside(
			master, NULL, state->row, listener->endpoint, owner);

	if (fd < 0)
		return fd;
	if (listener->endpoint->kind != ENDPOINT_INET) {
		result = listener_commit(&listener->maker, &named);
		listener->dev = named.dev;
		listener->ino = named.ino;
		listener_abort(&listener->maker, &named);
	}
	if (result < 0) {
		fd_close(&fd);
		return result;
	}
	listener->fd = fd;
	return 0;
}

static void say_listener(enum message message,
	const struct service_state *state, const struct listener *listener,
	int error)
{
	struct log_line line;

	log_begin(&line, message);
	log_text(&line, "service", state->row->name);
	log_text(&line, "endpoint", listener->endpoint->text);
	if (error != 0)
		log_text(&line, "error", strerror(error));
	log_end(&line);
}

static void say_reopened(
	const struct service_state *state, const struct listener *listener)
{
	if (listener->error == 0)
		say_listener(MESSAGE_LISTENER_LOST, state, listener, 0);
	else if (listener->passed)
		passed_is_lost(state, listener);
	else
		say_listener(MESSAGE_LISTENER_FAILED, state, listener,
			listener->error);
}

/* One that leaves may have given its listeners to another. */
static bool is_in_force(
	const struct master *master, const struct service_state *state)
{
	return state->edition != NULL && state->table == master->tables &&
	       !master->stopping;
}

const struct listener *listener_missing(
	const struct master *master, uint32_t service)
{
	const struct service_state *state = service_of(master, service);

	if (!is_in_force(master, state))
		return NULL;
	for (unsigned i = 0; i < state->listeners_n; i++)
		if (state->listeners[i].fd < 0)
			return &state->listeners[i];
	return NULL;
}

static void retry_later(struct master *master)
{
	if (reopen_ns > master->now_ns)
		return;
	reopen_pause_ns *= 2;
	if (reopen_pause_ns < REOPEN_MIN_NS)
		reopen_pause_ns = REOPEN_MIN_NS;
	if (reopen_pause_ns > REOPEN_MAX_NS)
		reopen_pause_ns = REOPEN_MAX_NS;
	reopen_ns = master->now_ns + reopen_pause_ns;
}

void listeners_retry(struct master *master)
{
	if (reopen_ns == 0 || master->now_ns < reopen_ns)
		return;
	reopen_ns = 0;
	for (uint32_t id = 0; id < master->services_high; id++)
		if (listener_missing(master, id) != NULL)
			listeners_reopen(master, id);
	if (reopen_ns == 0)
		reopen_pause_ns = 0;
}

void listeners_adopted(struct master *master)
{
	for (uint32_t id = 0; id < master->services_high; id++)
		if (listener_missing(master, id) != NULL)
			retry_later(master);
}

uint64_t listeners_retry_deadline(void)
{
	return reopen_ns == 0 ? LOOP_FOREVER : reopen_ns;
}

void listeners_reopen(struct master *master, uint32_t service)
{
	struct service_state *state = service_of(master, service);
	uint64_t suppressed;

	for (unsigned i = 0; i < state->listeners_n; i++) {
		struct listener *listener = &state->listeners[i];
		int result;

		if (listener->fd >= 0 && !is_revived(listener))
			continue;
		result = reopen(master, state, listener);
		listener->error = result < 0 ? -result : 0;
		keep_structure(master);
		if (result < 0 && !listener->passed)
			retry_later(master);
		arm(master, service, i, state->watching);
		store_changed();
		if (log_allowed(&state->troubles, master->now_ns, &suppressed))
			say_reopened(state, listener);
	}
}

void listener_close(struct master *master, struct listener *listener)
{
	if (listener->fd < 0)
		return;
	(void)loop_remove(master->loop, listener->fd);
	if (!master->stopping)
		store_drop(listener);
	if (listener->passed && !master->stopping)
		passed_is_given_up(listener);
	listener_unlink(listener);
	let_go(listener);
}
