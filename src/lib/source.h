/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_LIB_SOURCE_H
#define OSTLER_LIB_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

struct ostler__page;
struct ostler__start;
struct ostler_worker;
struct sockaddr;

/*
 * source - how many clients there are from one address, or from one network
 *
 * Knows:   where our clients are from, and what the other workers of the
 *          service tell of theirs in the page: of one address each, with as
 *          many clients as it has there.
 * Decides: which clients are too many: those are reset before anybody sees
 *          them, and counted.
 * Never:   believes the page further than for a sum. A client without an IP
 *          address is never counted.
 *
 * An IPv4 address is the same one whichever socket it came to. What a worker
 * tells is gone with it, for the master empties its slot. Several workers that
 * each take a client in the same moment do not see each other's.
 */

/* As in a slot of the page: IPv6, IPv4 is mapped; all zeros: none. */
struct ostler__source {
	uint64_t address[2];
};

struct ostler__sources {
	struct ostler__source newest; /* of the client accepted last */
	struct ostler__source shown;  /* in our slot */
	struct ostler__source *held;  /* owned; of those who are counted */
	unsigned held_n;
	unsigned held_room;
	bool parted; /* it is said which client goes; else there is but one */
};

struct ostler__source ostler__source_of(const struct sockaddr *address);

/* Whether both are one, or in one network of so many bits by their family. */
bool ostler__source_equal(
	const struct ostler__source *a, const struct ostler__source *b);
bool ostler__source_near(const struct ostler__source *a,
	const struct ostler__source *b, const struct ostler__start *limits);

/* Whether one more from there is too many, with ours and the others'. */
bool ostler__source_is_over(const struct ostler__sources *sources,
	const struct ostler__page *page, const struct ostler__start *limits,
	const struct ostler__source *from);

/* As accept4(); a client that is one too many is a connection aborted. */
int ostler__source_accept(struct ostler_worker *w, int listener, int flags);

/* The client that was accepted last has come; one from FROM, or all, go. */
void ostler__source_took(struct ostler_worker *w);
void ostler__source_left(
	struct ostler_worker *w, const struct ostler__source *from);
void ostler__sources_clear(struct ostler_worker *w);

#endif
