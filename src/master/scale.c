/* SPDX-License-Identifier: MIT */
#include "master/scale.h"

#include "base/text.h"
#include "core/view.h"
#include "master/keep.h"
#include "master/log.h"
#include "master/master.h"
#include "master/personality.h"
#include "master/services.h"
#include "proto/control.h"

static bool is_set(
	const struct control_request *request, enum control_scale scale)
{
	return (request->scales & 1u << scale) != 0;
}

static uint32_t value(const struct control_request *request,
	enum control_scale scale, uint32_t present)
{
	return is_set(request, scale) ? request->scale[scale] : present;
}

/* False, and a complaint, if SMALL is more than LARGE. */
static bool in_order(struct text_builder *complaint, const char *small,
	uint32_t number, const char *large, uint32_t most)
{
	if (number <= most)
		return true;
	text_put_format(complaint, "%s = %u is more than %s = %u", small,
		number, large, most);
	return false;
}

static bool limit_may_change(const struct master *master, uint32_t service,
	const struct control_request *request, struct text_builder *complaint)
{
	if (!is_set(request, CONTROL_SCALE_LIMIT))
		return true;
	if (request->scale[CONTROL_SCALE_LIMIT] == 0) {
		text_put(complaint, "limit must be at least 1");
		return false;
	}
	if (master->personality->lone_stays &&
		service_of(master, service)->row->policy.process_limit == 1) {
		text_put(complaint,
			"its limit stays 1: it relies on being the only one");
		return false;
	}
	return true;
}

static bool fits(const struct policy *policy, uint32_t share,
	struct text_builder *complaint)
{
	uint32_t limit = policy->process_limit;

	/* 0, by the configuration: workers_max alone bounds it. */
	if (limit != 0 &&
		(!in_order(complaint, "spare_min", policy->spare_min, "limit",
			 limit) ||
			!in_order(complaint, "share", share, "limit", limit)))
		return false;
	return policy->spare_max == 0 ||
	       in_order(complaint, "spare_min", policy->spare_min, "spare_max",
		       policy->spare_max);
}

static void say(const struct master *master, uint32_t service,
	const struct event *event)
{
	struct log_line line;

	log_begin(&line, MESSAGE_SCALED);
	log_text(&line, "service", service_name(master, service));
	log_number(&line, "limit", event->policy.process_limit);
	log_number(&line, "spare_min", event->policy.spare_min);
	log_number(&line, "spare_max", event->policy.spare_max);
	log_end(&line);
}

bool scale(struct master *master, uint32_t service,
	const struct control_request *request, struct text_builder *complaint)
{
	struct event event = {.kind = EVENT_SCALE, .service = service};
	struct view_service view;

	if (!core_view_service(master->core, service, master->now_ns, &view) ||
		(view.state != POOL_UP && view.state != POOL_DRAINED)) {
		text_put(complaint, "the service is about to leave");
		return false;
	}
	if (!limit_may_change(master, service, request, complaint))
		return false;
	event.policy.process_limit =
		value(request, CONTROL_SCALE_LIMIT, view.limit);
	event.policy.spare_min =
		value(request, CONTROL_SCALE_SPARE_MIN, view.spare_min);
	event.policy.spare_max =
		value(request, CONTROL_SCALE_SPARE_MAX, view.spare_max);
	if (!fits(&event.policy, view.share, complaint))
		return false;
	inbox_put(&master->inbox, &event);
	keep_structure(master);
	say(master, service, &event);
	return true;
}
