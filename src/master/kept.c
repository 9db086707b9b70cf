/* SPDX-License-Identifier: MIT */
#include "master/kept.h"

#include <stdlib.h>
#include <string.h>

#include "proto/keep.h"
#include "sys/fd.h"

#define BUCKETS 4096u
#define SLOTS_MAX (1u << 20) /* more is a mistake */

bool kept_create(struct kept *kept)
{
	*kept = (struct kept){.free = KEPT_NONE,
		.buckets = malloc(BUCKETS * sizeof(*kept->buckets))};
	if (kept->buckets == NULL)
		return false;
	for (uint32_t i = 0; i < BUCKETS; i++)
		kept->buckets[i] = KEPT_NONE;
	return true;
}

void kept_destroy(struct kept *kept)
{
	for (uint32_t i = 0; i < kept->holdings_n; i++) {
		if (kept->holdings[i].name == NULL)
			continue;
		free(kept->holdings[i].name);
		fd_close(&kept->holdings[i].fd);
	}
	free(kept->holdings);
	free(kept->buckets);
	free(kept->workers);
	*kept = (struct kept){.free = KEPT_NONE};
}

static uint32_t *bucket_of(const struct kept *kept, struct text name)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < name.n; i++)
		hash = (hash ^ (unsigned char)name.bytes[i]) * 16777619u;
	return &kept->buckets[hash % BUCKETS];
}

uint32_t kept_find(const struct kept *kept, struct text name)
{
	uint32_t place = *bucket_of(kept, name);

	while (place != KEPT_NONE && !text_is(name, kept->holdings[place].name))
		place = kept->holdings[place].next;
	return place;
}

static uint32_t free_place(struct kept *kept)
{
	uint32_t n = kept->holdings_n;
	uint32_t more = n == 0 ? 64 : n;
	struct kept_holding *holdings;

	if (kept->free == KEPT_NONE) {
		holdings =
			realloc(kept->holdings, (n + more) * sizeof(*holdings));
		if (holdings == NULL)
			return KEPT_NONE;
		kept->holdings = holdings;
		kept->holdings_n = n + more;
		for (uint32_t i = n; i < n + more; i++) {
			holdings[i] = (struct kept_holding){
				.fd = -1, .next = kept->free};
			kept->free = i;
		}
	}
	return kept->free;
}

static bool make_slot(struct kept *kept, uint32_t slot)
{
	uint32_t n = slot + 64;
	struct kept_worker *workers;

	if (slot < kept->workers_n)
		return true;
	if (slot >= SLOTS_MAX)
		return false;
	workers = realloc(kept->workers, n * sizeof(*workers));
	if (workers == NULL)
		return false;
	for (uint32_t i = kept->workers_n; i < n; i++)
		workers[i] = (struct kept_worker){.serial = 0};
	kept->workers = workers;
	kept->workers_n = n;
	return true;
}

/* Whose channel or pidfd it is. False: no memory. */
static bool know_worker(struct kept *kept, const struct keep_worker *worker)
{
	struct kept_worker *known;

	if (!make_slot(kept, worker->slot))
		return false;
	known = &kept->workers[worker->slot];
	if (known->serial != worker->serial)
		*known = (struct kept_worker){.serial = worker->serial};
	known->generation = worker->generation;
	if (worker->pid != 0)
		known->pid = worker->pid;
	else
		known->channel = true;
	return true;
}

/* The slot is free when both of its descriptors are gone. */
static void forget_worker(struct kept *kept, const struct keep_worker *worker)
{
	struct kept_worker *known;

	if (worker->slot >= kept->workers_n)
		return;
	known = &kept->workers[worker->slot];
	if (known->serial != worker->serial)
		return;
	if (worker->pid != 0)
		known->pid = 0;
	else
		known->channel = false;
	if (known->pid == 0 && !known->channel)
		*known = (struct kept_worker){.serial = 0};
}

uint32_t kept_add(struct kept *kept, struct text name, int fd)
{
	struct keep_worker worker = {.pid = 0};
	bool is_worker = keep_parse_worker(name, &worker);
	uint32_t place = kept_find(kept, name);
	struct kept_holding *holding;
	char *copy;

	if (place != KEPT_NONE)
		kept_drop(kept, place);
	copy = strndup(name.bytes, name.n);
	place = free_place(kept);
	if (copy == NULL || place == KEPT_NONE ||
		(is_worker && !know_worker(kept, &worker))) {
		free(copy);
		fd_close(&fd);
		return KEPT_NONE;
	}
	holding = &kept->holdings[place];
	kept->free = holding->next;
	*holding = (struct kept_holding){.name = copy,
		.fd = fd,
		.serial = ++kept->last_serial,
		.next = *bucket_of(kept, name),
		.channel =
			(is_worker && worker.pid == 0) || keep_is_many(name)};
	*bucket_of(kept, name) = place;
	return place;
}

void kept_drop(struct kept *kept, uint32_t place)
{
	struct kept_holding *holding = &kept->holdings[place];
	struct text name = text_of(holding->name);
	uint32_t *at = bucket_of(kept, name);
	struct keep_worker worker;

	while (*at != place)
		at = &kept->holdings[*at].next;
	*at = holding->next;
	if (keep_parse_worker(name, &worker))
		forget_worker(kept, &worker);
	free(holding->name);
	fd_close(&holding->fd);
	*holding = (struct kept_holding){.fd = -1, .next = kept->free};
	kept->free = place;
}

uint32_t kept_slot_of_pid(const struct kept *kept, uint32_t pid)
{
	for (uint32_t slot = 0; slot < kept->workers_n; slot++)
		if (kept->workers[slot].serial != 0 &&
			kept->workers[slot].pid == pid)
			return slot;
	return KEPT_NONE;
}
