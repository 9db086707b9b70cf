/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>

#include "base/number.h"
#include "master/keeper.h"
#include "proto/keep.h"
#include "sys/child.h"
#include "sys/clock.h"
#include "sys/daemon.h"
#include "sys/fd.h"
#include "sys/loop.h"
#include "sys/parcel.h"

/* A master that asked for everything reads it, or is none. */
#define PATIENCE_NS (20 * NS_PER_S)

/* 0, or -errno: -EAGAIN if there is no room now. */
static int say(
	struct keeper *keeper, const struct keep_message *message, int gift)
{
	char buffer[KEEP_MESSAGE_BYTES];
	struct text_builder text;

	if (keeper->socket < 0)
		return -EPIPE;
	text_builder_init(&text, buffer, sizeof(buffer));
	keep_put(&text, message);
	return sys_parcel_send(keeper->socket, buffer, text.n, gift);
}

static int say_for_sure(struct keeper *keeper,
	const struct keep_message *message, int gift, uint64_t until_ns)
{
	for (;;) {
		int result = say(keeper, message, gift);

		if (result != -EAGAIN)
			return result;
		/* The kernel may be out of something else than room. */
		sys_sleep(NS_PER_MS);
		if (sys_parcel_wait(keeper->socket, true, until_ns) != 1)
			return -ETIMEDOUT;
	}
}

static struct keep_message end_of(const struct keeper *keeper, uint32_t slot)
{
	const struct kept_worker *worker = &keeper->kept.workers[slot];

	return (struct keep_message){.kind = KEEP_ENDED,
		.slot = slot,
		.serial = worker->serial,
		.code = (uint64_t)worker->code,
		.signal = (uint64_t)worker->signal};
}

void keeper_tell_end(struct keeper *keeper, uint32_t slot)
{
	struct keep_message message = end_of(keeper, slot);

	/* One that was not told is asked for when everything is. */
	(void)say(keeper, &message, -1);
}

static int give_holdings(struct keeper *keeper, uint64_t until_ns)
{
	int result = 0;

	for (uint32_t i = 0; i < keeper->kept.holdings_n && result == 0; i++) {
		const struct kept_holding *holding = &keeper->kept.holdings[i];

		if (holding->name != NULL)
			result = say_for_sure(keeper,
				&(struct keep_message){.kind = KEEP_GIVE,
					.name = text_of(holding->name)},
				holding->fd, until_ns);
	}
	return result;
}

static int give_ends(struct keeper *keeper, uint64_t until_ns)
{
	int result = 0;

	for (uint32_t slot = 0; slot < keeper->kept.workers_n && result == 0;
		slot++) {
		struct keep_message message = end_of(keeper, slot);

		if (keeper->kept.workers[slot].ended)
			result = say_for_sure(keeper, &message, -1, until_ns);
	}
	return result;
}

static struct keep_message history(const struct keeper *keeper)
{
	return (struct keep_message){.kind = KEEP_GIVEN,
		.restarts = keeper->restarts,
		.cause = text_of(keeper->cause)};
}

/* What workers say from now on is for the master. */
static void give(struct keeper *keeper)
{
	uint64_t until_ns = clock_now_ns() + PATIENCE_NS;
	const struct keep_message last = history(keeper);
	int result;

	keeper_read_stop(keeper);
	keeper_reap(keeper);
	result = give_holdings(keeper, until_ns);
	if (result == 0)
		result = give_ends(keeper, until_ns);
	if (result == 0)
		result = say_for_sure(keeper, &last, -1, until_ns);
	if (result < 0 && keeper->pidfd >= 0)
		(void)sys_child_signal(keeper->pidfd, SIGKILL);
}

static void hold(struct keeper *keeper, struct text name, int fd)
{
	uint32_t place;

	if (fd < 0)
		return;
	place = kept_add(&keeper->kept, name, fd);
	if (place != KEPT_NONE && text_is(name, KEEP_WORDS))
		keeper_words(keeper, place);
}

static void drop(struct keeper *keeper, struct text name)
{
	uint32_t place = kept_find(&keeper->kept, name);

	if (place != KEPT_NONE)
		kept_drop(&keeper->kept, place);
}

static void make_stale(struct keeper *keeper)
{
	for (uint32_t i = 0; i < keeper->kept.holdings_n; i++)
		keeper->kept.holdings[i].stale =
			keeper->kept.holdings[i].name != NULL;
}

static void drop_stale(struct keeper *keeper)
{
	for (uint32_t i = 0; i < keeper->kept.holdings_n; i++)
		if (keeper->kept.holdings[i].name != NULL &&
			keeper->kept.holdings[i].stale)
			kept_drop(&keeper->kept, i);
}

/* To one who is another program in the place of him who was told. */
static void tell_history(struct keeper *keeper)
{
	const struct keep_message message = history(keeper);

	(void)say(keeper, &message, -1); /* for people only */
}

static void obey(
	struct keeper *keeper, const struct keep_message *message, int *gift)
{
	switch (message->kind) {
	case KEEP_HOLD:
		hold(keeper, message->name, fd_take(gift));
		break;
	case KEEP_DROP:
		drop(keeper, message->name);
		break;
	case KEEP_TAKE:
		give(keeper);
		break;
	case KEEP_RENEW:
		make_stale(keeper);
		break;
	case KEEP_HEALTHY:
		drop_stale(keeper);
		keeper_well(keeper);
		tell_history(keeper);
		break;
	case KEEP_TRIAL:
		keeper->healthy = false;
		keeper->trial_ns = keeper->now_ns + message->ns;
		break;
	case KEEP_BYE:
		keeper->bye = true;
		break;
	case KEEP_GIVE:
	case KEEP_GIVEN:
	case KEEP_ENDED:
		break; /* our own words */
	}
}

void keeper_hear(struct keeper *keeper)
{
	char line[KEEP_MESSAGE_BYTES];
	char values[KEEP_MESSAGE_BYTES];
	struct text_builder store;
	struct keep_message message;

	text_builder_init(&store, values, sizeof(values));
	while (keeper->socket >= 0) {
		AUTO_CLOSE int gift = -1;
		int n = sys_parcel_receive(
			keeper->socket, line, sizeof(line), &gift);

		if (n == -EMSGSIZE)
			continue;
		if (n == -EAGAIN)
			return;
		if (n <= 0) {
			/* It is dying, or does not want us any more. */
			(void)loop_remove(keeper->loop, keeper->socket);
			return;
		}
		if (keep_parse(
			    (struct text){line, (size_t)n}, &store, &message))
			obey(keeper, &message, &gift);
	}
}
