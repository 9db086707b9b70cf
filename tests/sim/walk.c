/* SPDX-License-Identifier: MIT */
/*
 * walk - every short history of a small pool
 *
 * usage: walk [DEPTH-LESS]
 *
 * From each state every event that can come is tried; the promises are
 * checked after each. Two histories that lead to the same state are one from
 * there on, so "every" is meant: what is left out is only what was seen. From
 * the states near the beginning it also looks ahead: a client that waits
 * while all workers are silent must be answered in the end, and a stop must
 * end. DEPTH-LESS makes all walks shorter by as many events, for builds that
 * are slow.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "core/state.h"
#include "history.h"
#include "promise.h"

#define BEGIN_NS (1000 * NS_PER_S)
#define LENGTH_MAX 24
#define CHOICES_MAX 128
#define SEEN_ROOM (UINT64_C(1) << 22)
#define AHEAD_STEPS 3000

/* A history is made of moves; a move is a few events at one time. */
struct move {
	struct event events[2];
	unsigned n;
	bool later; /* at the core's deadline, not now */
};

struct pool_kind {
	const char *name;
	unsigned depth; /* moves */
	uint32_t slots;
	uint32_t ready; /* workers to begin with */
	uint32_t cpus;	/* 0: starts are not paced */
	struct policy policy;
};

struct place {
	struct promises promises;
	uint64_t now_ns;
	void *core; /* a copy of the core's memory */
};

struct walk {
	const struct pool_kind *kind;
	struct core_limits limits;
	size_t core_bytes;
	struct core *core; /* where it lives: its pointers point here */
	struct place places[LENGTH_MAX + 2];
	struct history history;
	uint64_t *seen;
	uint64_t states, steps, aheads;
};

#define POLICY                                                                 \
	.start_rate = 1000, .start_burst = 1000, .throttle_time_ns = NS_PER_S, \
	.quick_exit_ns = NS_PER_S, .deaf_time_ns = NS_PER_S,                   \
	.start_time_limit_ns = 5 * NS_PER_S, .retire_grace_ns = 2 * NS_PER_S,  \
	.drain_time_ns = 3 * NS_PER_S, .leave_time_ns = 3 * NS_PER_S,          \
	.stop_time_ns = 2 * NS_PER_S, .kill_time_ns = NS_PER_S

static const struct pool_kind kinds[] = {
	{"one worker", 8, 2, 0, 0, {POLICY, .process_limit = 1}},
	{"one that is ready", 7, 2, 1, 0, {POLICY, .process_limit = 1}},
	{"two workers", 6, 2, 0, 0, {POLICY, .process_limit = 2}},
	{"two that are ready", 6, 2, 2, 0, {POLICY, .process_limit = 2}},
	{"two and a surge", 5, 3, 2, 0,
		{POLICY, .process_limit = 2, .surge = 1}},
	{"two that are replaced in turn", 5, 4, 2, 0,
		{POLICY, .process_limit = 2, .surge = 1, .roll_batch = 1,
			.roll_alive_ns = NS_PER_S}},
	{"three workers", 5, 3, 1, 0, {POLICY, .process_limit = 3}},
	{"promised words", 6, 2, 0, 0,
		{POLICY, .process_limit = 2, .ready_notify = true,
			.retire_signal = true}},
	{"from a mold", 5, 3, 1, 0, {POLICY, .process_limit = 2, .mold = true}},
	{"kill the deaf", 6, 2, 2, 0,
		{POLICY, .process_limit = 2, .on_deaf_kill = true}},
	{"worn workers", 5, 3, 2, 0,
		{POLICY, .process_limit = 2, .replace_first = true}},
	{"clients that take too long", 5, 2, 2, 0,
		{POLICY, .process_limit = 2, .request_time_ns = NS_PER_S,
			.liveness_ns = 2 * NS_PER_S}},
	{"turned away", 7, 3, 1, 0,
		{POLICY, .process_limit = 1, .bounces = true}},
	{"turned away by chance", 5, 3, 1, 0,
		{POLICY, .process_limit = 1, .bounces = true, .bounce_over = 1,
			.bounce_stay_ns = 50 * NS_PER_MS}},
	{"two starts a second", 6, 2, 0, 0,
		{.start_rate = 2,
			.start_burst = 2,
			.throttle_time_ns = NS_PER_S,
			.deaf_time_ns = NS_PER_S,
			.kill_time_ns = NS_PER_S,
			.wakeup_ns = 3 * NS_PER_S}},
	{"paced", 5, 3, 0, 1, {POLICY, .process_limit = 3}},
	{"paced, one is ready", 5, 3, 1, 1, {POLICY, .process_limit = 3}},
	{"as Postfix has it", 5, 2, 0, 0,
		{.process_limit = 2,
			.start_rate = 1000,
			.start_burst = 1000,
			.throttle_time_ns = 2 * NS_PER_S,
			.quick_exit_ns = NS_PER_S,
			.deaf_time_ns = NS_PER_S,
			.wakeup_ns = 3 * NS_PER_S,
			.retire_grace_ns = 3600 * NS_PER_S,
			.drain_time_ns = 3600 * NS_PER_S,
			.kill_time_ns = NS_PER_S,
			.stress_time_ns = 3 * NS_PER_S,
			.throttle_whole = true,
			.wakeup_conditional = true}},
};

