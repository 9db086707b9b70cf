/* SPDX-License-Identifier: MIT */
#include "master/channel.h"

#include <assert.h>
#include <string.h>

#include "base/number.h"
#include "master/keep.h"
#include "master/log.h"
#include "master/master.h"
#include "master/molds.h"
#include "master/page.h"
#include "master/personality.h"
#include "master/records.h"
#include "master/services.h"
#include "master/workers.h"
#include "proto/status.h"
#include "sys/channel.h"
#include "sys/loop.h"
#include "sys/net.h"
#include "table/service.h"

#define REST_NS (100 * NS_PER_MS)
#define REST_LEAST_NS NS_PER_MS
#define REST_LONG 7 /* times twice as long are more than that */
#define RESTS_MAX 1024

/* Channels that are not read for a while, or are over. */
struct rest {
	uint32_t index;
	uint32_t serial;
	bool shared;
	bool over;
	bool leftover;
	uint64_t until_ns;
};
static struct {
	struct rest items[RESTS_MAX];
	uint32_t n;
	uint64_t first_ns; /* the earliest of them */
} rests;

static void complain(struct master *master, uint32_t service,
	const struct gossip_words *gossip, uint64_t *count)
{
	const struct personality *personality = master->personality;
	struct service_state *state = service_of(master, service);
	struct log_line line;
	uint64_t suppressed;

	(*count)++;
	if (!log_allowed(&state->complaints, master->now_ns, &suppressed))
		return;
	/* What was left out has no words but ours. */
	if (personality->say_gossip != NULL &&
		personality->say_gossip(master, service, gossip) &&
		suppressed == 0)
		return;
	log_begin(&line, MESSAGE_BAD_STATUS);
	log_text(&line, "service", state->row->name);
	log_number(&line, "pid", (uint64_t)gossip->pid);
	log_text(&line, "what", gossip->what);
	if (suppressed > 0)
		log_number(&line, "suppressed", suppressed);
	log_end(&line);
}

/* A word that is none, for the log. */
static int strange_word(const char *bytes)
{
	int word;

	memcpy(&word, bytes + OSTLER__STATUS_BYTES - sizeof(word),
		sizeof(word));
	return word;
}

/* A client that it tells of by a TAKEN, unless it counts them in its page. */
static void take_word(
	struct master *master, uint32_t slot, enum ostler__status_word word)
{
	struct worker_record *worker = &master->workers[slot];
	bool taken = word == STATUS_TAKEN || worker->kind == KIND_MOLD;
	struct event event;

	keep_heard(master, slot, taken);
	if (page_heard(master, slot))
		return;
	if (taken && worker->kind == KIND_WORKER && !worker->taken &&
		!page_counts(master, slot))
		service_of(master, worker->service)->served++;
	worker->taken = taken;
	event = (struct event){.kind = taken ? EVENT_TAKEN : EVENT_READY,
		.slot = slot,
		.serial = worker->serial};
	worker_cost(master, &event);
	inbox_put(&master->inbox, &event);
}

void channel_word(struct master *master, uint32_t slot, bool taken)
{
	take_word(master, slot, taken ? STATUS_TAKEN : STATUS_AVAIL);
}

/*
 * One message of the worker in SLOT, who is known to have sent it. What it
 * says of itself must be true; what it says of its state is gossip.
 */
static void take_message(struct master *master, uint32_t slot,
	const char *bytes, const struct channel_message *message)
{
	struct worker_record *worker = &master->workers[slot];
	struct gossip *gossip = &service_of(master, worker->service)->gossip;
	struct gossip_words words = {
		.pid = worker->pid, .bytes = (unsigned)message->size};
	struct ostler__status status;
	enum ostler__status_verdict verdict = STATUS_BAD_SIZE;
	uint64_t *count;

	if (worker->kind == KIND_MOLD &&
		molds_heard(master, slot, bytes, message))
		return;
	if (!message->truncated)
		verdict = ostler__status_decode(bytes, message->size, &status);
	if (verdict == STATUS_BAD_SIZE) {
		words.what = "size";
		count = &gossip->bad_size;
	} else if (status.pid != worker->pid) {
		words.what = "pid";
		count = &gossip->bad_pid;
	} else if (status.generation != worker->serial) {
		words.what = "generation";
		words.generation = status.generation;
		count = &gossip->bad_generation;
	} else if (verdict == STATUS_BAD_VALUE) {
		words.what = "status";
		words.status = strange_word(bytes);
		count = &gossip->bad_status;
	} else {
		take_word(master, slot, status.word);
		return;
	}
	complain(master, worker->service, &words, count);
}

/*
 * How many of BATCH are messages. An empty one and the end look alike: where
 * the end has been told (ENDING), or come since, that is what it is.
 */
