/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <stddef.h>

#include "base/number.h"

#define NEVER UINT64_MAX
#define SOON_NS (50 * UINT64_C(1000))

static struct world_service *service_of(
	struct world *world, const struct guest *guest)
{
	return &world->services[guest->service];
}

/* All shares together fit into the slots, and leave one. */
static void some_rolls(struct world *world, struct policy *policy)
{
	policy->roll_batch = (uint32_t)prng_below(&world->prng, 4);
	policy->roll_percent = prng_below(&world->prng, 3) == 0;
	if (policy->roll_percent)
		policy->roll_batch *= 30;
	policy->roll_alive_ns = world_about(world, NS_PER_S);
	policy->generations_max = (uint32_t)prng_below(&world->prng, 4);
}

void world_spares(struct world *world, struct policy *policy)
{
	uint32_t share = world->slots_n / world->services_n;

	policy->spare_min = (uint32_t)prng_below(&world->prng, 5);
	policy->spare_max = (uint32_t)prng_below(&world->prng, 7);
	if (prng_below(&world->prng, 3) != 0)
		policy->trim_interval_ns = world_about(world, 5 * NS_PER_S);
	policy->share = (uint32_t)prng_below(&world->prng, share + 1);
	policy->canary = (uint32_t)prng_below(&world->prng, 4);
	policy->canary_percent = prng_below(&world->prng, 2) == 0;
	if (policy->canary_percent)
		policy->canary *= 25;
	policy->canary_time_ns = world_about(world, 3 * NS_PER_S);
	policy->canary_min = (uint32_t)prng_below(&world->prng, 4);
	if (policy->bounces && prng_below(&world->prng, 2) == 0) {
		policy->bounce_over = (uint32_t)prng_below(&world->prng, 20);
		policy->bounce_stay_ns = prng_below(&world->prng, NS_PER_S);
	}
	some_rolls(world, policy);
}

static struct event scale(struct world *world)
{
	uint32_t limit = 1 + (uint32_t)prng_below(&world->prng, 6);

	return (struct event){.kind = EVENT_SCALE,
		.service =
			(uint32_t)prng_below(&world->prng, world->services_n),
		.policy = {.process_limit = limit,
			.spare_min =
				(uint32_t)prng_below(&world->prng, limit + 1),
			.spare_max = (uint32_t)prng_below(&world->prng, 7)}};
}

struct event world_order(struct world *world)
{
	static const enum event_kind kinds[] = {
		EVENT_REMOLD, EVENT_DRAIN, EVENT_RESUME};
	uint64_t dice = prng_below(&world->prng, 6);

	if (dice >= 3)
		return scale(world);
	return (struct event){.kind = kinds[dice],
		.service =
			(uint32_t)prng_below(&world->prng, world->services_n)};
}

void guest_spawn(struct world *world, const struct action *action)
{
	struct guest *guest = &world->guests[action->slot];

	*guest = (struct guest){.state = GUEST_BORN,
		.kind = action->worker,
		.canary = action->canary,
		.ordered = action->mold_serial != 0,
		.mold = action->mold_slot,
		.mold_serial = action->mold_serial,
		.service = action->service,
		.serial = action->serial,
		.born_ns = world->now_ns,
		.next_ns = world->now_ns + world_about(world, NS_PER_MS),
		.ignores_eof = world_chance(world, FAULT_IGNORE_EOF),
		.ignores_term = world_chance(world, FAULT_IGNORE_TERM),
		.unkillable = world_chance(world, FAULT_UNKILLABLE),
		.lies = world_chance(world, FAULT_LIE)};
}

static void say(struct world *world, struct guest *guest, enum event_kind word)
{
	unsigned times = 1;

	if (guest->disconnected || guest->closed ||
		world_chance(world, FAULT_LOSE_WORD))
		return;
	if (world_chance(world, FAULT_REPEAT_WORD))
		times = 2;
	if (world_chance(world, FAULT_FLOOD))
		times = WORLD_WORDS;
	/* Late is late by the first of them, or a busy one is never heard. */
	if (guest->words_n == 0 && !guest->exec_result)
		guest->heard_ns = world->now_ns + SOON_NS;
	if (guest->words_n == 0 && world_chance(world, FAULT_LATE_WORD))
		guest->heard_ns += world_about(world, 300 * NS_PER_MS);
	while (times-- > 0 && guest->words_n < WORLD_WORDS)
		guest->words[guest->words_n++] = word;
}

