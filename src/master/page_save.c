/* SPDX-License-Identifier: MIT */
#include "master/page_save.h"

#include <stdlib.h>

#include "master/handover_lines.h"
#include "master/holdings.h"
#include "master/master.h"
#include "master/page_state.h"
#include "master/services.h"
#include "proto/page.h"
#include "sys/fd.h"
#include "sys/memory.h"

void pages_save(const struct service_state *service, uint32_t id,
	struct text_builder *out)
{
	for (const struct page *page = service->page; page != NULL;
		page = page->older) {
		const struct page_line line = {.service = id,
			.words = page->words_n,
			.used = page->lines_n,
			.uid = page->uid};

		saved_put(out, &page_kind, &line);
		for (uint32_t i = 0; i < page->lines_n; i++)
			saved_put(out, &word_kind, &page->lines[i]);
	}
}

static struct page *load_one(struct saved_reader *reader)
{
	struct page_line line = {.words = 0};
	struct page *page;

	if (!saved_take(reader, &page_kind, &line))
		return NULL;
	page = calloc(1, sizeof(*page));
	if (page == NULL)
		return NULL;
	page->fd = -1;
	page->uid = line.uid;
	page->words_n = line.words;
	page->lines = calloc(line.used + 1, sizeof(*page->lines));
	if (page->lines != NULL && line.words > 0 && line.used <= line.words)
		page->lines_n = line.used;
	else
		(void)saved_refuse(reader, "a page cannot be so large");
	for (uint32_t i = 0; i < page->lines_n; i++)
		if (!saved_take(reader, &word_kind, &page->lines[i]))
			break;
	return page;
}

bool pages_load(
	struct service_state *service, uint32_t n, struct saved_reader *reader)
{
	struct page **last = &service->page;

	for (uint32_t i = 0; i < n; i++) {
		*last = load_one(reader);
		if (*last == NULL || reader->problem != NULL)
			return false;
		last = &(*last)->older;
	}
	return true;
}

void pages_hold(const struct service_state *service, uint32_t id,
	struct holdings *holdings)
{
	uint32_t n = 0;

	for (const struct page *page = service->page; page != NULL;
		page = page->older)
		holdings_add(holdings, page->fd, "page.%u.%u", id, ++n);
}

bool pages_take(struct master *master, uint32_t id, struct holdings *holdings)
{
	uint32_t n = 0;

	for (struct page *page = service_of(master, id)->page; page != NULL;
		page = page->older) {
		page->fd = holdings_take(holdings, "page.%u.%u", id, ++n);
		/* Who could make it shorter could end us. */
		if (page->fd < 0 || !sys_is_sealed(page->fd,
					    ostler__page_bytes(page->words_n)))
			return false;
		page->head = sys_map_shared(page->fd, OSTLER__PAGE_TOP_BYTES);
		if (page->head == NULL)
			return false;
		page->words = ostler__page_words(page->head);
		master->pages_n++;
	}
	return true;
}

uint32_t pages_count(const struct service_state *service)
{
	uint32_t n = 0;

	for (const struct page *page = service->page; page != NULL;
		page = page->older)
		n++;
	return n;
}

uint32_t page_number(
	const struct service_state *service, const struct page *page)
{
	const struct page *at = service->page;
	uint32_t n = 1;

	if (page == NULL)
		return 0;
	for (; at != page; at = at->older)
		n++;
	return n;
}

struct page *page_of_number(
	const struct service_state *service, uint32_t number)
{
	struct page *page = service->page;

	while (page != NULL && --number > 0)
		page = page->older;
	return page;
}

bool page_seat(struct page *page, uint32_t place, uint32_t slot)
{
	uint64_t bit = UINT64_C(1) << place % 64;

	if (place / 64 >= page->lines_n ||
		(page->lines[place / 64].allotted & bit) == 0)
		return false;
	page->lines[place / 64].workers[place % 64] = slot;
	page->users++;
	return true;
}

bool pages_are_whole(const struct service_state *service)
{
	for (const struct page *page = service->page; page != NULL;
		page = page->older) {
		uint32_t allotted = 0;

		for (uint32_t i = 0; i < page->lines_n; i++)
			allotted += ostler__popcount(page->lines[i].allotted);
		if (allotted != page->users)
			return false;
	}
	return true;
}
