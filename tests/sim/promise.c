/* SPDX-License-Identifier: MIT */
#include "promise.h"

#include <assert.h>
#include <stddef.h>

#include "base/number.h"
#include "core/view.h"

#define WATCH_PERIOD_NS NS_PER_S
#define TIMES_MAX 64

static void check(struct promises *p, bool holds, const char *promise)
{
	promise_check(p, holds, promise);
}

void promises_init(struct promises *promises, const struct core_limits *limits)
{
	assert(limits->services_max <= PROMISE_SERVICES);
	assert(limits->workers_max <= PROMISE_SLOTS);
	*promises = (struct promises){.limits = *limits};
}

/* Those that leave, or will when a roll has others in their place. */
static uint32_t leaving(const struct promises *p, uint32_t service)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->limits.workers_max; i++)
		n += p->workers[i].live && p->workers[i].kind == KIND_WORKER &&
		     p->workers[i].service == service &&
		     (p->workers[i].rung > 0 || p->workers[i].old);
	return n;
}

static uint32_t retiring(const struct promises *p, uint32_t service)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->limits.workers_max; i++)
		n += p->workers[i].live && p->workers[i].kind == KIND_WORKER &&
		     p->workers[i].service == service && p->workers[i].rung > 0;
	return n;
}

/* How many more the limit allows, whatever the slots. */
static uint32_t limit_room(const struct promises *p, uint32_t service)
{
	const struct policy *policy = &p->services[service].policy;
	uint32_t total = promises_total(p, service);
	uint32_t surge = leaving(p, service);
	uint32_t limit = policy->process_limit;

	if (limit == 0)
		return UINT32_MAX;
	if (limit > 1)
		limit += surge < policy->surge ? surge : policy->surge;
	limit += rules_canary_over(p, service, 0);
	return total >= limit ? 0 : limit - total;
}

bool promises_is_full(const struct promises *promises, uint32_t service)
{
	return limit_room(promises, service) == 0;
}

uint32_t promises_room(const struct promises *promises, uint32_t service)
{
	uint32_t slots = promises_slots(promises, service);
	uint32_t room = limit_room(promises, service);

	if (promises->services[service].life != LIFE_UP)
		return 0;
	return room < slots ? room : slots;
}

/* ---- what an event means ---------------------------------------------- */

static void make_old(struct promises *p, uint32_t service)
{
	for (uint32_t i = 0; i < p->limits.workers_max; i++)
		if (p->workers[i].live && p->workers[i].service == service)
			p->workers[i].old = true;
}

static void adopt(struct promises *p, uint32_t service)
{
	struct promise_service *s = &p->services[service];
	bool was_up = s->life == LIFE_UP || s->life == LIFE_DRAINED;
	bool tried = s->row && rules_tries(p, service);
	bool replaced = s->life != LIFE_FREE &&
			(!was_up || s->row_change >= ROW_CHANGED);

	if (!s->row) {
		if (was_up) {
			s->rolls = false;
			s->life = LIFE_LEAVING;
			rules_untried(p, service);
			make_old(p, service);
		}
		return;
	}
	s->row = false;
	if (tried)
		return;
	rules_untried(p, service);
	if (s->life == LIFE_FREE)
		*s = (struct promise_service){.row_change = s->row_change,
			.row_trial = s->row_trial,
			.row_policy = s->row_policy};
	else if (replaced) {
		make_old(p, service);
		s->pause_until_ns = 0;
		s->mold_until_ns = 0;
	}
	if (s->life != LIFE_DRAINED)
		s->life = LIFE_UP;
	s->policy = s->row_policy;
	if (replaced)
		s->rolls = s->life == LIFE_UP && s->row_change == ROW_CHANGED &&
			   rules_can_roll(&s->policy);
	rules_adopted(p, service, replaced);
	if (s->pause_until_ns > p->now_ns + s->policy.throttle_time_ns)
		s->pause_until_ns = p->now_ns + s->policy.throttle_time_ns;
	s->woken_ns = 0;
	/* Its rate may be another now: count from here. */
	s->bucket_ns = 0;
}

