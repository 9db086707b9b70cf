/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "base/number.h"
#include "core/view.h"
#include "promise.h"

#define HELD_LOOK_NS (16 * NS_PER_MS)
#define RUNG_OF_TERM ((int)ACTION_TERM - (int)ACTION_RETIRE + 1)

void promise_check(struct promises *p, bool holds, const char *promise)
{
	if (!holds && p->broken == NULL)
		p->broken = promise;
}

static bool ended_badly(const struct event *event)
{
	return event->kind == EVENT_EXITED &&
	       (event->code != 0 || event->signal != 0);
}

/* B1: what an end is, by what was heard of the worker before it. */
void rules_end(struct promises *p, const struct event *event)
{
	const struct promise_worker *worker = &p->workers[event->slot];
	const struct promise_service *s = &p->services[worker->service];
	bool whole = s->policy.throttle_whole && s->life == LIFE_UP;
	bool unasked = worker->rung == 0;

	if (event->kind == EVENT_START_FAILED)
		p->end = (struct promise_end){.service = worker->service,
			.fails = whole && unasked && !worker->old &&
				 !event->temporary};
	else if (event->kind == EVENT_EXITED)
		p->end = (struct promise_end){.service = worker->service,
			.news = ended_badly(event) &&
				worker->rung < RUNG_OF_TERM,
			.fails = whole && unasked && !worker->old &&
				 ended_badly(event) && !worker->cycled,
			.fails_not = whole && ended_badly(event) &&
				     (worker->cycled || !unasked)};
	else if (event->kind == EVENT_ORDER_FAILED)
		p->end = (struct promise_end){
			.service = worker->service, .fails_not = true};
	/* What becomes of a canary is the trial's, first of all. */
	if (worker->canary)
		p->end.fails = p->end.fails_not = false;
	/* What becomes of a guest never stops its service. */
	if (worker->kind != KIND_WORKER) {
		p->end.fails = false;
		p->end.fails_not = true;
	}
}

void rules_adopted(struct promises *p, uint32_t service, bool replaced)
{
	struct promise_service *s = &p->services[service];
	uint64_t latest_ns = p->now_ns + s->policy.throttle_time_ns;

	if (replaced) {
		s->begun = false;
		s->whole_until_ns = 0;
	}
	if (s->whole_until_ns > latest_ns)
		s->whole_until_ns = latest_ns;
}

static bool under_stress(
	const struct promises *p, const struct promise_service *s)
{
	return s->policy.stress_time_ns != 0 && p->now_ns < s->stress_until_ns;
}

void rules_spawned(struct promises *p, const struct action *action)
{
	struct promise_service *s = &p->services[action->service];
	uint32_t limit = s->policy.process_limit;
	bool last = limit != 0 && promises_total(p, action->service) >= limit;

	if (s->policy.stress_time_ns != 0 && last) {
		promise_check(p, action->number == 1,
			"I32: the last that may be is not told of stress");
		s->stress_until_ns = p->now_ns + s->policy.stress_time_ns;
	}
	promise_check(p, (action->number == 1) == under_stress(p, s),
		"I32: a worker that is told wrong of stress");
	s->begun = true;
}

/* I34: one at a time, and only where it was asked for. */
void rules_mold(struct promises *p, const struct action *action)
{
	const struct promise_service *s = &p->services[action->service];

	promise_check(p, s->policy.mold, "I34: a mold that nobody asked for");
	promise_check(p, p->now_ns >= s->mold_until_ns,
		"I34: a mold before its pause is over");
	promise_check(p, promises_total(p, action->service) > 0,
		"I34: a mold for a service that rests");
	for (uint32_t i = 0; i < p->limits.workers_max; i++) {
		const struct promise_worker *other = &p->workers[i];

		promise_check(p,
			!other->live || other->kind != KIND_MOLD ||
				other->service != action->service ||
				other->rung > 0,
			"I34: two molds of one service");
	}
}

/* I34: only one that said that it is ready, and that may stay, is asked. */
void rules_ordered(struct promises *p, const struct action *action)
{
	const struct promise_worker *mold = &p->workers[action->mold_slot];

	promise_check(p,
		action->mold_slot < p->limits.workers_max && mold->live &&
			mold->serial == action->mold_serial &&
			mold->kind == KIND_MOLD &&
			mold->service == action->service,
		"I34: a start from a mold that is not there");
	promise_check(p, mold->spoke && mold->idle && mold->rung == 0,
		"I34: a start from a mold that is not ready, or is to leave");
}