static unsigned before_end(
	const struct channel_batch *batch, unsigned n, int fd, bool ending)
{
	for (unsigned i = 0; i < n; i++)
		if (batch->messages[i].size == 0 &&
			(ending || sys_is_shut(fd) != 0))
			return i;
	return n;
}

/* How many were read; MAX: there may be more. */
static unsigned read_batches(
	struct master *master, uint32_t slot, unsigned max, bool ending)
{
	int fd = master->workers[slot].channel;
	unsigned total = 0;

	while (total < max) {
		struct channel_batch batch;
		int got = sys_channel_read_batch(fd, &batch);
		unsigned n;

		if (got <= 0)
			return total;
		n = before_end(&batch, (unsigned)got, fd, ending);
		for (unsigned i = 0; i < n; i++)
			take_message(master, slot, batch.bytes[i],
				&batch.messages[i]);
		total += n;
		if (n < CHANNEL_BATCH)
			return total;
	}
	return max;
}

/* The same of one that has to do with molds: each message may change all. */
static unsigned read_each(
	struct master *master, uint32_t slot, unsigned max, bool ending)
{
	struct worker_record *worker = &master->workers[slot];
	unsigned n = 0;

	while (n < max && worker->channel >= 0) {
		char bytes[OSTLER__STATUS_BYTES + 4];
		struct channel_message message;
		int result = sys_channel_read(
			worker->channel, bytes, sizeof(bytes), &message);

		if (result <= 0)
			return n;
		/* The end may have come since this round's events were told. */
		if (message.size == 0 &&
			(ending || sys_is_shut(worker->channel) != 0))
			return n;
		n++;
		if (worker->ordered && !molds_admit(master, slot, &message))
			return n;
		take_message(master, slot, bytes, &message);
	}
	return n;
}

static unsigned read_messages(
	struct master *master, uint32_t slot, unsigned max, bool ending)
{
	const struct worker_record *worker = &master->workers[slot];

	if (worker->channel < 0)
		return 0;
	if (worker->kind == KIND_MOLD || worker->ordered)
		return read_each(master, slot, max, ending);
	return read_batches(master, slot, max, ending);
}

static bool put_rest(
	const struct master *master, struct rest item, uint64_t rest_ns)
{
	if (rests.n == RESTS_MAX)
		return false;
	item.until_ns = master->now_ns + rest_ns;
	if (rests.n == 0 || item.until_ns < rests.first_ns)
		rests.first_ns = item.until_ns;
	rests.items[rests.n++] = item;
	return true;
}

/*
 * One who is only quick, while we had no processor, loses next to nothing: the
 * first rest is short, and each in a row (AGAIN counts them) twice as long.
 */
static void rest(struct master *master, int fd, uint32_t service,
	struct rest item, uint8_t *again)
{
	enum tag_kind kind = item.shared     ? TAG_SHARED
			     : item.leftover ? TAG_LEFTOVER
					     : TAG_CHANNEL;
	uint64_t rest_ns = REST_LEAST_NS << *again;

	if (rest_ns < REST_NS)
		++*again;
	else
		rest_ns = REST_NS;
	service_of(master, service)->gossip.flood++;
	/* A thousand at once: then they are just slow. */
	if (put_rest(master, item, rest_ns))
		(void)loop_change(master->loop, fd, 0,
			tag_make(kind, item.index, item.serial));
}

void channel_rest_leftover(struct master *master, int fd, uint32_t service,
	uint32_t index, uint32_t serial)
{
	uint8_t again = REST_LONG; /* nobody waits for a leftover's words */

	rest(master, fd, service,
		(struct rest){
			.index = index, .serial = serial, .leftover = true},
		&again);
}

uint64_t channel_deadline(const struct master *master)
{
	(void)master;
	return rests.n == 0 ? LOOP_FOREVER : rests.first_ns;
}

static void put_mute(struct master *master, uint32_t slot, uint32_t serial)
{
	page_mute(master, slot);
	inbox_put_worker(&master->inbox, EVENT_MUTE, slot, serial);
}

static void resume_one(struct master *master, const struct rest *item)
{
	struct worker_record *worker;
	struct service_state *service;

	if (item->shared) {
		service = service_of(master, item->index);
		if (service->shared_fd >= 0 &&
			service->shared_serial == item->serial)
			(void)loop_change(master->loop, service->shared_fd,
				LOOP_IN | LOOP_RDHUP,
				tag_make(
					TAG_SHARED, item->index, item->serial));
		return;
	}
	if (item->leftover) {
		leftover_resume(master, item->index, item->serial);
		return;
	}
	worker = worker_at(master, item->index, item->serial);
	if (worker != NULL && item->over)
		put_mute(master, item->index, item->serial);
	else if (worker != NULL && worker->channel >= 0)
		(void)loop_change(master->loop, worker->channel,
			LOOP_IN | LOOP_RDHUP,
			tag_make(TAG_CHANNEL, item->index, item->serial));
}