struct guest *guest_holder(struct world *world, uint32_t service)
{
	struct guest *first = NULL;

	if (!world->services[service].locks)
		return NULL;
	for (uint32_t i = 0; i < world->slots_n; i++) {
		struct guest *guest = &world->guests[i];

		if (guest->service == service &&
			(guest->state == GUEST_ASLEEP ||
				guest->state == GUEST_WOKEN) &&
			(first == NULL || guest->order < first->order))
			first = guest;
	}
	return first;
}

/* In a queue for the lock it neither sees nor hears. */
static bool is_deaf(struct world *world, const struct guest *guest)
{
	return guest->state == GUEST_ASLEEP &&
	       service_of(world, guest)->locks &&
	       guest_holder(world, guest->service) != guest;
}

/*
 * The lock is free: the next one looks. (One that hangs gives it up here,
 * though none would in truth: nobody could help its service then.)
 */
static void pass_lock(struct world *world, uint32_t service);

static void die(struct world *world, struct guest *guest, int code, int signal)
{
	guest->state = GUEST_DEAD;
	guest->code = code;
	guest->signal = signal;
	guest->busy = false;
	guest->next_ns = NEVER;
	guest->end_ns = world->now_ns + SOON_NS;
	if (world_chance(world, FAULT_LATE_END))
		guest->end_ns += world_about(world, 200 * NS_PER_MS);
	pass_lock(world, guest->service);
}

static void die_somehow(struct world *world, struct guest *guest)
{
	static const struct {
		int code, signal;
	} ends[] = {{0, 0}, {1, 0}, {75, 0}, {0, 11}, {0, 9}};
	uint64_t which = prng_below(&world->prng, 5);

	die(world, guest, ends[which].code, ends[which].signal);
}

/* At the listener: a client that waits already is seen at once. */
static void attend(struct world *world, struct guest *guest)
{
	struct world_service *s = service_of(world, guest);

	if (guest->eof && !guest->ignores_eof) {
		die(world, guest, 0, 0);
		return;
	}
	guest->state = s->depth > 0 ? GUEST_WOKEN : GUEST_ASLEEP;
	guest->next_ns =
		world->now_ns +
		(s->depth > 0 ? SOON_NS : world_about(world, s->idle_ns));
}

static void pass_lock(struct world *world, uint32_t service)
{
	struct guest *next = guest_holder(world, service);

	if (next != NULL && next->state == GUEST_ASLEEP && !next->stopped &&
		next->next_ns == NEVER)
		attend(world, next);
}

/* One that asks to be replaced serves on for a while. */
static bool is_used_up(const struct world_service *s, const struct guest *guest)
{
	return s->max_use != 0 &&
	       guest->clients >= (s->asks ? 2 * s->max_use : s->max_use);
}

static void sleep_or_wake(struct world *world, struct guest *guest)
{
	struct world_service *s = service_of(world, guest);

	guest->busy = false;
	if (is_used_up(s, guest)) {
		die(world, guest, 0, 0);
		return;
	}
	guest->state = GUEST_ASLEEP;
	guest->order = world->orders++;
	guest->next_ns = NEVER;
	if (!is_deaf(world, guest))
		attend(world, guest);
}

static void serve(struct world *world, struct guest *guest)
{
	struct world_service *s = service_of(world, guest);

	s->depth--;
	s->moved_ns = world->now_ns;
	guest->clients++;
	guest->busy = true;
	guest->state = GUEST_SERVING;
	guest->next_ns = world->now_ns + world_about(world, s->serve_ns);
	pass_lock(world, guest->service);
}

static void accept_one(struct world *world, struct guest *guest)
{
	if (world_chance(world, FAULT_DIE_WOKEN)) {
		die_somehow(world, guest);
		return;
	}
	if (service_of(world, guest)->depth == 0) {
		sleep_or_wake(world, guest); /* EAGAIN */
		return;
	}
	serve(world, guest);
	say(world, guest, EVENT_TAKEN);
}

