/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <assert.h>
#include <stddef.h>

#include "base/number.h"

#define BEGIN_NS (1000 * NS_PER_S)
#define DEPTH_MAX 64
#define SOON_NS (50 * UINT64_C(1000))

/* ---- chance -------------------------------------------------------------- */

bool world_chance(struct world *world, enum fault fault)
{
	return !world->calm && world->faults[fault] > 0 &&
	       prng_below(&world->prng, 1000) < world->faults[fault];
}

/* From half of NS to one and a half, and now and then far off. */
uint64_t world_about(struct world *world, uint64_t ns)
{
	if (prng_below(&world->prng, 50) == 0)
		ns *= 4;
	return ns / 2 + prng_below(&world->prng, ns + 1);
}

static uint64_t between(struct world *world, uint64_t low, uint64_t high)
{
	return low + prng_below(&world->prng, high - low + 1);
}

/* Small ones as likely as large ones. */
static uint64_t scaled(struct world *world, uint64_t low, uint64_t high)
{
	uint64_t value = low;

	while (value < high && prng_below(&world->prng, 4) != 0)
		value *= 2;
	return value < high ? value : high;
}

static bool coin(struct world *world)
{
	return prng_below(&world->prng, 2) == 1;
}

/* ---- making one ----------------------------------------------------------- */

static uint64_t maybe(struct world *world, uint64_t low, uint64_t high)
{
	return prng_below(&world->prng, 3) == 0 ? 0 : scaled(world, low, high);
}

static struct policy some_policy(
	struct world *world, const struct world_service *s)
{
	struct policy policy = {
		.process_limit = (uint32_t)between(world, 0, 6),
		.surge = (uint32_t)between(world, 0, 2),
		.start_rate = (uint32_t)scaled(world, 4, 1000),
		.start_burst = (uint32_t)scaled(world, 1, 50),
		.throttle_time_ns = scaled(world, NS_PER_MS, 20 * NS_PER_S),
		.quick_exit_ns = maybe(world, 100 * NS_PER_MS, 2 * NS_PER_S),
		.deaf_time_ns = scaled(world, 10 * NS_PER_MS, 3 * NS_PER_S),
		.start_time_limit_ns =
			scaled(world, 100 * NS_PER_MS, 20 * NS_PER_S),
		.wakeup_ns = coin(world) ? 0
					 : scaled(world, 100 * NS_PER_MS,
						   10 * NS_PER_S),
		.retire_grace_ns = maybe(world, NS_PER_MS, 3 * NS_PER_S),
		.drain_time_ns = maybe(world, 10 * NS_PER_MS, 10 * NS_PER_S),
		.stop_time_ns = maybe(world, 10 * NS_PER_MS, 5 * NS_PER_S),
		.leave_time_ns = maybe(world, 10 * NS_PER_MS, 10 * NS_PER_S),
		.kill_time_ns = maybe(world, 10 * NS_PER_MS, 3 * NS_PER_S),
		.max_age_ns = maybe(world, 500 * NS_PER_MS, 60 * NS_PER_S),
		.request_time_ns = maybe(world, 10 * NS_PER_MS, 5 * NS_PER_S),
		.replace_first = coin(world),
		.ready_notify = s->speaks && coin(world),
		.retire_signal = coin(world),
		.on_deaf_kill = coin(world),
		.throttle_whole = coin(world),
		.wakeup_conditional = coin(world),
		.mold = coin(world),
		.bounces = coin(world),
	};

	world_spares(world, &policy);
	if (coin(world)) {
		policy.surge = 0;
		policy.replace_first = false;
		policy.stress_time_ns = 8 * s->start_ns +
					scaled(world, NS_PER_MS, 20 * NS_PER_S);
	}

	/* An operator who gives them less never gets any. */
	if (policy.start_time_limit_ns < 8 * s->start_ns)
		policy.start_time_limit_ns = 8 * s->start_ns;
	/* As the configuration has it: a lone worker is never two. */
	if (policy.process_limit == 1)
		policy.surge = 0;
	return policy;
}

