/* SPDX-License-Identifier: MIT */
#include "twin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/saved.h"
#include "core/save.h"
#include "core/state.h"

#define LINES_BYTES 131072
#define STEPS_MAX 60

/* Of one step only: not made anew for each of many short histories. */
static char lines_now[LINES_BYTES];
static char lines_again[LINES_BYTES];

void twin_init(struct twin *twin, const struct core_limits *limits)
{
	*twin = (struct twin){.limits = *limits};
	prng_seed(&twin->prng, limits->seed);
	twin->memory = malloc(core_size(limits));
	if (twin->memory == NULL)
		abort();
}

void twin_finish(struct twin *twin)
{
	free(twin->memory);
}

static bool same_action(const struct action *a, const struct action *b)
{
	return a->kind == b->kind && a->notice == b->notice &&
	       a->worker == b->worker && a->service == b->service &&
	       a->slot == b->slot && a->serial == b->serial &&
	       a->mold_slot == b->mold_slot &&
	       a->mold_serial == b->mold_serial && a->canary == b->canary &&
	       a->number == b->number;
}

static bool same_actions(const struct actions *a, const struct actions *b)
{
	if (a->n != b->n)
		return false;
	for (uint32_t i = 0; i < a->n; i++)
		if (!same_action(&a->items[i], &b->items[i]))
			return false;
	return true;
}

static bool save(const struct core *core, char *lines, struct text *out)
{
	struct text_builder builder;

	text_builder_init(&builder, lines, LINES_BYTES);
	core_save(core, &builder);
	*out = text_built(&builder);
	return !builder.overflow;
}

/* Policies come from outside, with whatever is between their fields. */
static bool same_pool(const struct pool *a, const struct pool *b)
{
	static struct pool pools[2];

	memcpy(&pools[0], a, sizeof(*a));
	memcpy(&pools[1], b, sizeof(*b));
	for (unsigned i = 0; i < 2; i++) {
		memset(&pools[i].policy, 0, sizeof(pools[i].policy));
		memset(&pools[i].row_policy, 0, sizeof(pools[i].row_policy));
		memset(&pools[i].canary.policy, 0,
			sizeof(pools[i].canary.policy));
		/* What the last table did is done. */
		if (!pools[i].row) {
			pools[i].row_change = ROW_SAME;
			pools[i].row_trial = false;
		}
	}
	return memcmp(&pools[0], &pools[1], sizeof(pools[0])) == 0;
}

/*
 * Byte by byte, so that no field can be forgotten: a field that is neither
 * saved nor made anew differs as soon as it is not zero. What is left of those
 * who had a free slot before is nobody's. Clang leaves what was in the gaps
 * between fields when a struct is assigned, so there this says nothing.
 */
static bool same_memory(const struct core *a, const struct core *b)
{
#ifdef __clang__
	return a->workers_n == b->workers_n;
#endif
	for (uint32_t i = 0; i < a->pools_high; i++)
		if (!same_pool(&a->pools[i], &b->pools[i]))
			return false;
	for (uint32_t i = 0; i < a->workers_high; i++)
		if (a->workers[i].state != b->workers[i].state ||
			(a->workers[i].state != WORKER_FREE &&
				memcmp(&a->workers[i], &b->workers[i],
					sizeof(a->workers[i])) != 0))
			return false;
	return a->workers_n == b->workers_n && a->stuck_n == b->stuck_n &&
	       a->ready_n == b->ready_n && a->starved_n == b->starved_n &&
	       a->reclaimed_n == b->reclaimed_n &&
	       a->lacking_n == b->lacking_n && a->reserved == b->reserved;
}

static const char *renew(
	struct twin *twin, const struct core *core, uint64_t now_ns)
{
	struct saved_reader reader;
	struct text lines;
	struct text again;

	if (!save(core, lines_now, &lines))
		return "S1: more lines than there should be";
	/* What it was before must be the same, too. */
	if (twin->core != NULL && (!save(twin->core, lines_again, &again) ||
					  !text_equal(lines, again)))
		return "S2: a core that was saved has become another";
	memset(twin->memory, 0, core_size(&twin->limits));
	saved_lines(&reader, lines, NULL);
	twin->core = core_load(twin->memory, &twin->limits, &reader, now_ns);
	if (twin->core == NULL) {
		fprintf(stderr, "# line %u: %s\n", reader.line, reader.problem);
		return "S3: a core that was saved is refused";
	}
	if (!saved_is_end(&reader))
		return "S3: lines that are not read";
	if (!save(twin->core, lines_again, &again) || !text_equal(lines, again))
		return "S4: a core that was saved and loaded is another";
	if (!same_memory(core, twin->core))
		return "S4: something of a core is not saved";
	return NULL;
}

const char *twin_follow(struct twin *twin, const struct core *core,
	const struct event *event, uint64_t now_ns,
	const struct actions *actions)
{
	if (twin->core != NULL) {
		if (!same_actions(
			    core_step(twin->core, event, now_ns), actions))
			return "S5: a core that was saved acts otherwise";
		if (core_deadline_ns(twin->core) != core_deadline_ns(core) ||
			core_stale(twin->core) != core_stale(core))
			return "S5: a core that was saved waits otherwise";
	}
	if (twin->left-- > 0)
		return NULL;
	twin->left = (unsigned)prng_below(&twin->prng, STEPS_MAX);
	return renew(twin, core, now_ns);
}