/* ---- states ------------------------------------------------------------- */

static uint64_t mixed(uint64_t hash, const void *bytes, size_t n)
{
	const unsigned char *at = bytes;
	uint64_t word;

	for (; n >= sizeof(word); n -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 29;
	}
	for (; n > 0; n--)
		hash = (hash ^ *at++) * UINT64_C(0x100000001b3);
	return hash;
}

/*
 * All that the future depends on. Statistics are left out, and a count of
 * words matters only by whether it moved since the watch fired.
 */
static uint64_t hash_of(const struct walk *walk, const struct place *place)
{
	const struct core *core = walk->core;
	struct pool pool = core->pools[0];
	struct promise_service service = place->promises.services[0];
	bool moved = pool.words != pool.lease.words;
	uint64_t hash = mixed(1, &place->now_ns, sizeof(place->now_ns));

	pool.words = moved;
	pool.lease.words = 0;
	pool.failures = pool.starts = pool.served = 0;
	pool.exits = pool.redundant = pool.molded = 0;
	pool.recycled = pool.timeouts = pool.hangs = 0;
	memset(pool.recycled_for, 0, sizeof(pool.recycled_for));
	pool.limit_hits = pool.limit_ns = pool.limit_since_ns = 0;
	hash = mixed(hash, &pool, sizeof(pool));
	hash = mixed(hash, core->workers,
		walk->limits.workers_max * sizeof(*core->workers));
	hash = mixed(hash, core->deadlines.at_ns,
		core->deadlines.things * sizeof(uint64_t));
	hash = mixed(hash, core->deadlines.heap,
		core->deadlines.n * sizeof(uint32_t));
	hash = mixed(hash, &core->workers_high,
		offsetof(struct core, now_ns) -
			offsetof(struct core, workers_high));
	hash = mixed(hash, &core->prng, sizeof(core->prng));
	service.limit_ns = service.limit_at_ns = 0;
	hash = mixed(hash, &service, sizeof(service));
	return mixed(hash, place->promises.workers,
		walk->limits.workers_max * sizeof(place->promises.workers[0]));
}

/* Was this state seen with at least LEFT moves to go? Now it was. */
static bool was_seen(struct walk *walk, uint64_t hash, unsigned left)
{
	uint64_t key = (hash | 16) & ~UINT64_C(15);
	uint64_t at = hash >> 20;

	for (unsigned i = 0; i < 64; i++) {
		uint64_t *entry = &walk->seen[(at + i) % SEEN_ROOM];

		if (*entry == 0) {
			*entry = key | left;
			return false;
		}
		if ((*entry & ~UINT64_C(15)) != key)
			continue;
		if ((*entry & 15) >= left)
			return true;
		*entry = key | left;
		return false;
	}
	return false;
}

