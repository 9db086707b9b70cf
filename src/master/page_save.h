/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_PAGE_SAVE_H
#define OSTLER_MASTER_PAGE_SAVE_H

#include <stdbool.h>
#include <stdint.h>

struct holdings;
struct master;
struct page;
struct saved_reader;
struct service_state;
struct text_builder;

/*
 * page_save - the pages of a service as lines and holdings
 *
 * Knows:   that they are numbered from 1, the youngest first.
 * Decides: whether what is read can be a page's.
 * Never:   looks at a bit that a worker moves.
 */
void pages_save(const struct service_state *service, uint32_t id,
	struct text_builder *out);

/* N of them, without their memory; workers come later. */
bool pages_load(
	struct service_state *service, uint32_t n, struct saved_reader *reader);

void pages_hold(const struct service_state *service, uint32_t id,
	struct holdings *holdings);

/* Their memory. False: one cannot be had. */
bool pages_take(struct master *master, uint32_t id, struct holdings *holdings);

uint32_t pages_count(const struct service_state *service);

/* 0: NULL. */
uint32_t page_number(
	const struct service_state *service, const struct page *page);
struct page *page_of_number(
	const struct service_state *service, uint32_t number);

/* The worker in SLOT has this place; false: it cannot. */
bool page_seat(struct page *page, uint32_t place, uint32_t slot);

/* Whether all places that are allotted have their worker. */
bool pages_are_whole(const struct service_state *service);

#endif
