/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_PAGE_STATE_H
#define OSTLER_MASTER_PAGE_STATE_H

#include <stdint.h>
#include <sys/types.h>

/*
 * page_state - what the master keeps of the pages of a service
 *
 * Knows:   whose bit is whose, and what the core has heard of it.
 * Decides: nothing.
 * Never:   used outside page.c, page_save.c and page_view.c.
 */

/* 64 workers, a bit for each. */
struct line {
	uint64_t allotted;    /* lives, or is about to */
	uint64_t quiet;	      /* believed by its bit */
	uint64_t loud;	      /* believed by its words */
	uint64_t known;	      /* the core has heard of it at all ... */
	uint64_t ready;	      /* ... and READY was the last it heard */
	uint64_t worn;	      /* the core has heard that it is */
	uint32_t workers[64]; /* slots of the master's */
};

struct page {
	struct page *older; /* of the same service, under another user */
	struct ostler__page_head *head;	 /* mapped: OSTLER__PAGE_TOP_BYTES */
	struct ostler__page_word *words; /* [words_n] */
	struct line *lines;		 /* owned; [lines_n] */
	uint32_t words_n;
	uint32_t lines_n;
	uint32_t users; /* workers */
	uid_t uid;
	int fd; /* owned */
};

static inline uint64_t bit_of(uint32_t place)
{
	return UINT64_C(1) << place % 64;
}

static inline struct line *line_of(const struct page *page, uint32_t place)
{
	return &page->lines[place / 64];
}

#endif
