/* SPDX-License-Identifier: MIT */
#include "master/page.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "core/view.h"
#include "master/edition.h"
#include "master/keep.h"
#include "master/master.h"
#include "master/page_state.h"
#include "master/records.h"
#include "master/services.h"
#include "master/workers.h"
#include "proto/page.h"
#include "sys/fd.h"
#include "sys/memory.h"
#include "table/service.h"

#define NOBODY UINT32_MAX
#define SERVED_MAX (UINT64_C(1) << 48) /* more is a lie */

static struct ostler__page_word *word_of(
	const struct page *page, uint32_t place)
{
	return &page->words[place / 64];
}

/* The lowest one of BITS, which are not none. */
static uint32_t first_of(uint64_t bits)
{
	return ostler__popcount((bits & -bits) - 1);
}

/* ------------------------------------------------------ slots */

static uint64_t offset_of(uint32_t place)
{
	return OSTLER__PAGE_TOP_BYTES +
	       (uint64_t)place * sizeof(struct ostler__page_slot);
}

/* What cannot be read says nothing. */
static void read_slots(const struct page *page, uint32_t place, unsigned n,
	struct ostler__page_slot *out)
{
	if (sys_read_at(page->fd, out, n * sizeof(*out), offset_of(place)) < 0)
		memset(out, 0, n * sizeof(*out));
}

/* Nothing of a worker is left for the next one, nor in the others' counts. */
static void wipe(const struct page *page, uint32_t place)
{
	static const struct ostler__page_slot nothing;
	struct ostler__page_word *word = word_of(page, place);
	uint64_t others = ~bit_of(place);

	(void)sys_write_at(
		page->fd, &nothing, sizeof(nothing), offset_of(place));
	(void)atomic_fetch_and(&word->ready, others);
	(void)atomic_fetch_and(&word->opened, others);
	(void)atomic_fetch_and(&word->worn, others);
	(void)atomic_fetch_and(&word->retire, others);
}

/* ------------------------------------------------------ what the core hears */

static void put(struct master *master, const struct page *page, uint32_t place,
	struct event event)
{
	event.slot = line_of(page, place)->workers[place % 64];
	event.serial = master->workers[event.slot].serial;
	worker_cost(master, &event);
	inbox_put(&master->inbox, &event);
}

static void put_state(struct master *master, struct page *page, uint32_t place,
	bool ready, const struct ostler__page_slot *slot, bool unseen)
{
	struct line *line = line_of(page, place);
	uint64_t ns = slot->since_ns;

	line->known |= bit_of(place);
	if (ready) {
		line->ready |= bit_of(place);
		put(master, page, place, (struct event){.kind = EVENT_READY});
		return;
	}
	line->ready &= ~bit_of(place);
	/* A time that has not come yet is none. */
	ns = ns != 0 && ns <= master->now_ns ? master->now_ns - ns : 0;
	put(master, page, place,
		(struct event){EVENT_TAKEN, .since_ns = ns, .unseen = unseen,
			.clients = worker_news(
				master, line->workers[place % 64])});
}

/* Whether it has served since that was looked at last. */
static bool has_served(struct master *master, const struct page *page,
	uint32_t place, const struct ostler__page_slot *slot)
{
	struct worker_record *worker =
		&master->workers[line_of(page, place)->workers[place % 64]];
	uint64_t served = slot->served;

	worker_refused(master, worker, slot->over);
	if (served <= worker->page_served || served > SERVED_MAX)
		return false;
	worker->page_news += served - worker->page_served;
	worker->page_served = served;
	return true;
}

/* It is as it was, but somebody was served: the core hears both words. */
static void put_unseen(struct master *master, struct page *page, uint32_t place,
	const struct ostler__page_slot *slot)
{
	bool ready = (line_of(page, place)->ready & bit_of(place)) != 0;

	if (!has_served(master, page, place, slot))
		return;
	put_state(master, page, place, !ready, slot, ready);
	put_state(master, page, place, ready, slot, false);
}

/* One that is ready again has counted its client before. */
static void put_moved(
	struct master *master, struct page *page, uint32_t place, bool ready)
{
	struct ostler__page_slot slot = {.served = 0};

	if (!ready)
		read_slots(page, place, 1, &slot);
	(void)has_served(master, page, place, &slot);
	put_state(master, page, place, ready, &slot, false);
}

