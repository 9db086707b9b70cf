/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_BOUNCE_VISITORS_H
#define OSTLER_BOUNCE_VISITORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * visitors - clients that were told to go, until they have gone
 *
 * Knows:   a bounded number of them, and how long each may still stay.
 * Decides: when a connection is closed for good.
 * Never:   waits for one. Who comes when there are too many makes the oldest
 *          one leave at once.
 *
 * A reply reaches its reader only if nothing that he sent is left unread when
 * the connection is closed: else the kernel resets it, and with it goes the
 * reply. So what he sends is read, for a second at most, until he hangs up.
 */
#define VISITORS_MAX 64
#define VISITORS_EVENT UINT64_C(0x100000000) /* data.u64 of theirs begin here */

struct visitor {
	int fd; /* owned */
	uint64_t until_ns;
	uint64_t number; /* of its events */
};

struct visitors {
	int epoll; /* borrowed */
	uint64_t last_number;
	unsigned n;
	struct visitor all[VISITORS_MAX]; /* the oldest first */
};

/* CLIENT, which is ours from now on, is told BYTES; with none it is reset. */
void visitors_turn_away(struct visitors *visitors, int client,
	const char *bytes, size_t n, uint64_t now_ns);

/* The one that is there longest leaves; false: nobody is there. */
bool visitors_make_room(struct visitors *visitors);

/* There is something to be read, or nothing ever again. */
void visitors_attend(struct visitors *visitors, uint64_t number);

/* Those whose time is over leave. Milliseconds until the next; -1: nobody. */
int visitors_expire(struct visitors *visitors, uint64_t now_ns);

#endif