static void make_service(struct world *world, struct world_service *s)
{
	s->configured = true;
	s->speaks = coin(world);
	s->locks = !s->speaks && coin(world);
	s->start_ns = scaled(world, NS_PER_MS, 2 * NS_PER_S);
	s->start_cpu = (unsigned)between(world, 0, 3) * 33;
	s->policy = some_policy(world, s);
	s->serve_ns = scaled(world, 100 * UINT64_C(1000), NS_PER_S);
	s->gap_ns = scaled(world, NS_PER_MS, 4 * NS_PER_S);
	s->idle_ns = scaled(world, 500 * NS_PER_MS, 60 * NS_PER_S);
	s->max_use = (unsigned)maybe(world, 1, 100);
	s->asks = coin(world);
	s->arrival_ns = world->now_ns + world_about(world, s->gap_ns);
}

/* An operator who keeps changing things, for better and for worse. */
static bool tries(const struct world *world)
{
	return world->faults[FAULT_BAD_CANARY] > 0;
}

/* A third of the faults, each as often as it was drawn. */
static void draw_faults(struct world *world)
{
	for (unsigned i = 0; i < FAULTS; i++)
		world->faults[i] = prng_below(&world->prng, 3) == 0
					   ? (unsigned)scaled(world, 2, 500)
					   : 0;
	if (world->faults[FAULT_RELOAD] > 0 || tries(world))
		world->operator_ns = world->now_ns;
}

void world_init(struct world *world, uint64_t seed)
{
	*world = (struct world){.now_ns = BEGIN_NS, .operator_ns = UINT64_MAX};
	prng_seed(&world->prng, seed);
	world->services_n = (uint32_t)between(world, 1, WORLD_SERVICES);
	world->slots_n = (uint32_t)between(world, 1, WORLD_SLOTS);
	draw_faults(world);
	for (uint32_t i = 0; i < world->services_n; i++)
		make_service(world, &world->services[i]);
}

/* ---- the operator --------------------------------------------------------- */

static void put(struct batch *out, struct event event)
{
	assert(out->n < WORLD_BATCH);
	out->events[out->n++] = event;
}

static enum row_change change_row(
	struct world *world, struct world_service *s, bool first)
{
	uint64_t dice = prng_below(&world->prng, 5);

	if (first || dice == 0) {
		make_service(world, s);
		return ROW_CHANGED;
	}
	if (dice == 1) {
		s->policy = some_policy(world, s);
		return ROW_POLICY;
	}
	return dice == 4 ? ROW_SAME : dice == 3 ? ROW_REPLACED : ROW_CHANGED;
}

/* As the shell has it: what can be tried is not in force yet. */
static struct event some_row(struct world *world, uint32_t i, bool first)
{
	struct world_service *s = &world->services[i];
	struct event event = {.kind = EVENT_ROW, .service = i};

	event.trial = !first && prng_below(&world->prng, 3) == 0;
	if (event.trial) {
		event.change = coin(world) ? ROW_CHANGED : ROW_POLICY;
		s->trial = some_policy(world, s);
		if (s->trial.canary == 0)
			s->trial.canary = 1;
		event.policy = s->trial;
	} else {
		event.change = change_row(world, s, first);
		event.policy = s->policy;
	}
	return event;
}

void world_reload(struct world *world, struct batch *out)
{
	for (uint32_t i = 0; i < world->services_n; i++) {
		struct world_service *s = &world->services[i];
		bool was_configured = s->configured && s->open;
		bool keep =
			world->orders == 0 || prng_below(&world->prng, 5) != 0;

		s->configured = keep;
		if (!keep)
			continue;
		put(out, some_row(world, i, !was_configured));
		s->open = true;
	}
	world->orders++;
	put(out, (struct event){.kind = EVENT_TABLE});
}