static void put_worn(struct master *master, struct page *page, uint32_t place)
{
	struct ostler__page_slot slot;

	line_of(page, place)->worn |= bit_of(place);
	read_slots(page, place, 1, &slot);
	put_unseen(master, page, place, &slot);
	put(master, page, place,
		(struct event){.kind = EVENT_WORN, .wear = WEAR_USE});
}

/* What is new in word I; the bits that were. */
static uint64_t sync_once(struct master *master, struct page *page, uint32_t i)
{
	struct line *line = &page->lines[i];
	uint64_t ready, moved, worn;

	line->quiet |= atomic_load(&page->words[i].opened) & line->allotted &
		       ~line->loud;
	ready = atomic_load(&page->words[i].ready) & line->quiet;
	/* One that was never heard is STARTING until its bit says more. */
	moved = (ready ^ line->ready) & line->quiet & (ready | line->known);
	for (uint64_t rest = moved; rest != 0; rest &= rest - 1)
		put_moved(master, page, i * 64 + first_of(rest),
			(ready & rest & -rest) != 0);
	worn = atomic_load(&page->words[i].worn) & line->quiet & line->known &
	       ~line->worn;
	for (; worn != 0; worn &= worn - 1)
		put_worn(master, page, i * 64 + first_of(worn));
	return moved;
}

/*
 * Where clients have a time, whoever is the first one taken of those that the
 * core has heard of rings; the others are found by looking while he is.
 */
static bool mark_full(const struct master *master, uint32_t service,
	const struct page *page, uint32_t i)
{
	const struct service *row = service_of(master, service)->row;
	const struct line *line = &page->lines[i];
	uint32_t full = 0;

	if (row != NULL && row->policy.request_time_ns != 0)
		full = ostler__popcount(line->quiet & line->known);
	if (atomic_load(&page->words[i].full) == full)
		return false;
	atomic_store(&page->words[i].full, full);
	return true;
}

/* Who is taken before a mark has moved may not have rung: look once more. */
static uint64_t sync_word(
	struct master *master, uint32_t service, struct page *page, uint32_t i)
{
	uint64_t moved = sync_once(master, page, i);

	while (mark_full(master, service, page, i))
		moved |= sync_once(master, page, i);
	return moved;
}

static void sync_page(
	struct master *master, uint32_t service, struct page *page)
{
	for (uint32_t i = 0; i < page->lines_n; i++)
		(void)sync_word(master, service, page, i);
}

void page_sync(struct master *master, uint32_t service)
{
	struct page *page = service_of(master, service)->page;

	for (; page != NULL; page = page->older)
		sync_page(master, service, page);
}

/* ------------------------------------------------------ marks */

static void store(_Atomic uint32_t *at, uint32_t value)
{
	if (atomic_load(at) != value)
		atomic_store(at, value);
}

/*
 * A suspect's bit counts for the workers and not for the core, so the mark
 * lies so much higher; no more workers are told to ring than that.
 */
static void mark(
	const struct master *master, const struct page *page, uint32_t service)
{
	struct view_service view;

	if (!core_view_service(master->core, service, master->now_ns, &view))
		return;
	for (uint32_t i = 0; i < page->lines_n; i++)
		store(&page->words[i].low,
			view.suspect + ostler__page_low(
					       view.spare_min, page->lines_n));
	store(&page->head->limit, view.limit);
	store(&page->head->taken, view.taken);
	store(&page->head->stress, view.stress);
}

static void look_at_slots(
	struct master *master, struct page *page, uint32_t i, uint64_t moved)
{
	uint64_t rest = page->lines[i].quiet & page->lines[i].known & ~moved;
	struct ostler__page_slot slots[64];

	if (rest == 0)
		return;
	read_slots(page, i * 64, 64, slots);
	for (; rest != 0; rest &= rest - 1)
		put_unseen(master, page, i * 64 + first_of(rest),
			&slots[first_of(rest)]);
}

void page_look(struct master *master, uint32_t service)
{
	struct page *page = service_of(master, service)->page;

	for (; page != NULL; page = page->older) {
		mark(master, page, service);
		for (uint32_t i = 0; i < page->lines_n; i++)
			look_at_slots(master, page, i,
				sync_word(master, service, page, i));
	}
}

