/* SPDX-License-Identifier: MIT */
#include "master/keep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "master/channel.h"
#include "master/handover.h"
#include "master/holdings.h"
#include "master/keep_state.h"
#include "master/master.h"
#include "master/records.h"
#include "proto/keep.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/image.h"
#include "sys/memory.h"

#define STATE_NS NS_PER_S /* between two states, at least */
#define STATE_SHARE 20u	  /* and so many times as long as one takes */
#define STATE_MAX ((size_t)256 * 1024 * 1024)

/* ------------------------------------------------------- who holds, and what */

static size_t words_bytes(const struct master *master)
{
	return (size_t)master->limits.workers_max * sizeof(uint64_t);
}

static void make_words(struct master *master)
{
	struct keep *keep = master->keep;

	keep->words_fd = sys_sealed(words_bytes(master));
	if (keep->words_fd < 0)
		return;
	keep->words = sys_map_shared(keep->words_fd, words_bytes(master));
	for (uint32_t slot = 0;
		keep->words != NULL && slot < master->workers_high; slot++)
		if (master->workers[slot].heard)
			keep_heard(master, slot, master->workers[slot].taken);
}

bool keep_begin(struct master *master, const struct keep_holder *holder)
{
	if (master->keep == NULL)
		master->keep = calloc(1, sizeof(*master->keep));
	if (master->keep == NULL)
		return false;
	master->keep->holder = holder;
	master->keep->words_fd = master->keep->socket = -1;
	holdings_init(&master->keep->given);
	return true;
}

void keep_end(struct master *master)
{
	struct keep *keep = master->keep;

	if (keep == NULL)
		return;
	holdings_finish(&keep->given, false);
	if (keep->words != NULL)
		sys_unmap(keep->words, words_bytes(master));
	fd_close(&keep->words_fd);
	fd_close(&keep->socket);
	free(keep);
	master->keep = NULL;
}

static bool is_kept(const struct master *master)
{
	return master->keep != NULL && !master->keep->lost;
}

const char *keep_name(const struct master *master)
{
	return is_kept(master) ? master->keep->holder->name : "nobody";
}

/* ------------------------------------------------------------ what changed */

static int by_name(const void *a, const void *b)
{
	const struct holding *x = a;
	const struct holding *y = b;

	return strcmp(x->name, y->name);
}

static bool begins(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* Workers are told of one by one; who asks us something asks again. */
static void sift(struct holdings *all)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < all->n; i++)
		if (!begins(all->items[i].name, "worker.") &&
			!begins(all->items[i].name, "pidfd.") &&
			!begins(all->items[i].name, "client.") &&
			strcmp(all->items[i].name, "keeper") != 0)
			all->items[kept++] = all->items[i];
	all->n = kept;
	if (kept > 0)
		qsort(all->items, kept, sizeof(*all->items), by_name);
}

static const struct holding *find(
	const struct holdings *all, const struct holding *item)
{
	return all->n == 0 ? NULL
			   : bsearch(item, all->items, all->n,
				     sizeof(*all->items), by_name);
}

static bool is_same(const struct holding *a, const struct holding *b)
{
	return a != NULL && a->dev == b->dev && a->ino == b->ino;
}

/* Held before anything is dropped: one may only have another name now. */
static void sync(struct master *master)
{
	struct keep *keep = master->keep;
	struct holdings now;

	keep->structure = false;
	holdings_init(&now);
	handover_hold(master, &now);
	holdings_add(&now, keep->words_fd, "%s", KEEP_WORDS);
	sift(&now);
	keep->structure_n = now.n;
	for (uint32_t i = 0; i < now.n; i++)
		if (!is_same(find(&keep->given, &now.items[i]), &now.items[i]))
			keep->holder->hold(
				master, now.items[i].name, now.items[i].fd);
	for (uint32_t i = 0; i < keep->given.n; i++)
		if (find(&now, &keep->given.items[i]) == NULL)
			keep->holder->drop(master, keep->given.items[i].name);
	holdings_finish(&keep->given, false);
	keep->given = now;
}

static void write_state(struct master *master)
{
	struct keep *keep = master->keep;
	uint64_t begun_ns = clock_now_ns();
	AUTO_FREE char *bytes = NULL;
	AUTO_CLOSE int fd = -1;
	char name[2][16];
	uint64_t cost_ns;
	size_t n;

	keep->touched = false;
	if (handover_text(master, &bytes, &n) == 0)
		fd = sys_memory_file(bytes, n);
	if (fd >= 0) {
		unsigned next = !keep->state;

		snprintf(name[0], sizeof(name[0]), "state.%u", keep->state);
		snprintf(name[1], sizeof(name[1]), "state.%u", next);
		keep->holder->hold(master, name[1], fd);
		keep->holder->drop(master, name[0]);
		keep->state = next;
	}
	cost_ns = clock_now_ns() - begun_ns;
	keep->next_ns = master->now_ns + STATE_NS;
	if (cost_ns * STATE_SHARE > STATE_NS)
		keep->next_ns = master->now_ns + cost_ns * STATE_SHARE;
}

