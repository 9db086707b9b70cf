/* SPDX-License-Identifier: MIT */
#include "lib/source.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/page.h"

#define BITS 128
#define MAPPED_BITS 96	  /* the rest is an IPv4 address */
#define PEERS_MAX 1000000 /* of one worker; more is a lie */

struct tally {
	uint64_t same;
	uint64_t near;
};

/* ------------------------------------------------------ addresses */

struct ostler__source ostler__source_of(const struct sockaddr *address)
{
	const void *any = address;
	unsigned char bytes[16] = {[10] = 0xff, [11] = 0xff};
	struct ostler__source source = {{0, 0}};

	if (address->sa_family == AF_INET)
		memcpy(bytes + 12, &((const struct sockaddr_in *)any)->sin_addr,
			4);
	else if (address->sa_family == AF_INET6)
		memcpy(bytes, &((const struct sockaddr_in6 *)any)->sin6_addr,
			sizeof(bytes));
	else
		return source;
	memcpy(source.address, bytes, sizeof(bytes));
	return source;
}

static bool is_none(const struct ostler__source *source)
{
	return source->address[0] == 0 && source->address[1] == 0;
}

static bool is_ipv4(const struct ostler__source *source)
{
	struct in6_addr in6;

	memcpy(&in6, source->address, sizeof(in6));
	return IN6_IS_ADDR_V4MAPPED(&in6);
}

bool ostler__source_equal(
	const struct ostler__source *a, const struct ostler__source *b)
{
	return a->address[0] == b->address[0] && a->address[1] == b->address[1];
}

bool ostler__source_near(const struct ostler__source *a,
	const struct ostler__source *b, const struct ostler__start *limits)
{
	const unsigned char *left = (const unsigned char *)a->address;
	const unsigned char *right = (const unsigned char *)b->address;
	bool ipv4 = is_ipv4(a);
	unsigned bits =
		ipv4 ? MAPPED_BITS + limits->prefix_ipv4 : limits->prefix_ipv6;
	unsigned mask;

	/* All IPv4 addresses would be in one network with ::1. */
	if (ipv4 != is_ipv4(b))
		return false;
	if (bits >= BITS)
		return ostler__source_equal(a, b);
	if (memcmp(left, right, bits / 8) != 0)
		return false;
	mask = 0xff00U >> bits % 8;
	return ((left[bits / 8] ^ right[bits / 8]) & mask & 0xff) == 0;
}

/* ------------------------------------------------------ counting */

static void add(struct tally *tally, const struct ostler__start *limits,
	const struct ostler__source *from, const struct ostler__source *other,
	uint64_t n)
{
	if (ostler__source_equal(from, other))
		tally->same += n;
	if (limits->prefix_limit != 0 &&
		ostler__source_near(from, other, limits))
		tally->near += n;
}

static void add_others(struct tally *tally, const struct ostler__page *page,
	const struct ostler__start *limits, const struct ostler__source *from)
{
	uint32_t used = atomic_load(&page->head->words_used);

	if (used > page->words_n)
		used = page->words_n;
	for (uint32_t i = 0; i < used * 64; i++) {
		struct ostler__page_slot *slot = &page->slots[i];
		uint64_t n = slot == page->slot ? 0 : atomic_load(&slot->peers);
		struct ostler__source other;

		if (n == 0)
			continue;
		other.address[0] = atomic_load(&slot->peer[0]);
		other.address[1] = atomic_load(&slot->peer[1]);
		if (!is_none(&other))
			add(tally, limits, from, &other,
				n < PEERS_MAX ? n : PEERS_MAX);
	}
}