void rules_woken(struct promises *p, const struct action *action)
{
	struct promise_service *s = &p->services[action->service];

	promise_check(p, s->life == LIFE_UP && p->now_ns >= s->pause_until_ns,
		"I20: a wake-up of a service that is paused or leaving");
	promise_check(
		p, s->policy.wakeup_ns != 0, "I20: a wake-up nobody asked for");
	promise_check(p,
		s->woken_ns == 0 ||
			p->now_ns >= s->woken_ns + s->policy.wakeup_ns,
		"I20: two wake-ups in a period");
	s->woken_ns = p->now_ns;
	promise_check(p, !s->policy.wakeup_conditional || s->begun,
		"I20: a wake-up before the first worker");
}

void rules_examined(struct promises *p, const struct action *action)
{
	struct promise_service *s = &p->services[action->service];

	promise_check(p, s->life == LIFE_UP, "I12: examined without a service");
	promise_check(p,
		s->examined_ns == 0 ||
			p->now_ns >= s->examined_ns + s->policy.deaf_time_ns,
		"B2: examined too often");
	s->examined_ns = p->now_ns;
}

/* All that are there are to leave; those that come now are told. */
static void stress(struct promises *p, uint32_t service)
{
	struct promise_service *s = &p->services[service];

	promise_check(p, s->policy.stress_time_ns != 0 && !under_stress(p, s),
		"I32: stress that is none, or is none anew");
	for (uint32_t i = 0; i < p->limits.workers_max; i++)
		if (p->workers[i].live && p->workers[i].service == service)
			p->workers[i].old = true;
	s->rolls = false; /* all leave, whoever is up */
	s->stress_until_ns = p->now_ns + s->policy.stress_time_ns;
	s->woken_ns = 0;
	s->begun = false;
}

static void throttled(struct promises *p, const struct action *action)
{
	struct promise_service *s = &p->services[action->service];

	p->end.paused = true;
	promise_check(p,
		!p->end.fails || action->number == s->policy.throttle_time_ns,
		"I17: not all of throttle_time");
	/* Those that grow are jittered, and end before. */
	if (s->policy.throttle_whole &&
		action->number == s->policy.throttle_time_ns)
		s->whole_until_ns = p->now_ns + action->number;
}

/* One more than the limit, for one that is worn. */
bool rules_replaces(const struct promises *p, uint32_t service)
{
	const struct promise_service *s = &p->services[service];

	return s->policy.replace_first && s->policy.process_limit > 1 &&
	       s->worn && promises_total(p, service) <= s->policy.process_limit;
}

/* The oldest that has come since and stands for nobody yet; 0: none. */
static uint32_t replacement_of(
	const struct promises *p, const struct core *core, uint32_t service)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < p->limits.workers_max; i++) {
		const struct promise_worker *worker = &p->workers[i];
		struct view_worker view;

		if (!worker->live || worker->service != service ||
			worker->rung > 0 ||
			worker->serial <= p->services[service].replacement ||
			!core_view_worker(core, i, p->now_ns, &view) ||
			view.state == WORKER_STARTING)
			continue;
		if (found == 0 || worker->serial < found)
			found = worker->serial;
	}
	return found;
}

/* I35: of those who were asked since they were worn, one is not replaced. */
static void recycled(struct promises *p, const struct core *core, uint32_t slot)
{
	uint32_t service = p->workers[slot].service;
	uint32_t fresh = replacement_of(p, core, service);

	if (fresh != 0) {
		p->services[service].replacement = fresh;
		return;
	}
	for (uint32_t i = 0; i < p->limits.workers_max; i++)
		promise_check(p,
			!p->workers[i].live || !p->workers[i].recycled ||
				p->workers[i].service != service,
			"I35: two worn workers leave and nobody has come");
	p->workers[slot].recycled = true;
}

void rules_acted(struct promises *p, const struct core *core,
	const struct actions *actions)
{
	uint64_t asked[PROMISE_SERVICES] = {0};
	struct view_worker view;
	struct view_service counts;

	for (uint32_t i = 0; i < p->limits.services_max; i++) {
		struct promise_service *s = &p->services[i];

		s->worn = false;
		if (!core_view_service(core, i, p->now_ns, &counts))
			continue;
		s->worn = counts.worn > 0;
		if (counts.recycled > s->recycled)
			asked[i] = counts.recycled - s->recycled;
		s->recycled = counts.recycled;
	}
	for (uint32_t i = 0; i < actions->n; i++) {
		const struct action *action = &actions->items[i];

		if (action->kind != ACTION_RETIRE ||
			action->service >= p->limits.services_max ||
			asked[action->service] == 0 ||
			!core_view_worker(
				core, action->slot, p->now_ns, &view) ||
			view.wear == WEAR_NONE)
			continue;
		asked[action->service]--;
		recycled(p, core, action->slot);
	}
}

