/* SPDX-License-Identifier: MIT */
#include "master/keep_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "master/adopted.h"
#include "master/holdings.h"
#include "master/keep.h"
#include "master/keep_state.h"
#include "master/log.h"
#include "master/master.h"
#include "proto/keep.h"
#include "sys/child.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/loop.h"
#include "sys/parcel.h"
#include "sys/signals.h"

#define PATIENCE_NS (20 * NS_PER_S)
#define RETRY_NS NS_PER_MS /* and ever longer, if it is not heard at all */
#define RETRY_MAX_NS (100 * NS_PER_MS)
#define WAITING_MIN 256u /* so much may wait, however little there is */

struct keep_waiting {
	struct keep_waiting *next;
	int gift; /* owned; -1: none */
	size_t n;
	char words[];
};

/* --------------------------------------------------- what it cannot take yet */

static void forget_first(struct keep *keep)
{
	struct keep_waiting *first = keep->waiting;

	keep->waiting = first->next;
	if (keep->waiting == NULL)
		keep->last = &keep->waiting;
	keep->waiting_n--;
	fd_close(&first->gift);
	free(first);
}

/* Each may have a descriptor with it. All there is, twice over, has room. */
static uint32_t waiting_max(const struct master *master)
{
	return WAITING_MIN + 2 * master->keep->structure_n +
	       4 * master->workers_high;
}

static void retry_later(struct master *master, bool was_heard)
{
	struct keep *keep = master->keep;

	keep->pause_ns *= 2;
	if (was_heard || keep->pause_ns < RETRY_NS)
		keep->pause_ns = RETRY_NS;
	if (keep->pause_ns > RETRY_MAX_NS)
		keep->pause_ns = RETRY_MAX_NS;
	keep->retry_ns = master->now_ns + keep->pause_ns;
}

static void lose(struct master *master)
{
	struct keep *keep = master->keep;

	while (keep->waiting != NULL)
		forget_first(keep);
	keep->behind = false;
	keep->retry_ns = 0;
	if (keep->socket >= 0)
		(void)loop_remove(master->loop, keep->socket);
	fd_close(&keep->socket);
	if (keep->lost)
		return;
	keep->lost = true;
	log_say(MESSAGE_KEEPER_LOST,
		"nobody holds listeners and workers while there is no master");
}

static void send_later(
	struct master *master, const char *words, size_t n, int gift)
{
	struct keep *keep = master->keep;
	struct keep_waiting *item;

	if (keep->retry_ns == 0)
		retry_later(master, true);
	if (keep->waiting_n >= waiting_max(master)) {
		while (keep->waiting != NULL)
			forget_first(keep);
		keep->behind = true;
		return;
	}
	item = malloc(sizeof(*item) + n);
	/* Without memory it goes untold; the next master does without. */
	if (item == NULL)
		return;
	*item = (struct keep_waiting){
		.gift = gift < 0 ? -1 : fd_above(gift, 0), .n = n};
	memcpy(item->words, words, n);
	*keep->last = item;
	keep->last = &item->next;
	keep->waiting_n++;
}

static void say(
	struct master *master, const struct keep_message *message, int gift)
{
	struct keep *keep = master->keep;
	char buffer[KEEP_MESSAGE_BYTES];
	struct text_builder text;
	int result = -EAGAIN;

	if (keep->socket < 0 || keep->behind)
		return;
	text_builder_init(&text, buffer, sizeof(buffer));
	keep_put(&text, message);
	if (keep->waiting == NULL)
		result = sys_parcel_send(keep->socket, buffer, text.n, gift);
	if (result == -EAGAIN)
		send_later(master, buffer, text.n, gift);
	else if (result < 0)
		lose(master);
}

/* All is given anew as soon as one word is taken again. */
static int catch_up(struct master *master)
{
	char buffer[KEEP_MESSAGE_BYTES];
	struct text_builder text;
	int result;

	text_builder_init(&text, buffer, sizeof(buffer));
	keep_put(&text, &(struct keep_message){.kind = KEEP_RENEW});
	result = sys_parcel_send(master->keep->socket, buffer, text.n, -1);
	if (result < 0)
		return result;
	master->keep->behind = false;
	keep_renew(master);
	return 0;
}

void keep_socket_expire(struct master *master)
{
	struct keep *keep = master->keep;
	uint32_t waited;
	int result = 0;

	if (keep == NULL || keep->retry_ns == 0 ||
		master->now_ns < keep->retry_ns)
		return;
	waited = keep->waiting_n;
	if (keep->behind)
		result = catch_up(master);
	while (keep->waiting != NULL && result == 0) {
		const struct keep_waiting *first = keep->waiting;

		result = sys_parcel_send(
			keep->socket, first->words, first->n, first->gift);
		if (result == 0)
			forget_first(keep);
	}
	if (result < 0 && result != -EAGAIN)
		lose(master);
	keep->retry_ns = 0;
	if (keep->waiting != NULL || keep->behind)
		retry_later(master, keep->waiting_n != waited);
}

uint64_t keep_socket_deadline(const struct master *master)
{
	return master->keep == NULL || master->keep->retry_ns == 0
		       ? UINT64_MAX
		       : master->keep->retry_ns;
}

/* -------------------------------------------------------------- as a holder */

static void say_kind(struct master *master, enum keep_kind kind)
{
	say(master, &(struct keep_message){.kind = kind}, -1);
}

static void hold(struct master *master, const char *name, int fd)
{
	say(master,
		&(struct keep_message){
			.kind = KEEP_HOLD, .name = text_of(name)},
		fd);
}