bool ostler__source_is_over(const struct ostler__sources *sources,
	const struct ostler__page *page, const struct ostler__start *limits,
	const struct ostler__source *from)
{
	struct tally tally = {0, 0};

	if (is_none(from))
		return false;
	for (unsigned i = 0; i < sources->held_n; i++)
		add(&tally, limits, from, &sources->held[i], 1);
	if (page->head != NULL)
		add_others(&tally, page, limits, from);
	return (limits->source_limit != 0 &&
		       tally.same >= limits->source_limit) ||
	       (limits->prefix_limit != 0 &&
		       tally.near >= limits->prefix_limit);
}

/* ------------------------------------------------------ clients */

/* Not where nobody says which of several clients it was that went. */
static bool is_limited(const struct ostler_worker *w)
{
	return (w->start.source_limit != 0 || w->start.prefix_limit != 0) &&
	       (w->sources.parted || w->clients_max == 1);
}

/* Without a word, and at once. */
static void reset(struct ostler_worker *w, int fd)
{
	struct linger none = {.l_onoff = 1, .l_linger = 0};

	if (ostler__has_page(w))
		(void)atomic_fetch_add(&w->page.slot->over, 1);
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	(void)close(fd);
}

int ostler__source_accept(struct ostler_worker *w, int listener, int flags)
{
	union {
		struct sockaddr any;
		struct sockaddr_storage room;
	} address = {.any.sa_family = AF_UNSPEC};
	socklen_t n = sizeof(address);
	int fd;

	w->sources.newest = (struct ostler__source){{0, 0}};
	if (!is_limited(w))
		return accept4(listener, NULL, NULL, flags);
	fd = accept4(listener, &address.any, &n, flags);
	if (fd < 0)
		return fd;
	w->sources.newest = ostler__source_of(&address.any);
	if (!ostler__source_is_over(
		    &w->sources, &w->page, &w->start, &w->sources.newest))
		return fd;
	reset(w, fd);
	errno = ECONNABORTED;
	return -1;
}

static unsigned held_from(
	const struct ostler__sources *s, const struct ostler__source *from)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->held_n; i++)
		n += ostler__source_equal(&s->held[i], from);
	return n;
}

/* What the others see: the address that has the most here, as a rule. */
static void show(struct ostler_worker *w, const struct ostler__source *changed)
{
	struct ostler__sources *s = &w->sources;
	struct ostler__page_slot *slot = w->page.slot;
	unsigned n = held_from(s, &s->shown);
	unsigned other = held_from(s, changed);

	if (!ostler__has_page(w))
		return;
	if (other > n) {
		n = other;
		s->shown = *changed;
		/* Nobody is to count the one with the other's number. */
		atomic_store(&slot->peers, 0);
		atomic_store(&slot->peer[0], changed->address[0]);
		atomic_store(&slot->peer[1], changed->address[1]);
	}
	atomic_store(&slot->peers, n);
}

static bool has_room(struct ostler__sources *s)
{
	unsigned room = s->held_room == 0 ? 8 : 2 * s->held_room;
	struct ostler__source *held;

	if (s->held_n < s->held_room)
		return true;
	held = realloc(s->held, room * sizeof(*held));
	if (held == NULL)
		return false;
	s->held = held;
	s->held_room = room;
	return true;
}

void ostler__source_took(struct ostler_worker *w)
{
	struct ostler__sources *s = &w->sources;

	/* Without memory it is served and not counted. */
	if (is_none(&s->newest) || !has_room(s))
		return;
	s->held[s->held_n++] = s->newest;
	show(w, &s->newest);
}

void ostler__source_left(
	struct ostler_worker *w, const struct ostler__source *from)
{
	struct ostler__sources *s = &w->sources;
	unsigned i = 0;

	while (i < s->held_n && !ostler__source_equal(&s->held[i], from))
		i++;
	if (i == s->held_n)
		return;
	s->held[i] = s->held[--s->held_n];
	show(w, &s->held[0]);
}

void ostler__sources_clear(struct ostler_worker *w)
{
	struct ostler__sources *s = &w->sources;

	if (s->held_n == 0)
		return;
	s->held_n = 0;
	show(w, &s->shown);
}
