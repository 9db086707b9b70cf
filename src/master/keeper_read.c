/* SPDX-License-Identifier: MIT */
#include <sys/socket.h>

#include "master/keeper.h"
#include "master/tag.h"
#include "proto/keep.h"
#include "proto/status.h"
#include "sys/channel.h"
#include "sys/fd.h"
#include "sys/loop.h"
#include "sys/memory.h"
#include "sys/net.h"

/* Of one channel at once; the others are to be read, too. */
#define BATCHES 4

static uint64_t tag_of(const struct keeper *keeper, uint32_t place)
{
	return tag_make((enum tag_kind)KEEPER_TAG_CHANNEL, place,
		keeper->kept.holdings[place].serial);
}

void keeper_read_begin(struct keeper *keeper)
{
	keeper->reading = true;
	for (uint32_t i = 0; i < keeper->kept.holdings_n; i++) {
		const struct kept_holding *holding = &keeper->kept.holdings[i];

		if (holding->name != NULL && holding->channel)
			(void)loop_add(keeper->loop, holding->fd,
				LOOP_IN | LOOP_RDHUP, tag_of(keeper, i));
	}
}

void keeper_read_stop(struct keeper *keeper)
{
	if (!keeper->reading)
		return;
	keeper->reading = false;
	for (uint32_t i = 0; i < keeper->kept.holdings_n; i++) {
		const struct kept_holding *holding = &keeper->kept.holdings[i];

		/* One that is over is out already. */
		if (holding->name != NULL && holding->channel)
			(void)loop_remove(keeper->loop, holding->fd);
	}
}

/* Who it is must be true: of a channel of its own that is known. */
static uint32_t speaker(const struct keeper *keeper, uint32_t place,
	const struct channel_message *message)
{
	const struct kept_holding *holding = &keeper->kept.holdings[place];
	struct keep_worker worker;

	if (keep_parse_worker(text_of(holding->name), &worker))
		return worker.slot;
	if (!message->has_credentials)
		return KEPT_NONE;
	return kept_slot_of_pid(&keeper->kept, (uint32_t)message->pid);
}

static void take_word(struct keeper *keeper, uint32_t place, const char *bytes,
	const struct channel_message *message)
{
	uint32_t slot = speaker(keeper, place, message);
	const struct kept_worker *worker;
	struct ostler__status status;

	if (slot == KEPT_NONE || slot >= keeper->words_n || message->truncated)
		return;
	worker = &keeper->kept.workers[slot];
	if (ostler__status_decode(bytes, message->size, &status) != STATUS_OK ||
		(uint32_t)status.pid != worker->pid ||
		status.generation != worker->generation)
		return;
	keeper->words[slot] = keep_word(
		worker->serial, status.word == STATUS_TAKEN ? KEEP_SAID_TAKEN
							    : KEEP_SAID_AVAIL);
}

/* True: there may be more. */
static bool read_some(struct keeper *keeper, uint32_t place)
{
	int fd = keeper->kept.holdings[place].fd;

	for (unsigned n = 0; n < BATCHES; n++) {
		struct channel_batch batch;
		int got = sys_channel_read_batch(fd, &batch);

		for (int i = 0; i < got; i++)
			take_word(keeper, place, batch.bytes[i],
				&batch.messages[i]);
		/* Its end is read as often as there is room for. */
		if (got < CHANNEL_BATCH || batch.messages[got - 1].size == 0)
			return false;
	}
	return true;
}

void keeper_read(
	struct keeper *keeper, uint32_t place, uint32_t serial, uint32_t ready)
{
	const struct kept_holding *holding = &keeper->kept.holdings[place];
	bool ending = (ready & (LOOP_HUP | LOOP_ERR | LOOP_RDHUP)) != 0;

	if (!keeper->reading || place >= keeper->kept.holdings_n ||
		holding->name == NULL || holding->serial != serial)
		return;
	/* Its end cannot be masked; the next master will see it, too. */
	if (!read_some(keeper, place) && ending)
		(void)loop_remove(keeper->loop, holding->fd);
}

void keeper_words(struct keeper *keeper, uint32_t place)
{
	uint64_t bytes;

	if (keeper->words != NULL)
		sys_unmap(keeper->words,
			keeper->words_n * sizeof(*keeper->words));
	keeper->words = NULL;
	keeper->words_n = 0;
	if (sys_memory_size(keeper->kept.holdings[place].fd, &bytes) < 0)
		return;
	keeper->words = sys_map_shared(keeper->kept.holdings[place].fd, bytes);
	if (keeper->words != NULL)
		keeper->words_n = bytes / sizeof(*keeper->words);
}

/* Listeners stay, so that nobody who waits there is lost. */
void keeper_let_go(struct keeper *keeper)
{
	keeper_read_stop(keeper);
	for (uint32_t i = 0; i < keeper->kept.holdings_n; i++) {
		struct kept_holding *holding = &keeper->kept.holdings[i];

		if (holding->name == NULL ||
			text_starts_with(text_of(holding->name), "listener.") ||
			text_is(text_of(holding->name), "lock") ||
			text_is(text_of(holding->name), "control"))
			continue;
		if (holding->channel)
			(void)sys_shutdown(holding->fd, SHUT_RDWR);
		kept_drop(&keeper->kept, i);
	}
}
