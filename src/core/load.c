/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <string.h>

#include "core/pool.h"
#include "core/save.h"
#include "core/save_lines.h"
#include "core/view.h"

/*
 * load - the reading half of save.h
 *
 * What is read may be anything: an older master's, a later one's, half of it,
 * or made by somebody who means ill. Until every line was looked at nothing of
 * the core's own functions may touch it; what they rely on is checked here.
 */

#define MARK 1 /* of a free slot: it is on the list */

struct loading {
	struct core *core;
	struct saved_reader *reader;
	uint32_t last; /* slot of the worker before; or NO_SLOT */
	uint32_t free; /* the same of the free ones */
};

bool core_saved_limits(
	const struct saved_reader *reader, struct core_limits *out)
{
	struct saved_reader ahead = *reader;
	struct core core = {.done = false};

	if (!saved_take(&ahead, &save_core_kind, &core))
		return false;
	*out = core.limits;
	return true;
}

static uint64_t number_at(const void *object, size_t offset)
{
	uint64_t number;

	memcpy(&number, (const char *)object + offset, sizeof(number));
	return number;
}

/* A line, whose times that have passed are not in the future. */
static bool take_line(
	struct loading *load, const struct saved_kind *kind, void *line)
{
	if (!saved_take(load->reader, kind, line))
		return false;
	for (unsigned i = 0; i < kind->fields_n; i++)
		if (kind->fields[i].max == SAVE_PAST &&
			number_at(line, kind->fields[i].offset) >
				load->core->now_ns)
			return saved_refuse(
				load->reader, "a time is yet to come");
	return true;
}

/* What conf refuses, and the core therefore relies on. */
static bool check_policy(struct loading *load, const struct policy *policy)
{
	if (policy->deaf_time_ns == 0 || policy->start_rate == 0 ||
		policy->start_burst == 0)
		return saved_refuse(load->reader, "a policy has no rate");
	if (policy->stress_time_ns != 0 &&
		(policy->surge != 0 || policy->replace_first))
		return saved_refuse(
			load->reader, "a policy contradicts itself");
	return true;
}

static bool take_core(
	struct loading *load, const struct core_limits *limits, uint64_t now_ns)
{
	struct core *core = load->core;
	struct core saved = {.done = false};

	if (!saved_take(load->reader, &save_core_kind, &saved))
		return false;
	if (saved.pools_high > limits->services_max ||
		saved.workers_high > limits->workers_max)
		return saved_refuse(load->reader, "there is no room for it");
	if (saved.now_ns > now_ns)
		return saved_refuse(load->reader, "it is of another clock");
	core->pools_high = saved.pools_high;
	core->workers_high = saved.workers_high;
	core->last_serial = saved.last_serial;
	core->serials_wrapped = saved.serials_wrapped;
	core->freed = saved.freed;
	core->stopping = saved.stopping;
	core->done = saved.done;
	core->now_ns = saved.now_ns;
	core->stale = saved.stale;
	core->prng = saved.prng;
	return true;
}

static bool check_token(struct loading *load, const struct recycle *token)
{
	uint32_t n = load->core->workers_high;

	if (token->phase == RECYCLE_NONE)
		return true;
	if ((token->serial != 0 && token->slot >= n) ||
		(token->new_serial != 0 && token->new_slot >= n))
		return saved_refuse(load->reader, "a slot is out of range");
	return true;
}

static bool take_pool(struct loading *load)
{
	struct core *core = load->core;
	struct pool_line line = {.service = 0};
	struct pool *pool;

	if (!take_line(load, &save_pool_kind, &line) ||
		!check_policy(load, &line.pool.policy) ||
		!check_token(load, &line.pool.recycle))
		return false;
	if (line.service >= core->pools_high)
		return saved_refuse(load->reader, "a service is out of range");
	pool = &core->pools[line.service];
	if (pool->state != POOL_FREE || line.pool.state == POOL_FREE)
		return saved_refuse(load->reader, "a service is there twice");
	*pool = line.pool;
	pool->first = pool->guests = NO_SLOT;
	if (line.due)
		deadline_set(&core->deadlines, line.service, line.due_ns);
	return true;
}

static bool take_row(struct loading *load)
{
	struct core *core = load->core;
	struct row_line line = {.service = 0};
	struct pool *pool;

	if (!take_line(load, &save_row_kind, &line) ||
		!check_policy(load, &line.policy))
		return false;
	if (line.service >= core->pools_high)
		return saved_refuse(load->reader, "a service is out of range");
	pool = &core->pools[line.service];
	pool->row = true;
	pool->row_change = line.change;
	pool->row_trial = line.trial;
	pool->row_policy = line.policy;
	return true;
}

static bool take_trial(struct loading *load)
{
	struct trial_line line = {.service = 0};
	struct pool *pool;

	if (!take_line(load, &save_trial_kind, &line) ||
		(line.canary.runs && !check_policy(load, &line.canary.policy)))
		return false;
	if (line.service >= load->core->pools_high)
		return saved_refuse(load->reader, "a service is out of range");
	pool = &load->core->pools[line.service];
	if (line.canary.runs && pool->state != POOL_UP)
		return saved_refuse(load->reader, "a trial of who rests");
	pool->canary = line.canary;
	return true;
}