static void keep(const struct walk *walk, struct place *place)
{
	memcpy(place->core, walk->core, walk->core_bytes);
}

static void go_back(struct walk *walk, const struct place *place)
{
	memcpy(walk->core, place->core, walk->core_bytes);
}

/* ---- moves -------------------------------------------------------------- */

struct choices {
	struct move moves[CHOICES_MAX];
	unsigned n;
};

static void offer(struct choices *choices, struct event event)
{
	if (choices->n == CHOICES_MAX)
		abort();
	choices->moves[choices->n++] = (struct move){{event}, 1, false};
}

static void offer_worker(
	struct choices *choices, const struct walk *walk, uint32_t slot)
{
	const struct core *core = walk->core;
	const struct worker *worker = &core->workers[slot];
	struct event event = {.slot = slot, .serial = worker->serial};
	static const enum event_kind words[] = {
		EVENT_READY, EVENT_TAKEN, EVENT_MUTE, EVENT_STOPPED};

	if (!worker->executed) {
		event.kind = EVENT_STARTED;
		offer(choices, event);
		event.kind = EVENT_START_FAILED;
		offer(choices, event);
		event.kind = EVENT_ORDER_FAILED;
		if (worker->mold != 0)
			offer(choices, event);
	}
	for (unsigned i = 0; i < 4; i++) {
		event.kind = words[i];
		/* Of a paced pool: a word by which a start is learned. */
		event.cpu_ns = core->limits.cpus > 0 && i < 2 ? NS_PER_MS : 0;
		if (event.kind == EVENT_STOPPED || !worker->mute)
			offer(choices, event);
	}
	if (walk->kind->policy.replace_first && worker->served &&
		worker->wear == WEAR_NONE) {
		event.kind = EVENT_WORN;
		event.wear = WEAR_USE;
		offer(choices, event);
		event.wear = WEAR_NONE;
	}
	event.kind = EVENT_EXITED;
	offer(choices, event);
	event.code = 1;
	offer(choices, event);
	event.code = 0;
	event.signal = 9;
	offer(choices, event);
}

static void offer_table(struct choices *choices, const struct walk *walk)
{
	static const enum row_change changes[] = {
		ROW_SAME, ROW_POLICY, ROW_CHANGED};
	const struct pool *pool = &walk->core->pools[0];
	struct event table = {.kind = EVENT_TABLE};

	for (unsigned i = 0; i < 3; i++) {
		struct event row = {.kind = EVENT_ROW,
			.change = changes[i],
			.policy = walk->kind->policy};

		if (changes[i] == ROW_POLICY)
			row.policy.process_limit = 1;
		if (changes[i] == ROW_SAME)
			row.policy = pool->policy;
		if (changes[i] == ROW_SAME && pool->state == POOL_FREE)
			continue;
		offer(choices, row);
		choices->moves[choices->n - 1].events[1] = table;
		choices->moves[choices->n - 1].n = 2;
	}
	if (pool->state == POOL_UP)
		offer(choices, table);
}

static void find_choices(
	const struct walk *walk, const struct place *place, struct choices *out)
{
	const struct core *core = walk->core;
	const struct pool *pool = &core->pools[0];
	uint32_t most = core->limits.cpus > 0 ? 3 : 2;

	out->n = 0;
	for (uint32_t depth = 0; depth <= most && pool->watching; depth++)
		offer(out,
			(struct event){.kind = EVENT_CLIENTS, .depth = depth});
	for (uint32_t depth = 0; depth <= most; depth++)
		if (place->promises.services[0].asked_looks > 0)
			offer(out, (struct event){.kind = EVENT_DEPTH,
					   .depth = depth});
	for (uint32_t slot = 0; slot < core->workers_high; slot++)
		if (core->workers[slot].state != WORKER_FREE)
			offer_worker(out, walk, slot);
	if (core_deadline_ns(core) != UINT64_MAX) {
		offer(out, (struct event){.kind = EVENT_TIME});
		out->moves[out->n - 1].later = true;
	}
	if (core->stopping) {
		offer(out, (struct event){.kind = EVENT_HURRY});
		return;
	}
	offer_table(out, walk);
	if (pool->state == POOL_UP)
		offer(out, (struct event){.kind = EVENT_LISTENER_LOST});
	if (pool->state == POOL_UP)
		offer(out, (struct event){.kind = EVENT_DRAIN});
	if (pool->state == POOL_DRAINED)
		offer(out, (struct event){.kind = EVENT_RESUME});
	if (pool->state == POOL_UP && walk->kind->policy.mold)
		offer(out, (struct event){.kind = EVENT_REMOLD});
	offer(out, (struct event){.kind = EVENT_STOP});
}