/* ---- time ------------------------------------------------------------------ */

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static bool is_heard(const struct guest *guest)
{
	/* Of a start that failed the dead have nothing more to tell. */
	bool told = guest->state == GUEST_DEAD;

	return guest->words_n > 0 ||
	       (guest->exec_result && !(told && guest->exec_failed)) ||
	       (guest->order_failed && !told) ||
	       (guest->wear != WEAR_NONE && !guest->worn) ||
	       (guest->closed && !guest->mute && guest->state != GUEST_DEAD);
}

/* When the master hears of what can be heard at AT_NS. */
static uint64_t awake_ns(const struct world *world, uint64_t at_ns)
{
	return !world->calm && at_ns < world->awake_ns ? world->awake_ns
						       : at_ns;
}

static uint64_t guest_next_ns(
	const struct world *world, const struct guest *guest)
{
	uint64_t at_ns = UINT64_MAX;

	if (guest->state == GUEST_NONE)
		return at_ns;
	if (is_heard(guest))
		at_ns = awake_ns(world, guest->heard_ns);
	if (guest->state == GUEST_DEAD)
		return earlier(at_ns, awake_ns(world, guest->end_ns));
	return guest->stopped ? at_ns : earlier(at_ns, guest->next_ns);
}

uint64_t world_next_ns(const struct world *world)
{
	uint64_t soon_ns = awake_ns(world, world->now_ns + SOON_NS);
	uint64_t at_ns = UINT64_MAX;

	for (uint32_t i = 0; i < world->slots_n; i++)
		at_ns = earlier(at_ns, guest_next_ns(world, &world->guests[i]));
	for (uint32_t i = 0; i < world->services_n; i++) {
		const struct world_service *s = &world->services[i];

		if (s->looks > 0 || s->examine || s->lost ||
			(s->armed && s->depth > 0))
			at_ns = earlier(at_ns, soon_ns);
		if (s->open && !world->calm)
			at_ns = earlier(at_ns, s->arrival_ns);
	}
	if (!world->calm)
		at_ns = earlier(at_ns, awake_ns(world, world->operator_ns));
	return at_ns > world->now_ns ? at_ns : world->now_ns;
}

uint64_t world_awake_ns(const struct world *world, uint64_t at_ns)
{
	return awake_ns(world, at_ns);
}

void world_arrive(struct world *world, uint32_t service, unsigned n)
{
	struct world_service *s = &world->services[service];

	for (unsigned i = 0; i < n && s->depth < DEPTH_MAX; i++) {
		if (s->depth++ == 0)
			s->moved_ns = world->now_ns;
		guest_wake_one(world, service);
	}
}

static void clients(struct world *world, uint32_t service)
{
	struct world_service *s = &world->services[service];

	if (s->depth > 0 && world_chance(world, FAULT_GIVE_UP))
		s->depth--;
	if (s->open && world_chance(world, FAULT_LISTENER_LOST))
		s->lost = true;
	if (!s->open || world->calm || world->now_ns < s->arrival_ns)
		return;
	s->arrival_ns = world->now_ns + world_about(world, s->gap_ns);
	world_arrive(world, service,
		world_chance(world, FAULT_BURST)
			? (unsigned)between(world, 2, 20)
			: 1);
}

void world_pass(struct world *world, uint64_t now_ns)
{
	assert(now_ns >= world->now_ns);
	world->now_ns = now_ns;
	for (uint32_t i = 0; i < world->services_n; i++)
		clients(world, i);
	for (uint32_t i = 0; i < world->slots_n; i++) {
		struct guest *guest = &world->guests[i];

		if (guest->state == GUEST_NONE)
			continue;
		if (!world->calm && prng_below(&world->prng, 500) == 0)
			guest_recover(world, guest);
		if (guest->state != GUEST_DEAD && !guest->stopped &&
			guest->next_ns <= now_ns)
			guest_move(world, guest);
	}
	if (now_ns >= world->awake_ns &&
		world_chance(world, FAULT_MASTER_SLEEPS))
		world->awake_ns = now_ns + world_about(world, NS_PER_S);
}