static void drop(struct master *master, const char *name)
{
	say(master,
		&(struct keep_message){
			.kind = KEEP_DROP, .name = text_of(name)},
		-1);
}

static void renew(struct master *master)
{
	say_kind(master, KEEP_RENEW);
}

static void healthy(struct master *master)
{
	say_kind(master, KEEP_HEALTHY);
}

static void bye(struct master *master)
{
	say_kind(master, KEEP_BYE);
}

static const struct keep_holder keeper_holder = {
	.name = "keeper",
	.hold = hold,
	.drop = drop,
	.renew = renew,
	.healthy = healthy,
	.bye = bye,
};

bool keep_socket_trial(struct master *master, uint64_t ns)
{
	if (keep_socket_fd(master) < 0)
		return false;
	say(master, &(struct keep_message){.kind = KEEP_TRIAL, .ns = ns}, -1);
	return keep_socket_fd(master) >= 0;
}

int keep_socket_fd(const struct master *master)
{
	return master->keep == NULL ? -1 : master->keep->socket;
}

bool keep_socket_is_heard(const struct master *master)
{
	return master->keep == NULL || master->keep->retry_ns == 0;
}

bool keep_socket_is_ours(void)
{
	return getenv(KEEP_ENVIRONMENT) != NULL;
}

/* -------------------------------------------------------------- what it says */

static void note_end(struct master *master, const struct keep_message *message)
{
	if (message->slot < UINT32_MAX && message->serial <= UINT32_MAX &&
		message->code <= 255 && message->signal <= 127)
		adopted_ended(master, (uint32_t)message->slot,
			(uint32_t)message->serial,
			&(struct child_end){.code = (int)message->code,
				.signal = (int)message->signal});
}

static void note_given(struct keep *keep, const struct keep_message *message)
{
	size_t n = message->cause.n;

	if (n >= sizeof(keep->cause))
		n = sizeof(keep->cause) - 1;
	memcpy(keep->cause, message->cause.bytes, n);
	keep->cause[n] = '\0';
	keep->restarts = message->restarts;
}

/* 1: a message; 0: none now; -errno: it is gone. */
static int receive(struct keep *keep, struct keep_message *message,
	struct text_builder *store, int *out_gift)
{
	char line[KEEP_MESSAGE_BYTES];

	for (;;) {
		int n = sys_parcel_receive(
			keep->socket, line, sizeof(line), out_gift);

		if (n == -EAGAIN)
			return 0;
		if (n == 0)
			return -EPIPE;
		if (n < 0 && n != -EMSGSIZE)
			return n;
		if (n > 0 && keep_parse((struct text){line, (size_t)n}, store,
				     message))
			return 1;
		fd_close(out_gift);
	}
}

void keep_socket_ready(struct master *master)
{
	char values[KEEP_MESSAGE_BYTES];
	struct text_builder store;
	struct keep_message message;

	text_builder_init(&store, values, sizeof(values));
	while (master->keep != NULL && master->keep->socket >= 0) {
		AUTO_CLOSE int gift = -1;
		int result = receive(master->keep, &message, &store, &gift);

		if (result == 0)
			return;
		if (result < 0)
			lose(master);
		else if (message.kind == KEEP_ENDED)
			note_end(master, &message);
		else if (message.kind == KEEP_GIVEN)
			note_given(master->keep, &message);
	}
}

/* ------------------------------------------------------------------- the start */

/* Everything that it holds; ends are kept until their workers are known. */
static int take_all(struct master *master, struct holdings *holdings)
{
	uint64_t until_ns = clock_now_ns() + PATIENCE_NS;
	struct keep *keep = master->keep;
	char values[KEEP_MESSAGE_BYTES];
	struct text_builder store;
	struct keep_message message;

	text_builder_init(&store, values, sizeof(values));
	say_kind(master, KEEP_TAKE);
	for (;;) {
		AUTO_CLOSE int gift = -1;
		int result = receive(keep, &message, &store, &gift);

		if (result < 0)
			return result;
		if (result == 0 &&
			sys_parcel_wait(keep->socket, false, until_ns) != 1)
			return -ETIMEDOUT;
		if (result == 0)
			continue;
		if (message.kind == KEEP_GIVE && gift >= 0)
			holdings_add(holdings, fd_take(&gift), "%.*s",
				(int)message.name.n, message.name.bytes);
		else if (message.kind == KEEP_ENDED)
			note_end(master, &message);
		else if (message.kind == KEEP_GIVEN) {
			note_given(keep, &message);
			return 1;
		}
	}
}

int keep_socket_resume(struct master *master, int fd)
{
	struct keep *keep;
	int result;

	if (!keep_begin(master, &keeper_holder)) {
		fd_close(&fd);
		return -ENOMEM;
	}
	keep = master->keep;
	keep->socket = fd;
	keep->last = &keep->waiting;
	result = fd_inherit(fd, false);
	if (result == 0)
		result = loop_add(
			master->loop, fd, LOOP_IN, tag_make(TAG_KEEPER, 0, 0));
	return result;
}

int keep_socket_open(struct master *master, struct holdings *holdings)
{
	int fd = sys_parcel_inherited(KEEP_ENVIRONMENT);
	int result;

	if (fd < 0)
		return 0;
	result = keep_socket_resume(master, fd);
	return result < 0 ? result : take_all(master, holdings);
}

uint64_t keep_restarts(const struct master *master)
{
	return master->keep == NULL ? 0 : master->keep->restarts;
}

const char *keep_cause(const struct master *master)
{
	return master->keep == NULL || master->keep->restarts == 0
		       ? ""
		       : master->keep->cause;
}
