/* SPDX-License-Identifier: MIT */
#include "master/holdings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/saved.h"
#include "master/records.h"
#include "sys/child.h"
#include "sys/fd.h"
#include "sys/image.h"

#define LINE_MOST 256u /* bytes of one in the list */
#define LIST_MAX ((size_t)64 * 1024 * 1024)
#define FORMAT "ostler-holdings"
#define VERSION 1

/* How it is written down. */
struct entry {
	const char *name;
	int fd;
	uint64_t dev;
	uint64_t ino;
};

static const struct saved_field entry_fields[] = {
	SAVED(entry, "name", name, SAVED_TEXT, 0),
	SAVED(entry, "fd", fd, SAVED_INT, INT32_MAX),
	SAVED(entry, "dev", dev, SAVED_U64, UINT64_MAX),
	SAVED(entry, "ino", ino, SAVED_U64, UINT64_MAX),
};
static const struct saved_kind entry_kind = SAVED_KIND("holding", entry_fields);

void holdings_init(struct holdings *holdings)
{
	*holdings = (struct holdings){.items = NULL};
}

void holdings_finish(struct holdings *holdings, bool closing)
{
	for (uint32_t i = 0; closing && i < holdings->n; i++)
		fd_close(&holdings->items[i].fd);
	free(holdings->items);
	holdings_init(holdings);
}

void holding_of_worker(char out[HOLDING_NAME_MAX], const char *what,
	uint32_t slot, const struct worker_record *worker)
{
	int n = snprintf(out, HOLDING_NAME_MAX, "%s.%u.%u.%u.%u.%u", what,
		worker->service, slot, worker->serial, worker->serial,
		(unsigned)worker->kind);

	if (strcmp(what, "pidfd") == 0)
		(void)snprintf(out + n, HOLDING_NAME_MAX - (size_t)n, ".%d",
			worker->pid);
}

static struct holding *one_more(struct holdings *holdings)
{
	uint32_t room = holdings->room == 0 ? 64 : holdings->room * 2;
	struct holding *items;

	if (holdings->n == holdings->room) {
		items = realloc(holdings->items, room * sizeof(*items));
		if (items == NULL) {
			holdings->failed = true;
			return NULL;
		}
		holdings->items = items;
		holdings->room = room;
	}
	holdings->sorted = false;
	return &holdings->items[holdings->n++];
}

void holdings_add(struct holdings *holdings, int fd, const char *format, ...)
{
	struct holding *item;
	va_list arguments;
	int n;

	if (fd < 0)
		return;
	item = one_more(holdings);
	if (item == NULL)
		return;
	*item = (struct holding){.fd = fd};
	(void)fd_file(fd, &item->dev, &item->ino); /* then it is not compared */
	va_start(arguments, format);
	n = vsnprintf(item->name, sizeof(item->name), format, arguments);
	va_end(arguments);
	if (n < 0 || (size_t)n >= sizeof(item->name))
		holdings->failed = true;
}

static int compare(const void *left, const void *right)
{
	const struct holding *a = left;
	const struct holding *b = right;

	return strcmp(a->name, b->name);
}

static void sort(struct holdings *holdings)
{
	if (!holdings->sorted && holdings->n > 1)
		qsort(holdings->items, holdings->n, sizeof(*holdings->items),
			compare);
	holdings->sorted = true;
}

/* The last part of a pidfd's name. */
static int pid_of(const char *name)
{
	return atoi(strrchr(name, '.') + 1);
}

static bool is_what_it_was(const struct holding *item)
{
	uint64_t dev, ino;
	int pid;

	if (fd_file(item->fd, &dev, &ino) < 0)
		return false;
	if (item->ino != 0 && (dev != item->dev || ino != item->ino))
		return false;
	if (strncmp(item->name, "pidfd.", 6) != 0)
		return true;
	/* Those share a file, on many kernels. Who is gone has no number. */
	pid = sys_child_pid(item->fd);
	return pid == pid_of(item->name) || pid == -ESRCH;
}

int holdings_take(struct holdings *holdings, const char *format, ...)
{
	struct holding key = {.fd = -1};
	struct holding *item;
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(key.name, sizeof(key.name), format, arguments);
	va_end(arguments);
	sort(holdings);
	item = holdings->n == 0 ? NULL
				: bsearch(&key, holdings->items, holdings->n,
					  sizeof(*holdings->items), compare);
	if (item == NULL || item->fd < 0)
		return -1;
	if (!is_what_it_was(item)) {
		item->fd = -1; /* whose it is now, it is not ours to close */
		return -1;
	}
	return fd_take(&item->fd);
}

const char *holdings_next(
	struct holdings *holdings, const char *prefix, uint32_t *at)
{
	sort(holdings);
	for (; *at < holdings->n; ++*at) {
		const struct holding *item = &holdings->items[*at];

		if (item->fd < 0 ||
			strncmp(item->name, prefix, strlen(prefix)) != 0)
			continue;
		++*at;
		return item->name;
	}
	return NULL;
}

int holdings_inherit(const struct holdings *holdings, bool on)
{
	int result = 0;

	for (uint32_t i = 0; i < holdings->n; i++) {
		int now = holdings->items[i].fd < 0
				  ? 0
				  : fd_inherit(holdings->items[i].fd, on);

		if (result == 0)
			result = now;
	}
	return result;
}

int holdings_write(const struct holdings *holdings)
{
	size_t size = ((size_t)holdings->n + 2) * LINE_MOST;
	AUTO_FREE char *buffer = malloc(size);
	struct text_builder text;

	if (buffer == NULL || holdings->failed)
		return -ENOMEM;
	text_builder_init(&text, buffer, size);
	saved_begin(&text, FORMAT, VERSION);
	for (uint32_t i = 0; i < holdings->n; i++) {
		const struct holding *item = &holdings->items[i];
		struct entry entry = {.name = item->name,
			.fd = item->fd,
			.dev = item->dev,
			.ino = item->ino};

		if (item->fd >= 0)
			saved_put(&text, &entry_kind, &entry);
	}
	saved_end(&text);
	if (text.overflow)
		return -ENOMEM;
	return sys_memory_file(text.bytes, text.n);
}

static bool read_entry(struct saved_reader *reader, struct holdings *out)
{
	struct entry entry = {.name = NULL};
	struct holding *item;

	if (!saved_take(reader, &entry_kind, &entry) || entry.name == NULL ||
		strlen(entry.name) >= HOLDING_NAME_MAX)
		return false;
	item = one_more(out);
	if (item == NULL)
		return false;
	*item = (struct holding){
		.fd = entry.fd, .dev = entry.dev, .ino = entry.ino};
	memcpy(item->name, entry.name, strlen(entry.name) + 1);
	return true;
}

bool holdings_read(struct holdings *out, int fd)
{
	AUTO_FREE char *bytes = NULL;
	struct arena *arena = arena_create(0);
	struct saved_reader reader;
	bool good;
	size_t n;

	holdings_init(out);
	good = arena != NULL &&
	       sys_memory_read(fd, &bytes, &n, LIST_MAX) == 0 &&
	       saved_open(&reader, (struct text){bytes, n}, FORMAT, VERSION,
		       arena);
	while (good && !saved_is_end(&reader))
		good = read_entry(&reader, out);
	arena_destroy(arena);
	if (!good)
		holdings_finish(out, false);
	return good;
}