static void broken(struct walk *walk, const char *promise)
{
	printf("not ok %u - %s\n# %s\n", (unsigned)(walk->kind - kinds) + 1,
		walk->kind->name, promise);
	history_shrink(&walk->history, promise);
	history_write(&walk->history, stdout);
	exit(1);
}

static void step(struct walk *walk, struct place *place,
	const struct event *event, uint64_t now_ns)
{
	history_add(&walk->history, walk->core, event, now_ns);
	(void)promises_step(&place->promises, walk->core, event, now_ns);
	place->now_ns = now_ns;
	walk->steps++;
	if (place->promises.broken != NULL)
		broken(walk, place->promises.broken);
}

static void step_to_deadline(struct walk *walk, struct place *place)
{
	uint64_t at_ns = core_deadline_ns(walk->core);

	step(walk, place, &(struct event){.kind = EVENT_TIME},
		at_ns > place->now_ns ? at_ns : place->now_ns);
}

static void make(
	struct walk *walk, struct place *place, const struct move *move)
{
	if (move->later)
		step_to_deadline(walk, place);
	for (unsigned i = 0; i < move->n && !move->later; i++)
		step(walk, place, &move->events[i], place->now_ns);
}

/* ---- looking ahead ------------------------------------------------------- */

static void tell_started(struct walk *walk, struct place *place)
{
	for (uint32_t slot = 0; slot < walk->core->workers_high; slot++) {
		struct event event = {.kind = EVENT_STARTED,
			.slot = slot,
			.serial = walk->core->workers[slot].serial};

		if (walk->core->workers[slot].state != WORKER_FREE)
			step(walk, place, &event, place->now_ns);
	}
}

/* L1: a client waits and no worker says a word: one more is started. */
static void must_be_answered(struct walk *walk, struct place *place)
{
	uint64_t starts = walk->core->pools[0].starts;

	tell_started(walk, place);
	for (unsigned i = 0; i < AHEAD_STEPS; i++) {
		struct promise_service *s = &place->promises.services[0];

		if (walk->core->pools[0].starts != starts ||
			promises_room(&place->promises, 0) == 0)
			return;
		if (s->asked_looks > 0)
			step(walk, place,
				&(struct event){
					.kind = EVENT_DEPTH, .depth = 1},
				place->now_ns);
		else if (s->watching)
			step(walk, place,
				&(struct event){
					.kind = EVENT_CLIENTS, .depth = 1},
				place->now_ns);
		else if (core_deadline_ns(walk->core) == UINT64_MAX)
			broken(walk, "L1: a client waits, and nothing is due");
		else
			step_to_deadline(walk, place);
	}
	broken(walk, "L1: a client waits for ever");
}

/* L7: nobody does as asked, and the master is done all the same. */
static void must_end(struct walk *walk, struct place *place)
{
	if (!place->promises.stopping)
		step(walk, place, &(struct event){.kind = EVENT_STOP},
			place->now_ns);
	for (unsigned i = 0; i < AHEAD_STEPS; i++) {
		if (place->promises.done)
			return;
		if (core_deadline_ns(walk->core) == UINT64_MAX)
			break;
		step_to_deadline(walk, place);
	}
	broken(walk, "L7: a stop that does not end");
}

