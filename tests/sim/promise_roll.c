/* SPDX-License-Identifier: MIT */
#include "core/view.h"
#include "promise.h"

/* I50: after a reload new workers come first, and then the old ones go. */

bool rules_can_roll(const struct policy *policy)
{
	return policy->roll_batch > 0 && policy->stress_time_ns == 0 &&
	       policy->process_limit != 1 &&
	       (policy->process_limit == 0 || policy->surge > 0);
}

static bool is_of(const struct promise_worker *worker, uint32_t service)
{
	return worker->live && worker->kind == KIND_WORKER &&
	       worker->service == service && worker->rung == 0;
}

/* By its own word, or it has been there for a while and promised none. */
static bool is_up(const struct promises *p, const struct promise_worker *worker)
{
	const struct policy *policy = &p->services[worker->service].policy;

	if (worker->spoke)
		return true;
	return !policy->ready_notify && worker->executed_ns != 0 &&
	       p->now_ns >= worker->executed_ns + policy->roll_alive_ns;
}

/* No room for another, and nobody leaves who will make some: one is missed. */
static bool lacks_room(const struct promises *p, uint32_t service)
{
	for (uint32_t i = 0; i < p->limits.workers_max; i++) {
		const struct promise_worker *worker = &p->workers[i];

		if (worker->live && worker->kind == KIND_WORKER &&
			worker->service == service && worker->rung > 0 &&
			!worker->stuck)
			return false;
	}
	return promises_room(p, service) == 0;
}

static bool is_over_limit(const struct promises *p, uint32_t service)
{
	const struct policy *policy = &p->services[service].policy;
	uint32_t live = 0;

	for (uint32_t i = 0; i < p->limits.workers_max; i++)
		live += is_of(&p->workers[i], service);
	return policy->process_limit != 0 && live >= policy->process_limit;
}

void rules_retired(struct promises *p, const struct action *action)
{
	const struct promise_service *s = &p->services[action->service];
	const struct promise_worker *old = &p->workers[action->slot];

	if (!s->rolls || !old->old || old->kind != KIND_WORKER ||
		(!old->spoke && old->executed_ns == 0))
		return;
	for (uint32_t i = 0; i < p->limits.workers_max; i++)
		if (is_of(&p->workers[i], action->service) &&
			!p->workers[i].old && is_up(p, &p->workers[i]))
			return;
	promise_check(p,
		lacks_room(p, action->service) ||
			is_over_limit(p, action->service),
		"I50: an old worker is asked, and no new one is up");
}
