/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_PAGE_H
#define OSTLER_MASTER_PAGE_H

#include <stdbool.h>
#include <stdint.h>

struct master;
struct page;
struct service_state;
struct view_service;

/*
 * page - quiet status: from bits in a shared page to events
 *
 * Knows:   the page of each service, which of its workers use it, and what
 *          the core was told of each of them last.
 * Decides: nothing: the core knows nothing of pages. It is told READY and
 *          TAKEN whenever the bits are looked at and say something new.
 * Never:   believes the word of a message where there is a bit: two channels
 *          are not read in the order that they were written to (MECHANISMS
 *          B6). And what it reads is gossip: masked by who is alive, clamped,
 *          never an index. A worker that lies can mis-size its own pool.
 *
 * Without a page everything works by messages: where there is no memory or no
 * descriptor for one, for guests, and for a worker that never opens it.
 */

/* Its place, before it starts; none if it cannot or should not have one. */
void page_enter(struct master *master, uint32_t slot);

/*
 * It has ended: what it did last is told, before its end; its bit is cleared,
 * and what its siblings did behind it is told, too.
 */
void page_leave(struct master *master, uint32_t slot);

/*
 * It has sent a good message. True: that was a doorbell, and everything that
 * follows from it was told; false: it is a fact.
 */
bool page_heard(struct master *master, uint32_t slot);

/* Whether the clients that it had are known from there. */
bool page_counts(const struct master *master, uint32_t slot);

/* It is asked to leave: from now on its words are facts again. */
void page_retire(struct master *master, uint32_t slot);

/* It cannot be heard any more. */
void page_mute(struct master *master, uint32_t slot);

/* Look at the bits; page_look(): and at who has served without a word. */
void page_sync(struct master *master, uint32_t service);
void page_look(struct master *master, uint32_t service);

/* VIEW as it will be when the core has heard what it was told. */
void page_correct(const struct master *master, uint32_t service,
	struct view_service *view);

/* For the spawner: the descriptor (-1: none) and the place in it. */
int page_of_worker(
	const struct master *master, uint32_t slot, uint32_t *out_place);

/*
 * Workers register anew for clients after each of them, so that they get them
 * in turn; or once more, and then no longer.
 */
void page_turns(struct master *master, uint32_t service, bool on);

void page_close(struct master *master, struct service_state *service);

#endif
