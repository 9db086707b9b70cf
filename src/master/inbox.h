/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_INBOX_H
#define OSTLER_MASTER_INBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "core/event.h"

/*
 * inbox - events on their way to the core, in order
 *
 * Knows:   what came of actions, and of the kernel, since the last step.
 * Decides: nothing.
 * Never:   hands an event over while one is being worked on: what an action
 *          led to waits here until its round is done.
 */
struct inbox {
	struct event *items; /* owned; a ring */
	uint32_t size;
	uint32_t first;
	uint32_t n;
};

/* Room for SIZE events at first; it grows, and ends the program if it
 * cannot: then there is no memory for anything. */
void inbox_init(struct inbox *inbox, uint32_t size);
void inbox_finish(struct inbox *inbox);

void inbox_put(struct inbox *inbox, const struct event *event);
bool inbox_next(struct inbox *inbox, struct event *out);

/* The common kinds. */
void inbox_put_kind(struct inbox *inbox, enum event_kind kind);
void inbox_put_worker(struct inbox *inbox, enum event_kind kind, uint32_t slot,
	uint32_t serial);

#endif