/* By its own count; or it was measured, and it grows now and then. */
static void wear_out(struct world *world, struct guest *guest)
{
	const struct world_service *s = service_of(world, guest);

	if (guest->wear != WEAR_NONE)
		return;
	if (s->asks && s->max_use != 0 && guest->clients >= s->max_use)
		guest->wear = WEAR_USE;
	else if (world_chance(world, FAULT_GROW))
		guest->wear = WEAR_MEMORY;
	if (guest->words_n == 0 && !guest->exec_result)
		guest->heard_ns = world->now_ns + SOON_NS;
}

/* libostler serves on without a word; others say AVAIL and look again. */
static void served(struct world *world, struct guest *guest)
{
	struct world_service *s = service_of(world, guest);

	wear_out(world, guest);
	if (s->speaks && s->depth > 0 && !guest->eof && !is_used_up(s, guest)) {
		serve(world, guest);
		return;
	}
	if (guest->disconnected && !guest->ignores_eof) {
		die(world, guest, 0, 0);
		return;
	}
	say(world, guest, EVENT_READY);
	sleep_or_wake(world, guest);
}

/* By its mold, if that is there and well; else nobody does it. */
static void be_made(struct world *world, struct guest *guest)
{
	const struct guest *mold = &world->guests[guest->mold];

	if (mold->serial != guest->mold_serial || mold->state != GUEST_APART ||
		mold->stopped || world_chance(world, FAULT_BAD_ORDER)) {
		guest->order_failed = true;
		guest->next_ns = NEVER;
		guest->heard_ns = world->now_ns + world_about(world, NS_PER_S);
		return;
	}
	guest->exec_result = true;
	guest->heard_ns = world->now_ns + SOON_NS;
	guest->state = GUEST_INIT;
}

static void exec(struct world *world, struct guest *guest)
{
	struct world_service *s = service_of(world, guest);
	uint64_t init_ns = world_about(world, s->start_ns);

	guest->exec_result = true;
	guest->heard_ns = world->now_ns + SOON_NS;
	guest->temporary = world_chance(world, FAULT_NO_RESOURCE);
	if (guest->temporary || world_chance(world, FAULT_BAD_COMMAND) ||
		(guest->canary && world_chance(world, FAULT_BAD_CANARY))) {
		guest->exec_failed = true;
		guest->next_ns = NEVER;
		return;
	}
	if (world_chance(world, FAULT_SLOW_START))
		init_ns += world_about(world, 5 * NS_PER_S);
	guest->state = GUEST_INIT;
	guest->next_ns = world->now_ns + init_ns;
	if (world_chance(world, FAULT_QUICK_EXIT))
		die(world, guest, 0, 0);
}

/* It says when it is ready, and then hears what it is told. */
static void wait_apart(struct world *world, struct guest *guest)
{
	say(world, guest,
		world_chance(world, FAULT_NO_MOLD) ? EVENT_TAKEN : EVENT_READY);
	guest->state = GUEST_APART;
	guest->next_ns = world->now_ns + world_about(world, NS_PER_S);
	guest_poke(world, guest);
}

static void ready(struct world *world, struct guest *guest)
{
	guest->up_ns = world->now_ns;
	if (guest->kind != KIND_WORKER) {
		wait_apart(world, guest);
		return;
	}
	if (service_of(world, guest)->speaks || guest->ordered)
		say(world, guest, EVENT_READY);
	sleep_or_wake(world, guest);
}

/* Out of the blue: true if it did not do what it was about to do. */
static bool misbehave(struct world *world, struct guest *guest)
{
	if (world_chance(world, FAULT_DIE)) {
		die_somehow(world, guest);
		return true;
	}
	if (world_chance(world, FAULT_HANG)) {
		guest->before = guest->state;
		guest->state = GUEST_HUNG;
		guest->next_ns = NEVER;
		pass_lock(world, guest->service);
		return true;
	}
	if (world_chance(world, FAULT_STOP)) {
		guest->stopped = true;
		return true;
	}
	if (guest->words_n == 0 && world_chance(world, FAULT_MUTE))
		guest->closed = true;
	if (guest->lies)
		say(world, guest,
			prng_below(&world->prng, 2) ? EVENT_READY
						    : EVENT_TAKEN);
	return false;
}