/* At the end of the list that it belongs to, where the one before it is. */
static bool link_worker(struct loading *load, uint32_t slot)
{
	struct core *core = load->core;
	struct worker *worker = &core->workers[slot];
	struct pool *pool = &core->pools[worker->service];
	bool guest = worker->kind != KIND_WORKER;
	uint32_t *list = guest ? &pool->guests : &pool->first;
	struct worker *last;

	worker->next = worker->prev = NO_SLOT;
	if (*list == NO_SLOT) {
		*list = slot;
		return true;
	}
	last = &core->workers[load->last];
	if (last->service != worker->service ||
		(last->kind != KIND_WORKER) != guest)
		return saved_refuse(load->reader, "workers are mixed up");
	last->next = slot;
	worker->prev = load->last;
	return true;
}

static void count_worker(struct core *core, const struct worker *worker)
{
	struct pool *pool = &core->pools[worker->service];
	bool leaves = worker->state == WORKER_RETIRING;

	core->workers_n++;
	core->stuck_n += worker->rung == RUNG_STUCK;
	core->reclaimed_n += worker->reclaimed;
	if (worker->kind != KIND_WORKER) {
		pool->guests_n++;
		return;
	}
	core->ready_n += worker->state == WORKER_READY;
	pool->count[worker->state]++;
	pool->suspects += worker->suspect;
	pool->mutes += worker->mute;
	pool->worn += worker->wear != WEAR_NONE && !leaves;
	pool->old_n += pool_is_old(pool, worker) && !leaves;
	pool->canary.n += worker->canary && !leaves;
}

static bool take_worker(struct loading *load)
{
	struct core *core = load->core;
	struct worker_line line = {.slot = 0};

	if (!take_line(load, &save_worker_kind, &line))
		return false;
	if (line.slot >= core->workers_high ||
		line.worker.service >= core->pools_high ||
		core->pools[line.worker.service].state == POOL_FREE)
		return saved_refuse(load->reader, "a worker is of no service");
	if (core->workers[line.slot].state != WORKER_FREE ||
		line.worker.state == WORKER_FREE)
		return saved_refuse(load->reader, "a worker is there twice");
	if (line.worker.suspect && (line.worker.state != WORKER_READY ||
					   line.worker.kind != KIND_WORKER))
		return saved_refuse(load->reader, "a suspect is not idle");
	core->workers[line.slot] = line.worker;
	if (!link_worker(load, line.slot))
		return false;
	load->last = line.slot;
	count_worker(core, &line.worker);
	if (line.due)
		worker_set_deadline(
			core, &core->workers[line.slot], line.due_ns);
	return true;
}

static bool take_free(struct loading *load)
{
	struct core *core = load->core;
	struct free_line line = {.slot = 0};
	struct worker *worker;

	if (!take_line(load, &save_free_kind, &line))
		return false;
	if (line.slot >= core->workers_high)
		return saved_refuse(load->reader, "a slot is out of range");
	worker = &core->workers[line.slot];
	if (worker->state != WORKER_FREE || worker->serial == MARK)
		return saved_refuse(load->reader, "a slot is there twice");
	worker->serial = MARK;
	worker->next = NO_SLOT;
	if (load->free == NO_SLOT)
		core->workers_free = line.slot;
	else
		core->workers[load->free].next = line.slot;
	load->free = line.slot;
	return true;
}

/* What follows from all of them. */
static bool count_all(struct loading *load, uint32_t free_n)
{
	struct core *core = load->core;

	if (core->workers_n + free_n != core->workers_high)
		return saved_refuse(load->reader, "a slot is missing");
	for (uint32_t i = 0; i < core->pools_high; i++) {
		struct pool *pool = &core->pools[i];
		uint32_t total = 0;

		for (unsigned state = 0; state < WORKER_STATES; state++)
			total += pool->count[state];
		pool->deficit = pool->share > total ? pool->share - total : 0;
		core->reserved += pool->deficit;
		core->starved_n += pool->starved;
		core->lacking_n += pool->lacking;
	}
	return true;
}

static bool take_all(struct loading *load)
{
	uint32_t free_n = 0;

	while (saved_is(load->reader, &save_pool_kind))
		if (!take_pool(load))
			return false;
	while (saved_is(load->reader, &save_row_kind))
		if (!take_row(load))
			return false;
	while (saved_is(load->reader, &save_trial_kind))
		if (!take_trial(load))
			return false;
	while (saved_is(load->reader, &save_worker_kind))
		if (!take_worker(load))
			return false;
	for (; saved_is(load->reader, &save_free_kind); free_n++)
		if (!take_free(load))
			return false;
	return count_all(load, free_n);
}

struct core *core_load(void *memory, const struct core_limits *limits,
	struct saved_reader *reader, uint64_t now_ns)
{
	struct loading load = {
		.core = core_init(memory, limits),
		.reader = reader,
		.last = NO_SLOT,
		.free = NO_SLOT,
	};
	const char *broken;

	if (!take_core(&load, limits, now_ns) || !take_all(&load))
		return NULL;
	broken = core_audit(load.core, load.core->now_ns);
	if (broken != NULL) {
		(void)saved_refuse(reader, broken);
		return NULL;
	}
	return load.core;
}

/* Serials go round: the later one is that which is less far ahead. */
void core_spend_serial(struct core *core, uint32_t serial)
{
	if (serial == 0 || serial - core->last_serial > UINT32_MAX / 2)
		return;
	if (serial < core->last_serial)
		core->serials_wrapped = true;
	core->last_serial = serial;
}