/* ------------------------------------------------------ one worker */

bool page_heard(struct master *master, uint32_t slot)
{
	const struct worker_record *worker = &master->workers[slot];
	struct page *page = worker->page;
	uint32_t place = worker->page_place;
	struct ostler__page_slot own;
	struct line *line;
	uint64_t moved;

	if (page == NULL)
		return false;
	line = line_of(page, place);
	moved = sync_word(master, worker->service, page, place / 64);
	if ((line->quiet & bit_of(place)) == 0) {
		line->loud |= bit_of(place);
		return false;
	}
	if ((moved & bit_of(place)) != 0)
		return true;
	read_slots(page, place, 1, &own);
	if ((line->known & bit_of(place)) != 0) {
		put_unseen(master, page, place, &own);
		return true;
	}
	/* It was ready, and has a client already. */
	(void)has_served(master, page, place, &own);
	put_state(master, page, place, false, &own, false);
	return true;
}

bool page_counts(const struct master *master, uint32_t slot)
{
	const struct worker_record *worker = &master->workers[slot];

	return worker->page != NULL &&
	       (line_of(worker->page, worker->page_place)->known &
		       bit_of(worker->page_place)) != 0;
}

/* Its bit stands for nothing any more; whether it did. */
static bool stop_believing(struct page *page, uint32_t place)
{
	struct line *line = line_of(page, place);
	uint64_t old =
		atomic_fetch_and(&word_of(page, place)->ready, ~bit_of(place));

	line->quiet &= ~bit_of(place);
	line->loud |= bit_of(place);
	return (old & bit_of(place)) != 0;
}

void page_retire(struct master *master, uint32_t slot)
{
	struct worker_record *worker = &master->workers[slot];
	struct page *page = worker->page;
	uint32_t place = worker->page_place;
	struct line *line;
	bool told, ready;

	if (page == NULL)
		return;
	line = line_of(page, place);
	told = (line->quiet & line->ready & bit_of(place)) != 0;
	/* In this order: it looks at the one after it has moved the other. */
	(void)atomic_fetch_or(&word_of(page, place)->retire, bit_of(place));
	ready = stop_believing(page, place);
	if (told && !ready)
		put_moved(master, page, place, false);
	sync_page(master, worker->service, page);
}

void page_mute(struct master *master, uint32_t slot)
{
	struct page *page = master->workers[slot].page;

	if (page == NULL)
		return;
	(void)stop_believing(page, master->workers[slot].page_place);
	sync_page(master, master->workers[slot].service, page);
}

/* ------------------------------------------------------ pages */

static void destroy(struct page *page)
{
	sys_unmap(page->head, OSTLER__PAGE_TOP_BYTES);
	fd_close(&page->fd);
	free(page->lines);
	free(page);
}

void page_close(struct master *master, struct service_state *service)
{
	while (service->page != NULL) {
		struct page *page = service->page;

		service->page = page->older;
		destroy(page);
		master->pages_n--;
	}
}

/* The last worker under another user is gone. */
static void drop_older(struct master *master, struct service_state *service)
{
	struct page **at = &service->page;

	while (*at != NULL) {
		struct page *page = *at;

		if (page == service->page || page->users > 0) {
			at = &page->older;
			continue;
		}
		*at = page->older;
		destroy(page);
		master->pages_n--;
	}
}

static struct page *create(uint32_t workers_max, uid_t uid)
{
	struct page *page = calloc(1, sizeof(*page));
	uint32_t slots = workers_max < OSTLER__PAGE_SLOTS_MAX
				 ? workers_max
				 : OSTLER__PAGE_SLOTS_MAX;

	if (page == NULL)
		return NULL;
	page->uid = uid;
	page->words_n = (slots + 63) / 64;
	page->fd = sys_sealed(ostler__page_bytes(page->words_n));
	if (page->fd >= 0)
		page->head = sys_map_shared(page->fd, OSTLER__PAGE_TOP_BYTES);
	if (page->head == NULL) {
		destroy(page);
		return NULL;
	}
	page->words = ostler__page_init(page->head, page->words_n);
	return page;
}

/* Workers have their descriptors for sure; a page has what is left. */
static bool has_room(const struct master *master)
{
	uint64_t taken = RESERVE_FDS + master->listeners_n + master->pages_n +
			 2 * (uint64_t)master->limits.workers_max;

	return taken < master->nofile;
}

