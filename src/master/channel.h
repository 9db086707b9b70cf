/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_CHANNEL_H
#define OSTLER_MASTER_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

struct holdings;
struct master;
struct saved_reader;
struct text_builder;

/*
 * channel - what workers say, from bytes to events
 *
 * Knows:   that a channel is hostile ground: any size, any words, any rate.
 * Decides: which messages count as none, and when a channel is not read for
 *          a while so that others are.
 * Never:   lets a worker speak for another: the speaker is known by the
 *          descriptor or from the kernel, never from the message.
 */

#define MESSAGES_PER_ROUND 32 /* of one channel */
#define BUSY_ROUNDS 8	      /* in a row, then it rests */

/* The channel of a worker is readable, or ended (READY: LOOP_ bits). */
void channel_ready(
	struct master *master, uint32_t slot, uint32_t serial, uint32_t ready);

/*
 * The shared channel of a service is readable. False when it is over: we hold
 * the workers' end, too, so one of them has shut it down.
 */
bool channel_shared_ready(struct master *master, uint32_t service,
	uint32_t serial, uint32_t ready);

/* What the worker in SLOT said to somebody else, who read its channel. */
void channel_word(struct master *master, uint32_t slot, bool taken);

/* The worker in SLOT cannot be heard any more: MUTE, if it lives on. */
void channel_mute(struct master *master, uint32_t slot);

/* Read a shared channel, of now or of before; how many messages there were. */
unsigned channel_read_shared(struct master *master, uint32_t service, int fd);

/* Read what is there of a worker's last words, up to a bound. */
void channel_drain(struct master *master, uint32_t slot);

/* Channels that were not read for a while: read them again, if it is time. */
void channel_resume(struct master *master);

/* When channel_resume() has something to do; UINT64_MAX: never. */
uint64_t channel_deadline(const struct master *master);

/*
 * Leftovers: channels that outlived their worker, because a child of it holds
 * descriptor 5 and finishes its clients. FD is taken.
 */
int leftovers_create(struct master *master);
void leftovers_destroy(struct master *master);
void leftover_add(
	struct master *master, uint32_t service, int fd, bool retired);

/* A shared channel of before: retired, but its workers are still heard. */
void leftover_add_shared(struct master *master, uint32_t service, int fd);
void leftover_ready(
	struct master *master, uint32_t index, uint32_t serial, uint32_t ready);

/* A leftover that floods is not read for a while, and then again. */
void channel_rest_leftover(struct master *master, int fd, uint32_t service,
	uint32_t index, uint32_t serial);
void leftover_resume(struct master *master, uint32_t index, uint32_t serial);

void leftovers_retire(struct master *master, uint32_t service);
void leftovers_close(struct master *master, uint32_t service);

/* As lines and holdings; what is loaded has no descriptor until it is taken. */
void leftovers_save(const struct master *master, struct text_builder *out);
void leftovers_hold(const struct master *master, struct holdings *holdings);
bool leftovers_load(struct master *master, struct saved_reader *reader);
void leftovers_take(struct master *master, struct holdings *holdings);

#endif
