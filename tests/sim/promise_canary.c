/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "base/number.h"
#include "core/view.h"
#include "promise.h"

/* Rows on trial: few canaries, and a verdict before anything else changes. */

static bool is_of(const struct promise_worker *worker, uint32_t service)
{
	return worker->live && worker->kind == KIND_WORKER &&
	       worker->service == service && worker->rung == 0;
}

static uint32_t count(
	const struct promises *p, uint32_t service, bool canaries_alone)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->limits.workers_max; i++)
		n += is_of(&p->workers[i], service) &&
		     (p->workers[i].canary || !canaries_alone);
	return n;
}

/* By which a worker is judged. */
const struct policy *rules_policy(const struct promises *p, uint32_t slot)
{
	const struct promise_worker *worker = &p->workers[slot];
	const struct promise_service *s = &p->services[worker->service];

	return worker->canary ? &s->trial_policy : &s->policy;
}

/* Canaries are no others' kind from now on. */
static void end_trial(struct promises *p, uint32_t service, bool good)
{
	struct promise_service *s = &p->services[service];

	for (uint32_t i = 0; i < p->limits.workers_max; i++) {
		struct promise_worker *worker = &p->workers[i];

		if (!worker->live || worker->service != service)
			continue;
		worker->old = worker->old || worker->canary != good;
		worker->canary = false;
	}
	s->trial = false;
}

/* What is only on its way into force is nothing to go back to. */
static bool is_rolling(const struct promises *p, uint32_t service)
{
	for (uint32_t i = 0; i < p->limits.workers_max; i++)
		if (is_of(&p->workers[i], service) && p->workers[i].old)
			return p->services[service].rolls;
	return false;
}

bool rules_tries(struct promises *p, uint32_t service)
{
	struct promise_service *s = &p->services[service];

	if (!s->row_trial)
		return false;
	if (s->life != LIFE_UP || s->policy.process_limit == 1 ||
		s->policy.stress_time_ns != 0 ||
		s->row_policy.stress_time_ns != 0 ||
		s->row_policy.canary == 0 || is_rolling(p, service)) {
		s->row_change = ROW_CHANGED;
		return false;
	}
	if (s->trial && s->row_change >= ROW_CHANGED)
		rules_untried(p, service);
	s->trial = true;
	s->trial_policy = s->row_policy;
	return true;
}

void rules_untried(struct promises *p, uint32_t service)
{
	if (p->services[service].trial)
		end_trial(p, service, false);
}

/* How many more than the limit canaries may be, with MORE of them. */
uint32_t rules_canary_over(
	const struct promises *p, uint32_t service, uint32_t more)
{
	const struct promise_service *s = &p->services[service];
	uint32_t over = s->policy.surge > 0 ? s->policy.surge : 1;
	uint32_t n = count(p, service, true) + more;

	if (!s->trial || s->policy.process_limit < 2)
		return 0;
	return n < over ? n : over;
}

static uint32_t share(const struct promises *p, uint32_t service)
{
	const struct policy *policy = &p->services[service].trial_policy;
	uint32_t part = count(p, service, false) * policy->canary / 100;

	if (!policy->canary_percent)
		return policy->canary;
	return part > 0 ? part : 1;
}

void rules_canary(struct promises *p, const struct action *action)
{
	const struct promise_service *s = &p->services[action->service];
	uint32_t limit = s->policy.process_limit;
	uint32_t total = promises_total(p, action->service);
	uint32_t leaving = total - count(p, action->service, false);

	promise_check(p, s->trial, "I51: a canary without a trial");
	promise_check(p,
		count(p, action->service, true) < share(p, action->service),
		"I51: more canaries than their share");
	promise_check(p, action->mold_serial == 0,
		"I51: a canary of a mold of the others' kind");
	if (limit == 0)
		return;
	limit += rules_canary_over(p, action->service, 1);
	if (limit > 1)
		limit += leaving < s->policy.surge ? leaving : s->policy.surge;
	promise_check(p, total < limit, "I51: a canary over the limit");
}

static void promoted(struct promises *p, const struct action *action)
{
	struct promise_service *s = &p->services[action->service];

	if (!s->trial)
		return; /* nothing could be tried: it is so at once */
	end_trial(p, action->service, true);
	s->policy = s->trial_policy;
	s->rolls = rules_can_roll(&s->policy);
	s->pause_until_ns = 0;
	s->mold_until_ns = 0;
	s->woken_ns = 0;
	s->bucket_ns = 0;
	rules_adopted(p, action->service, true);
}

static void rolled_back(struct promises *p, const struct action *action)
{
	promise_check(p, p->services[action->service].trial,
		"I52: rolled back, but nothing was tried");
	rules_untried(p, action->service);
}

void rules_judged(struct promises *p, const struct action *action)
{
	if (action->kind == ACTION_PROMOTE)
		promoted(p, action);
	else
		rolled_back(p, action);
}