static void table(struct promises *p)
{
	for (uint32_t i = 0; i < p->limits.services_max; i++) {
		if (!p->stopping)
			adopt(p, i);
		p->services[i].row = false;
	}
}

static void stop(struct promises *p)
{
	p->stopping = true;
	for (uint32_t i = 0; i < p->limits.services_max; i++)
		if (p->services[i].life != LIFE_FREE) {
			p->services[i].life = LIFE_STOPPING;
			p->services[i].rolls = false;
			rules_untried(p, i);
			make_old(p, i);
		}
}

/* An end may have taken a wake-up along: the master may look early, twice. */
static void ended(struct promises *p, struct promise_worker *worker)
{
	worker->live = false;
	if (worker->idle && worker->kind == KIND_WORKER)
		p->services[worker->service].early_watches = 2;
}

/* B2: beside workers that are believed, once a second and after an end. */
static void fired(struct promises *p, const struct core *core, uint32_t service)
{
	struct promise_service *s = &p->services[service];
	bool early =
		s->fired_ns != 0 && p->now_ns < s->fired_ns + WATCH_PERIOD_NS;
	struct view_service view;

	s->watching = false;
	s->fired_ns = p->now_ns;
	if (!early || !core_view_service(core, service, p->now_ns, &view) ||
		view.starting + view.ready == view.suspect)
		return;
	check(p, s->early_watches > 0, "B2: watched beside ready too often");
	if (s->early_watches > 0)
		s->early_watches--;
}

static void service_event(
	struct promises *p, const struct core *core, const struct event *event)
{
	struct promise_service *s = &p->services[event->service];

	if (event->kind == EVENT_CLIENTS && s->watching) {
		fired(p, core, event->service);
	} else if (event->kind == EVENT_LISTENER_LOST && s->life == LIFE_UP) {
		s->watching = false;
		s->rolls = false;
		make_old(p, event->service);
	} else if (event->kind == EVENT_DEPTH) {
		s->asked_looks = 0;
	} else if (event->kind == EVENT_REMOLD && s->life == LIFE_UP) {
		s->mold_until_ns = 0;
	} else if (event->kind == EVENT_DRAIN && s->life == LIFE_UP) {
		s->life = LIFE_DRAINED;
		s->rolls = false;
		make_old(p, event->service);
	} else if (event->kind == EVENT_RESUME && s->life == LIFE_DRAINED) {
		s->life = LIFE_UP;
	} else if (event->kind == EVENT_SCALE &&
		   (s->life == LIFE_UP || s->life == LIFE_DRAINED)) {
		s->policy.process_limit = event->policy.process_limit;
		s->policy.spare_min = event->policy.spare_min;
		s->policy.spare_max = event->policy.spare_max;
	}
}

static void worker_event(struct promises *p, const struct event *event)
{
	struct promise_worker *worker = &p->workers[event->slot];

	rules_end(p, event);
	if (event->kind == EVENT_READY && !worker->idle)
		worker->cycled = true;
	if (event->kind == EVENT_STARTED && worker->executed_ns == 0)
		worker->executed_ns = p->now_ns;
	if (event->kind == EVENT_MUTE)
		worker->mute = true;
	if (event->kind == EVENT_READY)
		worker->idle_ns = p->now_ns;
	if (event->kind == EVENT_READY || event->kind == EVENT_TAKEN) {
		worker->idle = event->kind == EVENT_READY;
		worker->spoke = true;
		p->services[worker->service].held_ns = p->now_ns;
		if (worker->executed_ns == 0)
			worker->executed_ns = p->now_ns;
		worker->heard_ns = p->now_ns;
	} else if (event->kind == EVENT_EXITED ||
		   event->kind == EVENT_START_FAILED ||
		   event->kind == EVENT_ORDER_FAILED)
		ended(p, worker);
}

static bool is_about_worker(const struct event *event)
{
	return event->kind >= EVENT_STARTED && event->kind <= EVENT_EXITED;
}