/* The one for workers that start now, or NULL. */
static struct page *current(
	struct master *master, struct service_state *service)
{
	const struct identity *as = edition_as(service->edition, service->row);
	struct page *page = service->page;

	if (!service->row->page || service->row->channel == CHANNEL_SHARED)
		return NULL;
	/* Of another user's it must read and write nothing (T7). */
	if (page != NULL && page->uid == as->uid)
		return page;
	if (!has_room(master))
		return NULL;
	page = create(master->limits.workers_max, as->uid);
	if (page == NULL)
		return NULL;
	page->older = service->page;
	service->page = page;
	master->pages_n++;
	keep_structure(master);
	drop_older(master, service);
	return page;
}

static bool add_line(struct page *page)
{
	struct line *lines;

	if (page->lines_n == page->words_n)
		return false;
	lines = realloc(page->lines, (page->lines_n + 1) * sizeof(*lines));
	if (lines == NULL)
		return false;
	page->lines = lines;
	page->lines[page->lines_n++] = (struct line){.allotted = 0};
	store(&page->head->words_used, page->lines_n);
	return true;
}

/* The lowest free place, or NOBODY: what is close together rings seldom. */
static uint32_t free_place(struct page *page)
{
	for (uint32_t i = 0; i < page->lines_n || add_line(page); i++)
		if (~page->lines[i].allotted != 0)
			return i * 64 + first_of(~page->lines[i].allotted);
	return NOBODY;
}

void page_enter(struct master *master, uint32_t slot)
{
	struct worker_record *worker = &master->workers[slot];
	struct page *page;
	uint32_t place;

	if (worker->page != NULL || worker->kind != KIND_WORKER)
		return;
	page = current(master, service_of(master, worker->service));
	place = page == NULL ? NOBODY : free_place(page);
	if (place == NOBODY)
		return;
	wipe(page, place);
	line_of(page, place)->allotted |= bit_of(place);
	line_of(page, place)->workers[place % 64] = slot;
	page->users++;
	worker->page = page;
	worker->page_place = place;
	worker->page_served = worker->page_news = 0;
	mark(master, page, worker->service);
}

/*
 * What it did last. One that has had a client without a word must not be
 * taken for one that never had any.
 */
static void put_last(struct master *master, struct page *page, uint32_t place)
{
	struct line *line = line_of(page, place);
	struct ostler__page_slot slot;

	read_slots(page, place, 1, &slot);
	if ((line->quiet & line->known & bit_of(place)) != 0)
		put_unseen(master, page, place, &slot);
	else if ((line->known & bit_of(place)) != 0)
		(void)has_served(master, page, place, &slot);
}

void page_leave(struct master *master, uint32_t slot)
{
	struct worker_record *worker = &master->workers[slot];
	struct service_state *service = service_of(master, worker->service);
	struct page *page = worker->page;
	uint32_t place = worker->page_place;
	struct line *line;

	if (page == NULL)
		return;
	line = line_of(page, place);
	if ((sync_word(master, worker->service, page, place / 64) &
		    bit_of(place)) == 0)
		put_last(master, page, place);
	service->served += worker->page_served;
	worker->page = NULL;
	wipe(page, place);
	line->allotted &= ~bit_of(place);
	line->quiet &= line->allotted;
	line->loud &= line->allotted;
	line->known &= line->allotted;
	line->ready &= line->allotted;
	line->worn &= line->allotted;
	page->users--;
	page_look(master, worker->service);
	drop_older(master, service);
}

int page_of_worker(
	const struct master *master, uint32_t slot, uint32_t *out_place)
{
	const struct worker_record *worker = &master->workers[slot];

	*out_place = worker->page_place;
	return worker->page == NULL ? -1 : worker->page->fd;
}

void page_turns(struct master *master, uint32_t service, bool on)
{
	struct page *page = service_of(master, service)->page;

	for (; page != NULL; page = page->older) {
		uint32_t epoch = atomic_load(&page->head->listen_epoch) + 1;

		epoch &= ~OSTLER__PAGE_TURNS;
		store(&page->head->listen_epoch,
			on ? epoch | OSTLER__PAGE_TURNS : epoch);
	}
}
