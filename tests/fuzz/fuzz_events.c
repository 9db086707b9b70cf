/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/number.h"
#include "core/core.h"
#include "core/view.h"
#include "events.h"
#include "fuzz.h"
#include "sim/history.h"
#include "sim/promise.h"
#include "sim/twin.h"

/*
 * Any bytes as events for a core: of workers that are and of workers that are
 * not, in any order, at any distance in time, under any policy that a
 * configuration may ask for. After each every promise holds. What breaks one
 * is printed as the shortest history, for the simulator to replay.
 */

#define EVENTS_MAX 400
#define MEMORY_BYTES 65536

static void broken(struct history *history, const char *promise)
{
	fprintf(stderr, "%s\n", promise);
	history_shrink(history, promise);
	history_write(history, stderr);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint64_t memory[MEMORY_BYTES / sizeof(uint64_t)];
	struct core_limits limits = {.services_max = SERVICES,
		.workers_max = SLOTS,
		.seed = 1,
		.cpus = 2};
	struct fuzz_input input = {data, size};
	uint64_t now_ns = BEGIN_NS;
	struct promises promises;
	struct history history;
	const char *problem = NULL;
	struct core *core;
	struct twin twin;

	assert(core_size(&limits) <= sizeof(memory));
	for (size_t i = 0; i < sizeof(memory) / sizeof(memory[0]); i++)
		memory[i] = 0;
	core = core_init(memory, &limits);
	promises_init(&promises, &limits);
	history_init(&history, &limits);
	twin_init(&twin, &limits);
	for (unsigned i = 0; i < EVENTS_MAX && input.n > 0; i++) {
		struct event event = fuzz_event(&input, core);
		const struct actions *actions;

		now_ns = fuzz_later(&input, core, now_ns);
		history_add(&history, core, &event, now_ns);
		actions = promises_step(&promises, core, &event, now_ns);
		problem = promises.broken;
		if (problem == NULL)
			problem = twin_follow(
				&twin, core, &event, now_ns, actions);
		if (problem != NULL)
			broken(&history, problem);
	}
	twin_finish(&twin);
	history_finish(&history);
	return 0;
}
