/* SPDX-License-Identifier: MIT */
#include "master/inbox.h"

#include <assert.h>
#include <stdlib.h>

#define KEPT_MAX 1024u /* events; some rounds bring hundreds */

void inbox_init(struct inbox *inbox, uint32_t size)
{
	*inbox = (struct inbox){.size = size};
	inbox->items = calloc(size, sizeof(*inbox->items));
	assert(inbox->items != NULL);
}

void inbox_finish(struct inbox *inbox)
{
	free(inbox->items);
	*inbox = (struct inbox){.items = NULL};
}

static void grow(struct inbox *inbox)
{
	struct event *items = calloc(inbox->size * 2, sizeof(*items));

	assert(items != NULL);
	for (uint32_t i = 0; i < inbox->n; i++)
		items[i] = inbox->items[(inbox->first + i) % inbox->size];
	free(inbox->items);
	inbox->items = items;
	inbox->first = 0;
	inbox->size *= 2;
}

void inbox_put(struct inbox *inbox, const struct event *event)
{
	if (inbox->n == inbox->size)
		grow(inbox);
	inbox->items[(inbox->first + inbox->n) % inbox->size] = *event;
	inbox->n++;
}

/* A table of thousands of rows came through: that will not be soon again. */
static void shrink(struct inbox *inbox)
{
	struct event *items =
		realloc(inbox->items, KEPT_MAX * sizeof(*inbox->items));

	if (items == NULL)
		return;
	inbox->items = items;
	inbox->size = KEPT_MAX;
	inbox->first = 0;
}

bool inbox_next(struct inbox *inbox, struct event *out)
{
	if (inbox->n == 0)
		return false;
	*out = inbox->items[inbox->first];
	inbox->first = (inbox->first + 1) % inbox->size;
	inbox->n--;
	if (inbox->n == 0 && inbox->size > KEPT_MAX)
		shrink(inbox);
	return true;
}

void inbox_put_kind(struct inbox *inbox, enum event_kind kind)
{
	inbox_put(inbox, &(struct event){.kind = kind});
}

void inbox_put_worker(struct inbox *inbox, enum event_kind kind, uint32_t slot,
	uint32_t serial)
{
	inbox_put(inbox,
		&(struct event){.kind = kind, .slot = slot, .serial = serial});
}
