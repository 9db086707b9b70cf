/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_TESTS_SIM_HISTORY_H
#define OSTLER_TESTS_SIM_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/core.h"
#include "core/event.h"

/*
 * history - what a core was told, and when, as a list and as a file
 *
 * Knows:   the core's limits and every event with its time.
 * Decides: which events of a broken history may be left out, so that what
 *          is left still breaks the same promise.
 * Never:   needs the world that made the history: a core is all it takes.
 *
 * The file: a line "limits services_max=2 workers_max=6 seed=7", then a line
 * "@NANOSECONDS EVENT" for each event, as in every trace. "#" is a comment.
 */
struct history_item {
	uint64_t now_ns;
	struct event event;
	bool current; /* its worker lived when it came: a replay that numbers
		       * workers otherwise is to find it all the same */
};

struct history {
	struct core_limits limits;
	struct history_item *items; /* owned */
	size_t n, room;
};

void history_init(struct history *history, const struct core_limits *limits);
void history_finish(struct history *history);
void history_clear(struct history *history);

void history_add(struct history *history, const struct core *core,
	const struct event *event, uint64_t now_ns);

void history_write(const struct history *history, FILE *file);

/* False if FILE is none; what was wrong is on stderr. */
bool history_read(struct history *history, FILE *file);

/*
 * Tell a new core all of it: the promise that broke, or NULL. With OUT, say
 * every event and every action there. *OUT_STEPS is the number of events it
 * took, if not NULL.
 */
const char *history_run(
	const struct history *history, FILE *out, size_t *out_steps);

/* Leave out what is not needed for BROKEN to break. */
void history_shrink(struct history *history, const char *broken);

#endif
