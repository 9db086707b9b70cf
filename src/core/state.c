/* SPDX-License-Identifier: MIT */
#include "core/state.h"

#include <stddef.h>

void core_ask(struct core *core, enum action_kind kind, uint32_t service)
{
	actions_push(&core->actions,
		(struct action){.kind = kind, .service = service});
}

void core_ask_worker(
	struct core *core, enum action_kind kind, const struct worker *worker)
{
	actions_push(&core->actions, (struct action){.kind = kind,
					     .service = worker->service,
					     .slot = core_slot_of(core, worker),
					     .serial = worker->serial});
}

void core_notice(struct core *core, enum notice notice, uint32_t service,
	const struct worker *worker, uint64_t number)
{
	struct action action = {.kind = ACTION_NOTICE,
		.notice = notice,
		.service = service,
		.number = number};

	if (worker != NULL) {
		action.slot = core_slot_of(core, worker);
		action.serial = worker->serial;
	}
	actions_push(&core->actions, action);
}

uint32_t core_slot_of(const struct core *core, const struct worker *worker)
{
	return (uint32_t)(worker - core->workers);
}

uint32_t core_service_of(const struct core *core, const struct pool *pool)
{
	return (uint32_t)(pool - core->pools);
}

void worker_set_deadline(
	struct core *core, const struct worker *worker, uint64_t at_ns)
{
	deadline_set(&core->deadlines,
		core->limits.services_max + core_slot_of(core, worker), at_ns);
}

uint64_t worker_deadline(const struct core *core, const struct worker *worker)
{
	return deadline_get(&core->deadlines,
		core->limits.services_max + core_slot_of(core, worker));
}
