/* SPDX-License-Identifier: MIT */
#include "core/save.h"

#include "core/save_lines.h"

static void save_pool(
	const struct core *core, uint32_t service, struct text_builder *out)
{
	uint64_t at_ns = deadline_get(&core->deadlines, service);
	struct pool_line line = {
		.service = service,
		.due = at_ns != DEADLINE_NONE,
		.due_ns = at_ns != DEADLINE_NONE ? at_ns : 0,
		.pool = core->pools[service],
	};

	saved_put(out, &save_pool_kind, &line);
}

static void save_row(
	const struct pool *pool, uint32_t service, struct text_builder *out)
{
	struct row_line line = {
		.service = service,
		.change = pool->row_change,
		.trial = pool->row_trial,
		.policy = pool->row_policy,
	};

	saved_put(out, &save_row_kind, &line);
}

static void save_trial(
	const struct pool *pool, uint32_t service, struct text_builder *out)
{
	struct trial_line line = {.service = service, .canary = pool->canary};

	if (pool->canary.runs || pool->canary.verdict != VERDICT_NONE)
		saved_put(out, &save_trial_kind, &line);
}

static void save_worker(
	const struct core *core, uint32_t slot, struct text_builder *out)
{
	uint64_t at_ns = worker_deadline(core, &core->workers[slot]);
	struct worker_line line = {
		.slot = slot,
		.due = at_ns != DEADLINE_NONE,
		.due_ns = at_ns != DEADLINE_NONE ? at_ns : 0,
		.worker = core->workers[slot],
	};

	saved_put(out, &save_worker_kind, &line);
}

static void save_list(
	const struct core *core, uint32_t slot, struct text_builder *out)
{
	for (; slot != NO_SLOT; slot = core->workers[slot].next)
		save_worker(core, slot, out);
}

void core_save(const struct core *core, struct text_builder *out)
{
	uint32_t slot = core->workers_free;

	saved_put(out, &save_core_kind, core);
	for (uint32_t i = 0; i < core->pools_high; i++)
		if (core->pools[i].state != POOL_FREE)
			save_pool(core, i, out);
	for (uint32_t i = 0; i < core->pools_high; i++)
		if (core->pools[i].row)
			save_row(&core->pools[i], i, out);
	for (uint32_t i = 0; i < core->pools_high; i++)
		if (core->pools[i].state != POOL_FREE)
			save_trial(&core->pools[i], i, out);
	for (uint32_t i = 0; i < core->pools_high; i++) {
		if (core->pools[i].state == POOL_FREE)
			continue;
		save_list(core, core->pools[i].first, out);
		save_list(core, core->pools[i].guests, out);
	}
	for (; slot != NO_SLOT; slot = core->workers[slot].next)
		saved_put(out, &save_free_kind,
			&(struct free_line){.slot = slot});
}
