/* SPDX-License-Identifier: MIT */
#include "history.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/trace.h"
#include "core/view.h"
#include "promise.h"
#include "twin.h"

#define LINE_MAX_BYTES (TRACE_LINE_MAX + 64)

void history_init(struct history *history, const struct core_limits *limits)
{
	*history = (struct history){.limits = *limits};
}

void history_finish(struct history *history)
{
	free(history->items);
	*history = (struct history){.n = 0};
}

void history_clear(struct history *history)
{
	history->n = 0;
}

static void append(struct history *history, const struct history_item *item)
{
	if (history->n == history->room) {
		history->room = history->room ? 2 * history->room : 1024;
		history->items = realloc(history->items,
			history->room * sizeof(*history->items));
		if (history->items == NULL)
			abort();
	}
	history->items[history->n++] = *item;
}

static bool names_worker(const struct event *event)
{
	return event->kind >= EVENT_STARTED && event->kind <= EVENT_EXITED;
}

void history_add(struct history *history, const struct core *core,
	const struct event *event, uint64_t now_ns)
{
	struct view_worker view;
	bool current = names_worker(event) &&
		       core_view_worker(core, event->slot, now_ns, &view) &&
		       view.serial == event->serial;

	append(history, &(struct history_item){now_ns, *event, current});
}

void history_write(const struct history *history, FILE *file)
{
	char line[TRACE_LINE_MAX];

	fprintf(file,
		"limits services_max=%u workers_max=%u seed=%" PRIu64
		" cpus=%u\n",
		history->limits.services_max, history->limits.workers_max,
		history->limits.seed, history->limits.cpus);
	for (size_t i = 0; i < history->n; i++) {
		(void)trace_event(&history->items[i].event, line, sizeof(line));
		fprintf(file, "@%" PRIu64 " %s\n", history->items[i].now_ns,
			line);
	}
}

static bool read_line(struct history *history, const char *line)
{
	struct history_item item = {.current = false};
	char *end;

	if (line[0] == '#' || line[0] == '\0')
		return true;
	if (sscanf(line,
		    "limits services_max=%u workers_max=%u seed=%" SCNu64
		    " cpus=%u",
		    &history->limits.services_max, &history->limits.workers_max,
		    &history->limits.seed, &history->limits.cpus) >= 3)
		return true;
	if (line[0] != '@' || history->limits.workers_max == 0)
		return false;
	item.now_ns = strtoull(line + 1, &end, 10);
	if (*end != ' ' || !trace_parse_event(end + 1, &item.event))
		return false;
	append(history, &item);
	return true;
}

bool history_read(struct history *history, FILE *file)
{
	char line[LINE_MAX_BYTES];

	*history = (struct history){.n = 0};
	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (!read_line(history, line)) {
			fprintf(stderr, "not a line of a history: %s\n", line);
			return false;
		}
	}
	return history->limits.workers_max != 0;
}

static void say(FILE *out, const struct history_item *item,
	const struct actions *actions)
{
	char line[TRACE_LINE_MAX];

	(void)trace_event(&item->event, line, sizeof(line));
	fprintf(out, "@%" PRIu64 " %s\n", item->now_ns, line);
	for (uint32_t i = 0; i < actions->n; i++) {
		(void)trace_action(&actions->items[i], line, sizeof(line));
		fprintf(out, "> %s\n", line);
	}
}

/* Whoever is in the slot now, if the event was not stale when it came. */
static bool find_worker(const struct core *core, struct history_item *item)
{
	struct view_worker view;

	if (!item->current)
		return true;
	if (!core_view_worker(core, item->event.slot, item->now_ns, &view))
		return false;
	item->event.serial = view.serial;
	return true;
}

/* SKIP: left out; NULL: none. Serials become what they are in this run. */
static const char *run(
	struct history *history, const bool *skip, FILE *out, size_t *out_steps)
{
	void *memory = calloc(1, core_size(&history->limits));
	struct core *core = core_init(memory, &history->limits);
	const char *broken = NULL;
	struct promises promises;
	struct twin twin;
	size_t i;

	promises_init(&promises, &history->limits);
	twin_init(&twin, &history->limits);
	for (i = 0; i < history->n && broken == NULL; i++) {
		struct history_item *item = &history->items[i];
		const struct actions *actions;

		if ((skip != NULL && skip[i]) || !find_worker(core, item))
			continue;
		actions = promises_step(
			&promises, core, &item->event, item->now_ns);
		broken = promises.broken;
		if (broken == NULL)
			broken = twin_follow(&twin, core, &item->event,
				item->now_ns, actions);
		if (out != NULL)
			say(out, item, actions);
	}
	twin_finish(&twin);
	if (out_steps != NULL)
		*out_steps = i;
	free(memory);
	return broken;
}

const char *history_run(
	const struct history *history, FILE *out, size_t *out_steps)
{
	struct history copy = *history;
	const char *broken;

	copy.items = calloc(history->n + 1, sizeof(*copy.items));
	if (copy.items == NULL)
		abort();
	memcpy(copy.items, history->items, history->n * sizeof(*copy.items));
	broken = run(&copy, NULL, out, out_steps);
	free(copy.items);
	return broken;
}

static void drop(struct history *history, const bool *skip)
{
	size_t n = 0;

	for (size_t i = 0; i < history->n; i++)
		if (!skip[i])
			history->items[n++] = history->items[i];
	history->n = n;
}

/* Try to do without each run of SIZE events; true if any was dropped. */
static bool shrink_by(struct history *history, const char *broken, size_t size)
{
	bool *skip = calloc(history->n, sizeof(*skip));
	bool any = false;

	if (skip == NULL)
		abort();
	for (size_t i = 0; i < history->n; i += size) {
		size_t n = size < history->n - i ? size : history->n - i;
		const char *now;

		memset(skip + i, true, n);
		now = run(history, skip, NULL, NULL);
		if (now != NULL && strcmp(now, broken) == 0)
			any = true;
		else
			memset(skip + i, false, n);
	}
	drop(history, skip);
	free(skip);
	return any;
}

void history_shrink(struct history *history, const char *broken)
{
	size_t steps;
	const char *now = run(history, NULL, NULL, &steps);

	/* It may be of a kind that only its world can see: leave it whole. */
	if (now == NULL || strcmp(now, broken) != 0)
		return;
	history->n = steps;
	for (size_t size = history->n / 2; size > 0; size /= 2)
		while (shrink_by(history, broken, size) && size == 1)
			continue;
	/* Once more, so that the serials are those of the short one. */
	(void)run(history, NULL, NULL, NULL);
}