/* ---- what the master hears -------------------------------------------------- */

/* What its start has taken so far; all of it, once it is up. */
static uint64_t start_cpu(const struct world *world, const struct guest *guest)
{
	uint64_t up_ns = guest->up_ns != 0 ? guest->up_ns - guest->born_ns
					   : world->now_ns - guest->born_ns;

	return up_ns / 100 * world->services[guest->service].start_cpu;
}

static uint64_t starting_cpu(struct world *world, uint32_t service)
{
	uint64_t sum_ns = 0;

	for (uint32_t i = 0; i < world->slots_n; i++) {
		const struct guest *guest = &world->guests[i];

		if ((guest->state == GUEST_BORN ||
			    guest->state == GUEST_INIT) &&
			guest->service == service)
			sum_ns += start_cpu(world, guest);
	}
	if (world_chance(world, FAULT_WRONG_DEPTH))
		return prng_below(&world->prng, 4 * sum_ns + 1);
	return sum_ns;
}

static void hear_words(struct world *world, uint32_t slot, struct batch *out)
{
	struct guest *guest = &world->guests[slot];
	struct event event = {.slot = slot, .serial = guest->serial};
	bool ended =
		guest->state == GUEST_DEAD && guest->end_ns <= world->now_ns;

	/* The last words are read before the end is told, however late. */
	if (guest->heard_ns > world->now_ns && !ended)
		return;
	for (unsigned i = 0; i < guest->words_n; i++) {
		event.kind = guest->words[i];
		event.cpu_ns = guest->heard ? 0 : start_cpu(world, guest);
		guest->heard = true;
		put(out, event);
	}
	event.cpu_ns = 0;
	guest->words_n = 0;
	if (guest->exec_result && !guest->exec_failed) {
		event.kind = EVENT_STARTED;
		put(out, event);
		guest->exec_result = false;
	}
	if (guest->closed && !guest->mute && guest->state != GUEST_DEAD) {
		guest->mute = true;
		event.kind = EVENT_MUTE;
		put(out, event);
	}
	if (guest->wear != WEAR_NONE && !guest->worn) {
		guest->worn = true;
		event.kind = EVENT_WORN;
		event.wear = guest->wear;
		put(out, event);
	}
}

static void hear_end(struct world *world, uint32_t slot, struct batch *out)
{
	struct guest *guest = &world->guests[slot];
	struct event event = {.slot = slot, .serial = guest->serial};

	if (guest->order_failed && guest->state != GUEST_DEAD) {
		if (guest->heard_ns > world->now_ns)
			return;
		event.kind = EVENT_ORDER_FAILED;
	} else if (guest->exec_failed && guest->state != GUEST_DEAD) {
		event.kind = EVENT_START_FAILED;
		event.stage = 9;
		event.error = guest->temporary ? 11 : 2;
		event.temporary = guest->temporary;
	} else if (guest->state == GUEST_DEAD &&
		   guest->end_ns <= world->now_ns) {
		event.kind = EVENT_EXITED;
		event.unknown = prng_below(&world->prng, 64) == 0;
		event.code = event.unknown ? 0 : guest->code;
		event.signal = event.unknown ? 0 : guest->signal;
	} else {
		return;
	}
	put(out, event);
	*guest = (struct guest){.state = GUEST_NONE};
}

static unsigned seen_depth(struct world *world, const struct world_service *s)
{
	if (world_chance(world, FAULT_WRONG_DEPTH))
		return (unsigned)between(world, 0, 2 * s->depth + 1);
	return s->depth;
}