static void overdue(struct promises *p, const struct action *action)
{
	const struct policy *policy = rules_policy(p, action->slot);

	promise_check(p,
		policy->request_time_ns != 0 &&
			p->now_ns - p->workers[action->slot].idle_ns >=
				policy->request_time_ns,
		"I36: a signal before the client's time was over");
}

static void silent(struct promises *p, const struct action *action)
{
	const struct policy *policy = rules_policy(p, action->slot);

	promise_check(p,
		policy->liveness_ns != 0 &&
			p->now_ns - p->workers[action->slot].heard_ns >=
				2 * policy->liveness_ns,
		"I37: a signal though it spoke in time");
}

void rules_noticed(struct promises *p, const struct action *action)
{
	const struct promise_service *s = &p->services[action->service];

	if (action->notice == NOTICE_STRESS)
		stress(p, action->service);
	else if (action->notice == NOTICE_THROTTLED)
		throttled(p, action);
	else if (action->notice == NOTICE_RECOVERED)
		promise_check(p, p->now_ns >= s->whole_until_ns,
			"I17: a whole pause that is cut short");
	else if (action->notice == NOTICE_MOLD_FAILED)
		p->services[action->service].mold_until_ns =
			p->now_ns + action->number;
	else if (action->notice == NOTICE_OVERDUE)
		overdue(p, action);
	else if (action->notice == NOTICE_SILENT)
		silent(p, action);
	else if (action->notice == NOTICE_DIED)
		p->end.told = true;
	else if (action->notice == NOTICE_TERM)
		promise_check(p,
			s->life != LIFE_LEAVING || s->policy.leave_time_ns != 0,
			"I12: a signal that is told of, and was expected");
}

static void check_end(struct promises *p)
{
	const struct promise_end *end = &p->end;
	const struct promise_service *s = &p->services[end->service];

	promise_check(p, end->told == end->news,
		"I33: an end that is news and not told, or is none");
	promise_check(p,
		!end->fails || s->life != LIFE_UP ||
			s->policy.throttle_time_ns == 0 ||
			s->whole_until_ns > p->now_ns,
		"I17: a bad end without a whole pause");
	promise_check(p, !end->fails_not || !end->paused,
		"I17: a pause for a worker that had proven itself");
	p->end = (struct promise_end){.service = 0};
}

void rules_listening(struct promises *p, const struct core *core,
	uint32_t service, const struct view_service *view)
{
	struct promise_service *s = &p->services[service];
	uint64_t deadline_ns = core_deadline_ns(core);
	uint32_t available = view->starting + view->ready - view->suspect;

	promise_check(p, view->watching == s->watching,
		"B2: the watch is not as told");
	if (s->life != LIFE_UP || s->watching || s->asked_looks > 0)
		return;
	if (available > 0)
		promise_check(p, deadline_ns != UINT64_MAX,
			"I3: ready workers are believed for ever");
	else if (promises_room(p, service) > 0)
		promise_check(p,
			deadline_ns <=
				p->now_ns + (view->held ? HELD_LOOK_NS
							: view->throttled_ns),
			"I3: room and no pause, but nobody listens");
}

static void check_leaving(struct promises *p)
{
	for (uint32_t i = 0; i < p->limits.workers_max; i++) {
		const struct promise_worker *worker = &p->workers[i];
		const struct promise_service *s = &p->services[worker->service];

		promise_check(p,
			!worker->live || s->life != LIFE_LEAVING ||
				s->policy.leave_time_ns != 0 ||
				worker->rung >= RUNG_OF_TERM,
			"I12: of a removed service, and not told by signal");
	}
}

static void check_limit(
	struct promises *p, const struct core *core, uint32_t service)
{
	struct promise_service *s = &p->services[service];
	struct view_service view;

