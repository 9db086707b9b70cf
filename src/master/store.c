/* SPDX-License-Identifier: MIT */
#include "master/store.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/number.h"
#include "base/text.h"
#include "master/master.h"
#include "master/services.h"
#include "sys/loop.h"
#include "sys/notify.h"

#define PREFIX "ostler.listener."
#define LINES_MAX 80
#define RETRY_NS (100 * NS_PER_MS) /* its queue was full */

static struct {
	bool wanted;
	bool changed;
	uint64_t retry_ns;
} store;

void store_begin(void)
{
	store.wanted = sys_notify_wanted();
}

void store_changed(void)
{
	store.changed = store.wanted;
}

bool store_is_ours(const char *name)
{
	return text_starts_with(text_of(name), PREFIX);
}

/* The same for one file, whoever is asked: it can be stored twice. */
static void put_lines(
	char out[LINES_MAX], const char *what, const struct listener *listener)
{
	struct stat st = {.st_ino = 0};

	(void)fstat(listener->fd, &st);
	(void)snprintf(out, LINES_MAX, "%s=1\nFDNAME=" PREFIX "%llu", what,
		(unsigned long long)st.st_ino);
}

void store_drop(struct listener *listener)
{
	char lines[LINES_MAX];

	if (!listener->stored || listener->fd < 0)
		return;
	listener->stored = false;
	put_lines(lines, "FDSTOREREMOVE", listener);
	/* If it does not hear: what is shut down it drops by itself. */
	(void)sys_notify(lines);
}

/* False: not now. */
static bool put(struct listener *listener)
{
	char lines[LINES_MAX];
	int result;

	if (listener->fd < 0 || listener->passed || listener->stored)
		return true;
	put_lines(lines, "FDSTORE", listener);
	result = sys_notify_fd(lines, listener->fd);
	if (result == -EAGAIN || result == -ENOBUFS)
		return false;
	listener->stored = result > 0;
	return true;
}

static bool put_all(struct master *master)
{
	for (uint32_t id = 0; id < master->services_high; id++) {
		struct service_state *state = service_of(master, id);

		for (unsigned i = 0; i < state->listeners_n; i++)
			if (!put(&state->listeners[i]))
				return false;
	}
	return true;
}

void store_round(struct master *master)
{
	if (!store.changed || master->now_ns < store.retry_ns)
		return;
	/* It drops all of them when we have stopped. */
	store.changed = !master->stopping && !put_all(master);
	store.retry_ns = store.changed ? master->now_ns + RETRY_NS : 0;
}

uint64_t store_deadline(void)
{
	return store.changed ? store.retry_ns : LOOP_FOREVER;
}