static bool is_about_service(const struct event *event)
{
	return event->kind == EVENT_CLIENTS || event->kind == EVENT_DEPTH ||
	       event->kind == EVENT_LISTENER_LOST ||
	       event->kind == EVENT_REMOLD || event->kind == EVENT_SCALE ||
	       event->kind == EVENT_DRAIN || event->kind == EVENT_RESUME;
}

/* Of a worker or a service that is not, or not any more. */
static bool is_stale(const struct promises *p, const struct event *event)
{
	if (is_about_worker(event))
		return event->slot >= p->limits.workers_max ||
		       !p->workers[event->slot].live ||
		       p->workers[event->slot].serial != event->serial;
	if (is_about_service(event))
		return event->service >= p->limits.services_max ||
		       p->services[event->service].life == LIFE_FREE;
	return false;
}

static void take_event(
	struct promises *p, const struct core *core, const struct event *event)
{
	if (is_about_worker(event))
		worker_event(p, event);
	else if (is_about_service(event))
		service_event(p, core, event);
	else if (event->kind == EVENT_TABLE)
		table(p);
	else if (event->kind >= EVENT_STOP)
		stop(p);
	else if (event->kind == EVENT_ROW) {
		p->services[event->service].row = true;
		p->services[event->service].row_change = event->change;
		p->services[event->service].row_trial = event->trial;
		p->services[event->service].row_policy = event->policy;
	}
}

/* ---- what an action must not be ---------------------------------------- */

static void pour(struct promises *p, struct promise_service *s)
{
	uint64_t passed_ns = p->now_ns - s->bucket_at_ns;
	uint64_t one_ns = NS_PER_S / s->policy.start_rate;

	s->bucket_at_ns = p->now_ns;
	s->bucket_ns -= passed_ns < s->bucket_ns ? passed_ns : s->bucket_ns;
	s->bucket_ns += one_ns;
	check(p, s->bucket_ns <= s->policy.start_burst * one_ns,
		"I5: started more often than start_rate allows");
}

/* No limit, pause or rate is for guests; but a worker always finds a slot. */
static void spawned_guest(struct promises *p, const struct action *action)
{
	uint32_t slots = p->limits.workers_max;

	for (uint32_t i = 0; i < p->limits.workers_max; i++)
		slots -= p->workers[i].live;
	check(p, slots > 1, "I4: a guest takes the last slot");
	if (action->worker == KIND_MOLD)
		rules_mold(p, action);
}

static void spawned_worker(struct promises *p, const struct action *action)
{
	struct promise_service *s = &p->services[action->service];

	check(p, p->now_ns >= s->pause_until_ns, "I4: a start in a pause");
	check(p,
		promises_room(p, action->service) > 0 ||
			rules_replaces(p, action->service) || action->canary,
		"I4: a start over the limit");
	if (action->canary)
		rules_canary(p, action);
	pour(p, s);
	if (action->mold_serial != 0)
		rules_ordered(p, action);
}

static void spawned(struct promises *p, const struct action *action)
{
	struct promise_service *s = &p->services[action->service];
	struct promise_worker *worker = &p->workers[action->slot];

	check(p, !p->stopping, "I27: a start after STOP");
	check(p, s->life == LIFE_UP, "I4: a start for a service that is not");
	check(p, !worker->live, "I6: a start in a slot that is in use");
	check(p, action->serial != 0, "I6: a serial of zero");
	check(p, p->wrapped || action->serial > p->last_serial,
		"I6: a serial that does not grow");
	if (action->worker == KIND_WORKER)
		spawned_worker(p, action);
	else
		spawned_guest(p, action);
	p->last_serial = action->serial;
	*worker = (struct promise_worker){.live = true,
		.idle = true,
		.idle_ns = p->now_ns,
		.heard_ns = p->now_ns,
		.kind = action->worker,
		.canary = action->canary,
		.serial = action->serial,
		.service = action->service};
	if (action->worker == KIND_WORKER)
		rules_spawned(p, action);
}