	if (!core_view_service(core, service, p->now_ns, &view) ||
		s->life == LIFE_FREE)
		return;
	if (s->at_limit)
		s->limit_ns += p->now_ns - s->limit_at_ns;
	s->limit_at_ns = p->now_ns;
	promise_check(p, view.limit_ns == s->limit_ns,
		"I31: time at the limit is not what it was");
	s->at_limit = s->life == LIFE_UP && promises_is_full(p, service) &&
		      view.starting + view.ready == view.suspect;
	promise_check(p, !s->at_limit || view.limit_hits > 0,
		"I31: at the limit, and not counted");
	promise_check(p,
		view.stress == (s->life == LIFE_UP && under_stress(p, s)),
		"I32: stress is not as told");
}

/* Somebody needs a slot more than its service an idle worker. */
static bool is_wanted(const struct promises *p, const struct core *core)
{
	struct view_service view;

	for (uint32_t i = 0; i < p->limits.services_max; i++)
		if (core_view_service(core, i, p->now_ns, &view) &&
			view.starved)
			return true;
	return false;
}

/* Who is not needed goes, and never so that spares are missing then. */
static void check_trim(
	struct promises *p, const struct core *core, uint32_t service)
{
	struct promise_service *s = &p->services[service];
	struct view_service view;

	if (s->life == LIFE_FREE ||
		!core_view_service(core, service, p->now_ns, &view))
		return;
	if (view.trimmed == s->trimmed)
		return;
	s->trimmed = view.trimmed;
	promise_check(p, view.depth == 0, "I41: trimmed while somebody waits");
	promise_check(p, view.starting + view.ready + view.taken > 0,
		"I41: the last worker of all was trimmed");
	promise_check(p,
		view.ready >= s->policy.spare_min || is_wanted(p, core),
		"I41: trimmed below spare_min");
}

/*
 * B13: starts are held back for those under way, or for clients that others
 * will have served; not for workers that do nothing.
 */
static void check_held(struct promises *p, const struct core *core,
	uint32_t service, const struct event *event)
{
	struct promise_service *s = &p->services[service];
	struct view_service view;

	if (!core_view_service(core, service, p->now_ns, &view))
		return;
	/* From the step on that begins it, and not from the one before. */
	if (!view.held || !s->held)
		s->held_ns = p->now_ns;
	s->held = view.held;
	if (!view.held)
		return;
	promise_check(p, p->limits.cpus > 0 && s->life == LIFE_UP,
		"B13: starts are held back without a pace");
	promise_check(p,
		event->kind != EVENT_DEPTH || event->service != service ||
			view.starting > 0 || p->now_ns < s->held_ns + NS_PER_S,
		"B13: starts are held back for workers that rest");
}

/* Not beside as many taken workers as may be: for how long, and who ends it? */
static bool may_stay(struct promises *p, const struct core *core,
	struct promise_service *s, bool beside)
{
	if (!beside)
		s->roomy_ns = 0;
	else if (s->roomy_ns == 0)
		s->roomy_ns = p->now_ns;
	return !beside ||
	       (s->policy.bounces && s->policy.bounce_stay_ns > 0 &&
		       core_deadline_ns(core) <=
			       s->roomy_ns + s->policy.bounce_stay_ns);
}

/* Nobody turns clients away but beside as many taken workers as may be. */
static void check_bouncers(
	struct promises *p, const struct core *core, uint32_t service)
{
	struct promise_service *s = &p->services[service];
	const struct policy *policy = &s->policy;
	uint32_t taken = 0, idle = 0, bouncers = 0;

	for (uint32_t i = 0; i < p->limits.workers_max; i++) {
		const struct promise_worker *worker = &p->workers[i];

		if (!worker->live || worker->service != service ||
			worker->rung > 0)
			continue;
		if (worker->kind == KIND_BOUNCER)
			bouncers++;
		else if (worker->kind == KIND_WORKER)
			*(worker->idle && !worker->mute ? &idle : &taken) += 1;
	}
	promise_check(p, bouncers <= 1, "I40: two bouncers at a door");
	promise_check(p,
		may_stay(p, core, s,
			bouncers > 0 &&
				(!policy->bounces || idle > 0 || taken == 0 ||
					taken < policy->process_limit)),
		"I40: clients are turned away, and a worker is idle");
}

void rules_stepped(
	struct promises *p, const struct core *core, const struct event *event)
{
	check_end(p);
	check_leaving(p);
	for (uint32_t i = 0; i < p->limits.services_max; i++) {
		check_limit(p, core, i);
		check_held(p, core, i, event);
		check_bouncers(p, core, i);
		check_trim(p, core, i);
	}
}