/* A bouncer turns one away, with a word for each, and looks for the next. */
static void bounce(struct world *world, struct guest *guest)
{
	struct world_service *s = service_of(world, guest);

	guest->next_ns = world->now_ns + world_about(world, NS_PER_S);
	if (guest->kind != KIND_BOUNCER || guest->eof)
		return;
	guest->next_ns = world->now_ns + NS_PER_MS;
	if (s->depth <= s->policy.bounce_over)
		return;
	s->depth--;
	s->moved_ns = world->now_ns;
	say(world, guest, EVENT_TAKEN);
}

void guest_move(struct world *world, struct guest *guest)
{
	guest->next_ns = world->now_ns + SOON_NS;
	if (guest->state != GUEST_BORN && misbehave(world, guest))
		return;
	switch (guest->state) {
	case GUEST_BORN:
		if (guest->ordered)
			be_made(world, guest);
		else
			exec(world, guest);
		break;
	case GUEST_INIT:
		ready(world, guest);
		break;
	case GUEST_ASLEEP:
		die(world, guest, 0, 0); /* max_idle */
		break;
	case GUEST_WOKEN:
		accept_one(world, guest);
		break;
	case GUEST_SERVING:
		served(world, guest);
		break;
	case GUEST_APART:
		bounce(world, guest);
		break;
	case GUEST_NONE:
	case GUEST_HUNG:
	case GUEST_DEAD:
		guest->next_ns = NEVER;
		break;
	}
}

/*
 * The oldest registration is woken first. One that is stopped in its sleep
 * swallows nothing; one that hangs is not asleep.
 */
void guest_wake_one(struct world *world, uint32_t service)
{
	struct guest *first = guest_holder(world, service);

	if (first != NULL) {
		if (first->state == GUEST_ASLEEP && !first->stopped)
			attend(world, first);
		return;
	}
	for (uint32_t i = 0; i < world->slots_n; i++) {
		struct guest *guest = &world->guests[i];

		if (guest->state == GUEST_ASLEEP && !guest->stopped &&
			guest->service == service &&
			(first == NULL || guest->order < first->order))
			first = guest;
	}
	if (first == NULL)
		return;
	first->state = GUEST_WOKEN;
	first->next_ns = world->now_ns + world_about(world, SOON_NS);
}

/* Its channel or a signal has something for it. */
void guest_poke(struct world *world, struct guest *guest)
{
	if (guest->state == GUEST_NONE || guest->state == GUEST_DEAD)
		return;
	if (guest->kill && !guest->unkillable) {
		die(world, guest, 0, 9);
		return;
	}
	if (guest->exec_failed || guest->order_failed || guest->stopped)
		return;
	if (guest->term && !guest->ignores_term) {
		die(world, guest, 0, 15);
		return;
	}
	if (guest->eof && !guest->ignores_eof && !is_deaf(world, guest) &&
		(guest->state == GUEST_ASLEEP || guest->state == GUEST_APART))
		die(world, guest, 0, 0);
}

/* SIGCONT, or the end of whatever it hung at. */
void guest_recover(struct world *world, struct guest *guest)
{
	bool queues = service_of(world, guest)->locks;

	guest->stopped = false;
	if (guest->state == GUEST_HUNG && queues &&
		(guest->before == GUEST_ASLEEP || guest->before == GUEST_WOKEN))
		sleep_or_wake(world, guest);
	else if (guest->state == GUEST_HUNG)
		guest->state = guest->before == GUEST_ASLEEP ? GUEST_WOKEN
							     : guest->before;
	if (queues && guest->state == GUEST_ASLEEP)
		pass_lock(world, guest->service);
	else if (guest->next_ns == NEVER && guest->state != GUEST_DEAD &&
		 !guest->exec_failed && !guest->order_failed)
		guest->next_ns = world->now_ns + SOON_NS;
	guest_poke(world, guest);
}

void guest_heal(struct world *world, struct guest *guest)
{
	guest->ignores_eof = guest->ignores_term = guest->unkillable = false;
	guest_recover(world, guest);
}