static void pushed(struct promises *p, const struct action *action)
{
	struct promise_worker *worker = &p->workers[action->slot];
	int rung = (int)action->kind - (int)ACTION_RETIRE + 1;

	check(p, worker->live && worker->serial == action->serial,
		"I13: pushing a worker that is not");
	check(p, worker->service == action->service,
		"I12: a worker's action names another service");
	check(p, rung > worker->rung, "I13: a ladder that is not climbed");
	if (action->kind == ACTION_RETIRE)
		rules_retired(p, action);
	worker->rung = rung;
}

static void watched(struct promises *p, const struct action *action)
{
	struct promise_service *s = &p->services[action->service];

	check(p, s->life == LIFE_UP, "I12: a watch without a service");
	check(p, !s->watching, "B2: armed twice");
	s->watching = true;
}

static void closed(struct promises *p, const struct action *action)
{
	struct promise_service *s = &p->services[action->service];

	check(p, s->life == LIFE_LEAVING || s->life == LIFE_STOPPING,
		"I12: closed, but not removed");
	check(p,
		promises_total(p, action->service) == 0 &&
			promises_guests(p, action->service) == 0,
		"I12: closed, but workers remain");
	s->life = LIFE_FREE;
	s->watching = false;
}

static void noticed(struct promises *p, const struct action *action)
{
	struct promise_service *s = &p->services[action->service];

	check(p, action->slot < p->limits.workers_max, "I7: no such slot");
	if (p->broken != NULL)
		return;
	rules_noticed(p, action);
	if (action->notice == NOTICE_THROTTLED) {
		check(p, action->number <= s->policy.throttle_time_ns,
			"I17: a pause longer than throttle_time");
		s->pause_until_ns = p->now_ns + action->number;
	} else if (action->notice == NOTICE_RECOVERED) {
		s->pause_until_ns = 0;
	} else if (action->notice == NOTICE_STUCK) {
		check(p, p->workers[action->slot].live, "I15: stuck, but gone");
		p->workers[action->slot].stuck = true;
	}
}

static void finished(struct promises *p)
{
	check(p, p->stopping, "I27: done, but nobody said stop");
	check(p, !p->done, "I27: done twice");
	for (uint32_t i = 0; i < p->limits.workers_max; i++)
		check(p, !p->workers[i].live || p->workers[i].stuck,
			"I27: done, but workers remain");
	p->done = true;
}

static void take_action(struct promises *p, const struct event *event,
	const struct action *action)
{
	struct promise_service *s;

	if (action->service >= p->limits.services_max ||
		action->slot >= p->limits.workers_max) {
		check(p, false, "I12: an action out of range");
		return;
	}
	s = &p->services[action->service];
	switch (action->kind) {
	case ACTION_WATCH:
		watched(p, action);
		break;
	case ACTION_IGNORE:
		check(p, s->watching, "B2: disarmed twice");
		s->watching = false;
		break;
	case ACTION_LOOK:
		check(p, s->life == LIFE_UP, "I12: a look without a service");
		s->asked_looks++;
		break;
	case ACTION_EXAMINE:
		rules_examined(p, action);
		break;
	case ACTION_SPAWN:
		spawned(p, action);
		break;
	case ACTION_PROMOTE:
	case ACTION_ROLLBACK:
		rules_judged(p, action);
		break;
	case ACTION_RETIRE:
	case ACTION_DISCONNECT:
	case ACTION_TERM:
	case ACTION_KILL:
		pushed(p, action);
		break;
	case ACTION_LEFTOVERS:
		check(p, s->life != LIFE_FREE, "I12: leftovers of nobody");
		break;
	case ACTION_WAKE:
		rules_woken(p, action);
		break;
	case ACTION_REOPEN:
		check(p, event->kind == EVENT_LISTENER_LOST,
			"I12: reopened, but not lost");
		break;
	case ACTION_CLOSE:
		closed(p, action);
		break;
	case ACTION_NOTICE:
		noticed(p, action);
		break;
	case ACTION_DONE:
		finished(p);
		break;
	}
}

/* ---- what must hold between two steps ---------------------------------- */

/*
 * I7: a word moves nothing but the service of the worker that said it. An end
 * may free the last slot, and then others listen again.
 */
