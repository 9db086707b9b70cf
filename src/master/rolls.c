/* SPDX-License-Identifier: MIT */
#include "master/rolls.h"

#include "base/text.h"
#include "core/core.h"
#include "core/view.h"
#include "master/cause.h"
#include "master/client.h"
#include "master/master.h"
#include "master/services.h"
#include "master/trial.h"
#include "proto/control.h"

/* Bytes of a record, at most; and of its cause. */
#define RECORD_ROOM 1024u
#define CAUSE_ROOM 2048u

static bool view_of(
	const struct master *master, uint32_t service, struct view_service *out)
{
	return service_of(master, service)->edition != NULL &&
	       core_view_service(master->core, service, master->now_ns, out);
}

bool rolls_under_way(const struct master *master)
{
	struct view_service view;

	for (uint32_t id = 0; id < master->services_high; id++)
		if (view_of(master, id, &view) && view.old > 0 && !view.stalled)
			return true;
	return false;
}

static bool had_any(const struct master *master, uint32_t service,
	const struct view_service *view)
{
	return view->old > 0 || view->replaced > 0 ||
	       trial_was(master, service);
}

static void put_trial(
	const struct master *master, uint32_t service, struct text_builder *out)
{
	const struct service_state *state = service_of(master, service);
	struct control_record record;

	control_record_init(&record, CONTROL_ROLL);
	record.roll.service = service_name(master, service);
	record.roll.state = state->trial != NULL ? "trial" : "rolled-back";
	record.roll.old = 0;
	record.roll.replaced = 0;
	if (state->trial == NULL && state->refusal.why[0] != '\0')
		record.roll.cause = state->refusal.why;
	control_put(out, &record);
}

static void put(const struct master *master, uint32_t service,
	const struct view_service *view, struct text_builder *out)
{
	struct control_record record;
	struct text_builder text;
	char cause[512] = "";

	if (trial_was(master, service)) {
		put_trial(master, service, out);
		return;
	}
	text_builder_init(&text, cause, sizeof(cause));
	cause_put(&text, view, service_of(master, service)->row);
	control_record_init(&record, CONTROL_ROLL);
	record.roll.service = service_name(master, service);
	record.roll.state = view->stalled   ? "stalled"
			    : view->old > 0 ? "rolling"
					    : "done";
	record.roll.old = view->old;
	record.roll.replaced = view->replaced;
	record.roll.took_ns = view->roll_ns;
	if (view->stalled)
		record.roll.cause = cause;
	control_put(out, &record);
}

void rolls_asked(struct master *master, struct client *client)
{
	struct view_service view;
	struct text_builder out;
	size_t room = CHUNK;

	for (uint32_t id = 0; id < master->services_high; id++)
		if (view_of(master, id, &view) && had_any(master, id, &view))
			room += RECORD_ROOM + (view.stalled ? CAUSE_ROOM : 0);
	client->state = CLIENT_ENDING;
	if (!answer_begin_long(client, room, &out))
		return;
	for (uint32_t id = 0; id < master->services_high; id++)
		if (view_of(master, id, &view) && had_any(master, id, &view))
			put(master, id, &view, &out);
	control_put_ok(&out);
	answer_end(client, &out);
}