void keep_renew(struct master *master)
{
	struct keep *keep = master->keep;

	if (!is_kept(master))
		return;
	if (keep->words == NULL)
		make_words(master);
	holdings_finish(&keep->given, false);
	keep->holder->renew(master);
	sync(master);
	for (uint32_t slot = 0; slot < master->workers_high; slot++) {
		keep_channel(master, slot);
		keep_process(master, slot);
	}
	write_state(master);
	keep->holder->healthy(master);
}

void keep_touch(struct master *master)
{
	if (master->keep != NULL)
		master->keep->touched = true;
}

void keep_structure(struct master *master)
{
	if (master->keep == NULL)
		return;
	master->keep->touched = master->keep->structure = true;
	master->keep->next_ns = master->now_ns;
}

void keep_expire(struct master *master)
{
	struct keep *keep = master->keep;

	if (!is_kept(master) || !keep->touched ||
		master->now_ns < keep->next_ns)
		return;
	if (keep->structure)
		sync(master);
	write_state(master);
}

uint64_t keep_deadline(const struct master *master)
{
	if (!is_kept(master) || !master->keep->touched)
		return UINT64_MAX;
	return master->keep->next_ns;
}

/* ------------------------------------------------------------------ workers */

static void name_of(const struct master *master, uint32_t slot,
	const char *what, char out[HOLDING_NAME_MAX])
{
	holding_of_worker(out, what, slot, &master->workers[slot]);
}

void keep_channel(struct master *master, uint32_t slot)
{
	const struct worker_record *worker = &master->workers[slot];
	char name[HOLDING_NAME_MAX];

	if (!is_kept(master))
		return;
	/* What it will share with others is held before it is there. */
	if (master->keep->structure)
		sync(master);
	if (worker->serial == 0 || worker->channel < 0)
		return;
	name_of(master, slot, "worker", name);
	master->keep->holder->hold(master, name, worker->channel);
}

void keep_process(struct master *master, uint32_t slot)
{
	const struct worker_record *worker = &master->workers[slot];
	char name[HOLDING_NAME_MAX];

	if (!is_kept(master) || worker->serial == 0 || worker->pidfd < 0)
		return;
	name_of(master, slot, "pidfd", name);
	master->keep->holder->hold(master, name, worker->pidfd);
}

void keep_gone(struct master *master, uint32_t slot)
{
	const struct worker_record *worker = &master->workers[slot];
	char name[HOLDING_NAME_MAX];

	if (!is_kept(master) || worker->serial == 0)
		return;
	if (!worker->shared) {
		name_of(master, slot, "worker", name);
		master->keep->holder->drop(master, name);
	}
	if (worker->pid == 0)
		return;
	name_of(master, slot, "pidfd", name);
	master->keep->holder->drop(master, name);
}

void keep_heard(struct master *master, uint32_t slot, bool taken)
{
	const struct worker_record *worker = &master->workers[slot];

	if (master->keep == NULL || master->keep->words == NULL)
		return;
	master->keep->words[slot] = keep_word(
		worker->serial, taken ? KEEP_SAID_TAKEN : KEEP_SAID_AVAIL);
}

void keep_bye(struct master *master)
{
	if (is_kept(master) && master->keep->holder->bye != NULL)
		master->keep->holder->bye(master);
}

/* ------------------------------------------------------- what others left */

int keep_state(struct holdings *holdings, char **out, size_t *out_n)
{
	for (unsigned i = 0; i < 2; i++) {
		AUTO_CLOSE int fd = holdings_take(holdings, "state.%u", i);

		if (fd < 0)
			continue;
		return sys_memory_read(fd, out, out_n, STATE_MAX);
	}
	return -1;
}

void keep_words(struct master *master, struct holdings *holdings)
{
	AUTO_CLOSE int fd = holdings_take(holdings, KEEP_WORDS);
	uint64_t bytes;
	uint64_t *words;

	if (fd < 0 || sys_memory_size(fd, &bytes) < 0)
		return;
	words = sys_map_shared(fd, bytes);
	for (uint32_t slot = 0; words != NULL && slot < master->workers_high &&
				slot < bytes / sizeof(*words);
		slot++) {
		const struct worker_record *worker = &master->workers[slot];
		enum keep_said said =
			worker->serial == 0
				? KEEP_SAID_NOTHING
				: keep_said(words[slot], worker->serial);

		if (said != KEEP_SAID_NOTHING &&
			(!worker->heard ||
				worker->taken != (said == KEEP_SAID_TAKEN)))
			channel_word(master, slot, said == KEEP_SAID_TAKEN);
	}
	sys_unmap(words, bytes);
}