static bool is_in_reach(const struct event *event, uint32_t service,
	const struct action *action)
{
	if (action->service == service || action->kind == ACTION_DONE)
		return true;
	return (action->kind == ACTION_WATCH || action->kind == ACTION_IGNORE ||
		       action->kind == ACTION_SPAWN ||
		       action->kind == ACTION_RETIRE ||
		       (action->kind == ACTION_NOTICE &&
			       action->notice == NOTICE_AT_LIMIT)) &&
	       (event->kind == EVENT_EXITED ||
		       event->kind == EVENT_ORDER_FAILED ||
		       event->kind == EVENT_START_FAILED);
}

/* Its slot may be another's by now. */
static void check_reach(struct promises *p, const struct event *event,
	uint32_t service, const struct actions *actions)
{
	if (!is_about_worker(event))
		return;
	for (uint32_t i = 0; i < actions->n; i++)
		check(p, is_in_reach(event, service, &actions->items[i]),
			"I7: a worker's event moved another service");
	check(p, actions->n <= 8 + 2 * p->limits.workers_max,
		"I22: too much done about one event");
}

static void check_service(
	struct promises *p, const struct core *core, uint32_t service)
{
	struct promise_service *s = &p->services[service];
	struct view_service view;
	bool there = core_view_service(core, service, p->now_ns, &view);

	check(p, there == (s->life != LIFE_FREE),
		"I12: a service that is gone, or is not there");
	if (!there || s->life == LIFE_FREE)
		return;
	check(p, view.total == promises_total(p, service),
		"I15: workers appear or vanish");
	check(p, view.guests == promises_guests(p, service),
		"I15: guests appear or vanish");
	check(p, view.retiring == retiring(p, service),
		"I1: asked to leave, but not retiring");
	rules_listening(p, core, service, &view);
}

static void check_workers(struct promises *p, const struct core *core)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->limits.workers_max; i++) {
		const struct promise_worker *worker = &p->workers[i];

		if (!worker->live)
			continue;
		n++;
		check(p,
			!worker->old || worker->rung > 0 ||
				(p->services[worker->service].rolls &&
					worker->kind == KIND_WORKER),
			"I9: of an old table, and not asked to leave");
		check(p,
			worker->rung == 0 || worker->stuck ||
				core_deadline_ns(core) != UINT64_MAX,
			"I14: retiring without a deadline");
	}
	check(p, n == core_view_workers(core), "I1: workers differ from slots");
}

/* I18: what is due must move when it is told the time. */
static void check_time(
	struct promises *p, const struct core *core, const struct event *event)
{
	if (event->kind != EVENT_TIME || core_deadline_ns(core) > p->now_ns)
		p->times = 0;
	else
		p->times++;
	check(p, p->times < TIMES_MAX, "I18: time does not pass");
}

const struct actions *promises_step(struct promises *promises,
	struct core *core, const struct event *event, uint64_t now_ns)
{
	bool stale = is_stale(promises, event);
	bool was_done = promises->done;
	uint32_t service = is_about_worker(event) && !stale
				   ? promises->workers[event->slot].service
				   : 0;
	const struct actions *actions;

	promises->now_ns = now_ns;
	if (stale)
		promises->stale++;
	else
		take_event(promises, core, event);
	actions = core_step(core, event, now_ns);
	check(promises, !stale || actions->n == 0, "I6: a stale event moved");
	check(promises, core_stale(core) == promises->stale,
		"I16: a stale event was not counted");
	rules_acted(promises, core, actions);
	for (uint32_t i = 0; i < actions->n; i++)
		take_action(promises, event, &actions->items[i]);
	check(promises, !was_done || event->kind != EVENT_TIME || !actions->n,
		"I27: something to do after all was done");
	if (!stale)
		check_reach(promises, event, service, actions);
	for (uint32_t i = 0; i < promises->limits.services_max; i++)
		check_service(promises, core, i);
	check_workers(promises, core);
	check_time(promises, core, event);
	rules_stepped(promises, core, event);
	if (promises->broken == NULL)
		promises->broken = core_audit(core, now_ns);
	return actions;
}
