/* SPDX-License-Identifier: MIT */
#include "lib/page.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <master_proto.h>

/* "DESCRIPTOR:SLOT" */
static bool parse(const char *text, unsigned *out_fd, unsigned *out_slot)
{
	const char *colon = strchr(text, ':');
	char number[16];
	size_t n;

	if (colon == NULL)
		return false;
	n = (size_t)(colon - text);
	if (n >= sizeof(number))
		return false;
	memcpy(number, text, n);
	number[n] = '\0';
	return ostler__parse_number(number, 10, out_fd) &&
	       ostler__parse_number(colon + 1, 10, out_slot);
}

/* One that could shrink would be our end by SIGBUS. */
static bool is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & F_SEAL_SHRINK) != 0;
}

static void map(struct ostler_worker *w, int fd, unsigned slot)
{
	struct stat s;
	size_t bytes;
	void *top;

	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (!is_sealed(fd) || fstat(fd, &s) < 0 || s.st_size <= 0)
		return;
	bytes = (size_t)s.st_size;
	top = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (top == MAP_FAILED)
		return;
	w->page_bytes = bytes;
	if (ostler__page_enter(&w->page, top, bytes, slot))
		return;
	(void)munmap(top, bytes);
	w->page.head = NULL;
}

void ostler__page_open(struct ostler_worker *w)
{
	const char *text = getenv(OSTLER__PAGE_ENVIRONMENT);
	unsigned fd, slot;

	if (text == NULL || !w->start.native || w->start.one_shot ||
		!parse(text, &fd, &slot) ||
		fd < MASTER_LISTEN_FD + w->start.sockets_n || fd > INT32_MAX)
		return;
	map(w, (int)fd, slot);
	/* The memory is enough, and whom we start is not to have more. */
	if (ostler__has_page(w))
		(void)close((int)fd);
}

void ostler__page_close(struct ostler_worker *w)
{
	if (!ostler__has_page(w))
		return;
	(void)munmap(w->page.head, w->page_bytes);
	w->page.head = NULL;
}

/*
 * The master clears the bit of one that it asks to leave, and sets its retire
 * flag first: whoever sees the bit moved sees the flag.
 */
static bool give(struct ostler_worker *w)
{
	bool ring = ostler__page_give(&w->page);

	if (!ostler__page_retires(&w->page))
		return ring;
	w->leaving = true;
	return ostler__page_take(&w->page) || ring;
}

void ostler__page_begin(struct ostler_worker *w)
{
	if (!ostler__has_page(w))
		return;
	w->epoch = atomic_load(&w->page.head->listen_epoch);
	atomic_store(&w->page.slot->generation, w->start.generation);
	(void)atomic_fetch_or(&w->page.word->opened, w->page.me);
}

bool ostler__page_says(struct ostler_worker *w, enum ostler__status_word word)
{
	/* The first words are always told: of its start, and its first client. */
	bool early = w->served == 0 || (w->served == 1 && word == STATUS_AVAIL);
	bool ring;

	if (word == STATUS_TAKEN)
		ring = ostler__page_take(&w->page);
	else
		ring = give(w);
	return ring || early;
}

void ostler__page_counts(struct ostler_worker *w, uint64_t since_ns)
{
	if (!ostler__has_page(w))
		return;
	atomic_store_explicit(
		&w->page.slot->since_ns, since_ns, memory_order_relaxed);
	atomic_store_explicit(
		&w->page.slot->served, w->accepted, memory_order_relaxed);
	atomic_store_explicit(
		&w->page.slot->clients, w->clients_n, memory_order_relaxed);
}

bool ostler__page_wears(struct ostler_worker *w)
{
	if (!ostler__has_page(w))
		return false;
	(void)atomic_fetch_or(&w->page.word->worn, w->page.me);
	return true;
}

bool ostler__page_wants_renewal(struct ostler_worker *w)
{
	uint32_t epoch;

	if (!ostler__has_page(w))
		return false;
	epoch = atomic_load(&w->page.head->listen_epoch);
	if (epoch == w->epoch && ((epoch & OSTLER__PAGE_TURNS) == 0 ||
					 w->accepted == w->renewed))
		return false;
	w->epoch = epoch;
	w->renewed = w->accepted;
	return true;
}