static void look_ahead(struct walk *walk, const struct place *from)
{
	struct place ahead = *from;
	size_t length = walk->history.n;

	walk->aheads++;
	if (walk->core->pools[0].state == POOL_UP)
		must_be_answered(walk, &ahead);
	walk->history.n = length;
	go_back(walk, from);
	ahead = *from;
	must_end(walk, &ahead);
	walk->history.n = length;
	go_back(walk, from);
}

/* ---- the walk ------------------------------------------------------------ */

static void walk_on(struct walk *walk, unsigned length, unsigned left)
{
	struct place *here = &walk->places[length];
	struct place *next = &walk->places[length + 1];
	struct choices choices;
	size_t history = walk->history.n;

	if (was_seen(walk, hash_of(walk, here), left))
		return;
	walk->states++;
	if (left == 0)
		return;
	keep(walk, here);
	if (left >= 3)
		look_ahead(walk, here);
	find_choices(walk, here, &choices);
	for (unsigned i = 0; i < choices.n; i++) {
		next->promises = here->promises;
		next->now_ns = here->now_ns;
		make(walk, next, &choices.moves[i]);
		walk_on(walk, length + 1, left - 1);
		walk->history.n = history;
		go_back(walk, here);
	}
}

/* Workers that have started and said so, and a queue that is empty. */
static void begin_ready(struct walk *walk, uint32_t ready)
{
	struct place *place = &walk->places[0];

	if (ready == 0)
		return;
	step(walk, place,
		&(struct event){.kind = EVENT_CLIENTS, .depth = ready},
		BEGIN_NS);
	for (uint32_t slot = 0; slot < ready; slot++)
		step(walk, place,
			&(struct event){.kind = EVENT_READY,
				.slot = slot,
				.serial = walk->core->workers[slot].serial},
			BEGIN_NS);
	step_to_deadline(walk, place);
	step(walk, place, &(struct event){.kind = EVENT_DEPTH}, place->now_ns);
}

static void begin(struct walk *walk, const struct pool_kind *kind)
{
	struct event row = {.kind = EVENT_ROW,
		.change = ROW_CHANGED,
		.policy = kind->policy};

	*walk = (struct walk){.kind = kind,
		.limits = {.services_max = 1,
			.workers_max = kind->slots,
			.seed = 1,
			.cpus = kind->cpus}};
	walk->core_bytes = core_size(&walk->limits);
	walk->core = core_init(calloc(1, walk->core_bytes), &walk->limits);
	walk->seen = calloc(SEEN_ROOM, sizeof(*walk->seen));
	for (unsigned i = 0; i < LENGTH_MAX + 2; i++)
		walk->places[i].core = calloc(1, walk->core_bytes);
	promises_init(&walk->places[0].promises, &walk->limits);
	history_init(&walk->history, &walk->limits);
	step(walk, &walk->places[0], &row, BEGIN_NS);
	step(walk, &walk->places[0], &(struct event){.kind = EVENT_TABLE},
		BEGIN_NS);
	begin_ready(walk, kind->ready);
}

static void end(struct walk *walk)
{
	for (unsigned i = 0; i < LENGTH_MAX + 2; i++)
		free(walk->places[i].core);
	history_finish(&walk->history);
	free(walk->seen);
	free(walk->core);
}

int main(int argc, char **argv)
{
	unsigned less = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
	unsigned n = sizeof(kinds) / sizeof(kinds[0]);
	static struct walk walk;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("1..%u\n", n);
	for (unsigned i = 0; i < n; i++) {
		unsigned depth = kinds[i].depth - less;

		begin(&walk, &kinds[i]);
		walk_on(&walk, 0, depth);
		printf("ok %u - every history of %u moves: %s\n", i + 1, depth,
			kinds[i].name);
		printf("# %" PRIu64 " states, %" PRIu64 " steps, %" PRIu64
		       " looked ahead from\n",
			walk.states, walk.steps, walk.aheads);
		end(&walk);
	}
	return 0;
}