void channel_resume(struct master *master)
{
	uint32_t kept = 0;
	uint64_t first_ns = LOOP_FOREVER;

	if (rests.n == 0 || rests.first_ns > master->now_ns)
		return;
	for (uint32_t i = 0; i < rests.n; i++) {
		struct rest item = rests.items[i];

		if (item.until_ns <= master->now_ns) {
			resume_one(master, &item);
			continue;
		}
		if (item.until_ns < first_ns)
			first_ns = item.until_ns;
		rests.items[kept++] = item;
	}
	rests.n = kept;
	rests.first_ns = first_ns;
}

/*
 * The worker may well live: then it is MUTE. But one that dies closes its
 * channel a moment before its death can be seen; so the verdict waits, or each
 * such moment would start another worker.
 */
void channel_mute(struct master *master, uint32_t slot)
{
	uint32_t serial = master->workers[slot].serial;
	struct rest item = {.index = slot, .serial = serial, .over = true};

	if (!put_rest(master, item, REST_NS))
		put_mute(master, slot, serial);
}

/* Nothing more can come. */
static void channel_over(struct master *master, uint32_t slot)
{
	struct worker_record *worker = &master->workers[slot];

	if (worker->ordered) {
		molds_give_up(master, slot);
		return;
	}
	(void)loop_remove(master->loop, worker->channel);
	sys_channel_close(&worker->channel);
	if (!worker->disconnected)
		channel_mute(master, slot);
}

void channel_ready(
	struct master *master, uint32_t slot, uint32_t serial, uint32_t ready)
{
	struct worker_record *worker = worker_at(master, slot, serial);
	bool ending;
	unsigned n;

	if (worker == NULL || worker->channel < 0)
		return;
	ending = (ready & (LOOP_HUP | LOOP_ERR | LOOP_RDHUP)) != 0;
	n = read_messages(master, slot, MESSAGES_PER_ROUND, ending);
	if (worker->serial != serial)
		return; /* it was ordered, and not who came */
	if (n == MESSAGES_PER_ROUND) {
		if (++worker->busy >= BUSY_ROUNDS) {
			worker->busy = 0;
			rest(master, worker->channel, worker->service,
				(struct rest){.index = slot, .serial = serial},
				&worker->rests);
		}
		/* The end, if it is one, can be seen when all is read. */
		return;
	}
	worker->busy = 0;
	worker->rests = 0;
	if (ending)
		channel_over(master, slot);
}

void channel_drain(struct master *master, uint32_t slot)
{
	if (master->workers[slot].channel >= 0)
		(void)read_messages(
			master, slot, MESSAGES_PER_ROUND * 16, true);
}

/* The kernel says who spoke; anybody else's words are dropped. */
static void take_shared(struct master *master, uint32_t service,
	const char *bytes, const struct channel_message *message)
{
	struct service_state *state = service_of(master, service);
	uint32_t slot = UINT32_MAX;

	if (message->has_credentials)
		slot = worker_by_pid(master, message->pid);
	if (slot == UINT32_MAX || master->workers[slot].service != service) {
		complain(master, service,
			&(struct gossip_words){
				.what = "sender", .pid = message->pid},
			&state->gossip.bad_pid);
		return;
	}
	take_message(master, slot, bytes, message);
}

unsigned channel_read_shared(struct master *master, uint32_t service, int fd)
{
	unsigned n = 0;

	while (n < MESSAGES_PER_ROUND) {
		char bytes[OSTLER__STATUS_BYTES + 4];
		struct channel_message message;

		if (sys_channel_read(fd, bytes, sizeof(bytes), &message) <= 0)
			break;
		if (message.size == 0 && !message.has_credentials)
			break; /* the end has no sender */
		n++;
		take_shared(master, service, bytes, &message);
	}
	return n;
}

bool channel_shared_ready(struct master *master, uint32_t service,
	uint32_t serial, uint32_t ready)
{
	struct service_state *state = service_of(master, service);
	unsigned n;

	if (state->shared_fd < 0 || state->shared_serial != serial)
		return true;
	n = channel_read_shared(master, service, state->shared_fd);
	if (n < MESSAGES_PER_ROUND) {
		state->shared_busy = 0;
		state->shared_rests = 0;
		return (ready & (LOOP_HUP | LOOP_ERR | LOOP_RDHUP)) == 0;
	}
	if (++state->shared_busy >= BUSY_ROUNDS) {
		state->shared_busy = 0;
		rest(master, state->shared_fd, service,
			(struct rest){.index = service,
				.serial = serial,
				.shared = true},
			&state->shared_rests);
	}
	return true;
}