static void hear_service(struct world *world, uint32_t i, struct batch *out)
{
	struct world_service *s = &world->services[i];
	struct event event = {.service = i};

	if (s->lost) {
		event.kind = EVENT_LISTENER_LOST;
		s->lost = s->armed = false;
		s->depth = 0; /* its clients are gone with it */
		put(out, event);
	}
	if (s->armed && (s->depth > 0 || world_chance(world, FAULT_SPURIOUS))) {
		s->armed = false;
		event.kind = EVENT_CLIENTS;
		event.depth = seen_depth(world, s);
		event.cpu_ns = starting_cpu(world, i);
		put(out, event);
	}
	for (; s->looks > 0; s->looks--) {
		event.kind = EVENT_DEPTH;
		event.depth = seen_depth(world, s);
		event.cpu_ns = starting_cpu(world, i);
		if (!world_chance(world, FAULT_NO_DEPTH))
			put(out, event);
	}
}

/* As the shell does it: the lock's holder, if it is found stopped twice. */
static void hear_holder(
	struct world *world, uint32_t service, struct batch *out)
{
	struct world_service *s = &world->services[service];
	const struct guest *holder = guest_holder(world, service);
	uint32_t serial =
		holder != NULL && holder->stopped ? holder->serial : 0;

	if (!s->examine)
		return;
	if (serial != 0 && serial == s->stopped)
		put(out, (struct event){.kind = EVENT_STOPPED,
				 .slot = (uint32_t)(holder - world->guests),
				 .serial = serial});
	s->stopped = serial;
	s->examine = false;
}

/* What was true once and is heard again; the core must see that it is old. */
static void hear_past(struct world *world, struct batch *out)
{
	struct event event = world->past[prng_below(&world->prng, 16)];
	const struct guest *guest = &world->guests[event.slot % WORLD_SLOTS];
	bool current =
		guest->state != GUEST_NONE && guest->serial == event.serial;

	if (event.kind == EVENT_CLIENTS && world->services[event.service].armed)
		return;
	if (event.kind == EVENT_CLIENTS || event.kind == EVENT_DEPTH ||
		event.kind == EVENT_READY || event.kind == EVENT_TAKEN ||
		(event.kind >= EVENT_STARTED && event.kind <= EVENT_EXITED &&
			!current))
		put(out, event);
}

static void shuffle(struct world *world, struct batch *batch)
{
	for (unsigned i = batch->n; i > 1; i--) {
		unsigned j = (unsigned)prng_below(&world->prng, i);
		struct event event = batch->events[i - 1];

		batch->events[i - 1] = batch->events[j];
		batch->events[j] = event;
	}
}

static void remember(struct world *world, const struct batch *batch)
{
	for (unsigned i = 0; i < batch->n; i++)
		if (batch->events[i].kind >= EVENT_CLIENTS)
			world->past[world->past_n++ % 16] = batch->events[i];
}

/* As the shell has it: words, then ends, then clients. */
void world_hear(struct world *world, struct batch *out)
{
	out->n = 0;
	if (world->now_ns < world->awake_ns && !world->calm)
		return;
	for (uint32_t i = 0; i < world->slots_n; i++)
		if (world->guests[i].state != GUEST_NONE)
			hear_words(world, i, out);
	for (uint32_t i = 0; i < world->slots_n; i++)
		if (world->guests[i].state != GUEST_NONE)
			hear_end(world, i, out);
	for (uint32_t i = 0; i < world->services_n; i++)
		if (world->services[i].open) {
			hear_holder(world, i, out);
			hear_service(world, i, out);
		}
	if (out->n > 1 && world_chance(world, FAULT_DISORDER))
		shuffle(world, out);
	remember(world, out);
	if (world_chance(world, FAULT_STALE))
		hear_past(world, out);
	if (!world->calm && world->now_ns >= world->operator_ns) {
		world->operator_ns =
			world->now_ns +
			world_about(
				world, tries(world) ? NS_PER_S : 5 * NS_PER_S);
		if (world_chance(world, FAULT_RELOAD) ||
			(tries(world) && coin(world)))
			world_reload(world, out);
		else
			put(out, world_order(world));
	}
}
