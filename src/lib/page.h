/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_LIB_PAGE_H
#define OSTLER_LIB_PAGE_H

#include "lib/worker.h"

/*
 * page - this worker's bit and slot, if its master gave it any
 *
 * Knows:   OSTLER_PAGE, and what a page must look like to be used.
 * Decides: nothing.
 * Never:   is a reason not to start: without a page all is told by messages.
 */

/* Map the page, if there is a good one; nothing is said there yet. */
void ostler__page_open(struct ostler_worker *w);
void ostler__page_close(struct ostler_worker *w);

static inline bool ostler__has_page(const struct ostler_worker *w)
{
	return w->page.head != NULL;
}

/* The first word is about to be said: from now on the bit is believed. */
void ostler__page_begin(struct ostler_worker *w);

/*
 * WORD is true from now on. Whether a message has to follow: a doorbell, at
 * which the master looks for itself.
 */
bool ostler__page_says(struct ostler_worker *w, enum ostler__status_word word);

/* As many clients as W has now; full since SINCE_NS, or 0. */
void ostler__page_counts(struct ostler_worker *w, uint64_t since_ns);

/* It should be replaced. False: there is nobody to be told. */
bool ostler__page_wears(struct ostler_worker *w);

/* The master wants everybody to register the listeners anew; told once. */
bool ostler__page_wants_renewal(struct ostler_worker *w);

#endif
