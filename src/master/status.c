/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/text.h"
#include "core/view.h"
#include "master/cause.h"
#include "master/control.h"
#include "master/keep.h"
#include "master/keep_socket.h"
#include "master/listeners.h"
#include "master/log.h"
#include "master/master.h"
#include "master/page.h"
#include "master/personality.h"
#include "master/reload.h"
#include "master/services.h"
#include "master/trial.h"
#include "master/workers.h"
#include "proto/control.h"
#include "table/service.h"

void status_put_version(const struct master *master, struct text_builder *out)
{
	struct control_record record;

	control_record_init(&record, CONTROL_MASTER);
	record.master.pid = (uint64_t)getpid();
	record.master.version = OSTLER_VERSION;
	record.master.personality = master->personality->name;
	control_put(out, &record);
}

static const char *state_of(const struct master *master)
{
	if (master->stopping)
		return "stopping";
	if (master->edition == NULL)
		return "starting";
	return reload_is_running(master) ? "reloading" : "running";
}

void status_put_master(const struct master *master, struct text_builder *out)
{
	struct control_record record;
	const struct reload_result *last = reload_result(master);
	char error[1024] = "";
	struct text_builder text;

	control_record_init(&record, CONTROL_MASTER);
	record.master.pid = (uint64_t)getpid();
	record.master.version = OSTLER_VERSION;
	record.master.personality = master->personality->name;
	record.master.uptime_ns = master->now_ns - master->started_ns;
	record.master.config = master->options->config;
	record.master.state = state_of(master);
	record.master.workers = core_view_workers(master->core);
	record.master.workers_max = master->limits.workers_max;
	/* The table that we started with was loaded, not reloaded. */
	record.master.reloads =
		reload_count(master) - (master->edition != NULL);
	record.master.reload_failures = reload_failures(master);
	record.master.log_dropped = log_dropped();
	record.master.keeper = keep_name(master);
	record.master.restarts = keep_restarts(master);
	if (keep_restarts(master) > 0)
		record.master.last_death = keep_cause(master);
	if (!last->good && last->diags != NULL && last->diags->n > 0) {
		text_builder_init(&text, error, sizeof(error));
		diag_put(&text, &last->diags->items[0]);
		record.master.last_reload_error = error;
	}
	control_put(out, &record);
}

static enum control_state service_state_of(const struct view_service *view)
{
	if (view->state == POOL_STOPPING)
		return CONTROL_STATE_STOPPING;
	if (view->state == POOL_LEAVING)
		return CONTROL_STATE_LEAVING;
	if (view->state == POOL_DRAINED)
		return view->total + view->guests > 0 ? CONTROL_STATE_DRAINING
						      : CONTROL_STATE_DRAINED;
	if (view->throttled_ns > 0)
		return CONTROL_STATE_THROTTLED;
	if (view->deaf)
		return CONTROL_STATE_DEAF;
	if (view->starved)
		return CONTROL_STATE_AT_LIMIT;
	if (view->limit > 0 && view->total >= view->limit &&
		view->ready + view->starting == 0)
		return CONTROL_STATE_AT_LIMIT;
	return CONTROL_STATE_UP;
}

static void fill_gossip(
	const struct service_state *state, struct control_service *out)
{
	out->leftover = state->leftovers;
	out->bad_size = state->gossip.bad_size;
	out->bad_pid = state->gossip.bad_pid;
	out->bad_generation = state->gossip.bad_generation;
	out->bad_status = state->gossip.bad_status;
	out->flood = state->gossip.flood;
	out->bad_order = state->gossip.bad_order;
}

static const char *mold_word(enum view_mold mold)
{
	static const char *const words[] = {
		[VIEW_MOLD_OFF] = NULL,
		[VIEW_MOLD_NONE] = "none",
		[VIEW_MOLD_STARTING] = "starting",
		[VIEW_MOLD_READY] = "ready",
		[VIEW_MOLD_PAUSED] = "paused",
		[VIEW_MOLD_REFUSED] = "refused",
	};

	return words[mold];
}

/* By request, and until the next reload. */
static bool is_scaled(
	const struct view_service *view, const struct policy *policy)
{
	return view->limit != policy->process_limit ||
	       view->spare_min != policy->spare_min ||
	       view->spare_max != policy->spare_max;
}

static void fill_view(
	const struct view_service *view, struct control_service *out)
{
	out->state = control_state_word(service_state_of(view));
	out->ready = view->ready;
	out->taken = view->taken;
	out->starting = view->starting;
	out->retiring = view->retiring;
	out->suspect = view->suspect;
	out->mute = view->mute;
	out->old = view->old;
	out->stalled = view->stalled;
	out->total = view->total;
	out->limit = view->limit;
	out->spare_min = view->spare_min;
	out->spare_max = view->spare_max;
	out->share = view->share;
	out->trimmed = view->trimmed;
	out->throttled_for_ns = view->throttled_ns;
	out->limit_hits = view->limit_hits;
	out->limit_ns = view->limit_ns;
	out->stress = view->stress;
	out->bouncing = view->bouncing;
	out->refused = view->refused;
	out->failures = view->failures;
	out->starts = view->starts;
	out->served = view->served;
	out->exits = view->exits;
	out->worn_use = view->recycled_for[WEAR_USE];
	out->worn_age = view->recycled_for[WEAR_AGE];
	out->worn_memory = view->recycled_for[WEAR_MEMORY];
	out->timeouts = view->timeouts;
	out->hangs = view->hangs;
	out->redundant = view->redundant;
	out->mold = mold_word(view->mold);
	out->molded = view->molded;
}

static void put_endpoint(struct master *master, uint32_t service, unsigned i,
	uint32_t depth, struct text_builder *out)
{
	const struct service_state *state = service_of(master, service);
	struct control_record record;

	control_record_init(&record, CONTROL_ENDPOINT);
	record.endpoint.service = state->row->name;
	record.endpoint.text = state->listeners[i].endpoint->text;
	record.endpoint.depth = depth;
	if (state->listeners[i].endpoint->kind == ENDPOINT_INET ||
		state->listeners[i].endpoint->kind == ENDPOINT_UNIX)
		record.endpoint.backlog = state->row->backlog;
	control_put(out, &record);
}

/* A lost listener is told even while no start has failed for it yet. */
static void put_cause(const struct master *master, uint32_t service,
	const struct view_service *view, struct text_builder *out)
{
	const struct listener *missing = listener_missing(master, service);
	struct view_service lost = *view;

	if (missing != NULL && missing->error != 0) {
		lost.cause = CAUSE_START_FAILED;
		lost.stage = STAGE_LISTENER;
		lost.error = missing->error;
	}
	cause_put(out, &lost, service_of(master, service)->row);
}

#define ENDPOINTS_MAX 128

void status_put_service(
	struct master *master, uint32_t service, struct text_builder *out)
{
	const struct service_state *state = service_of(master, service);
	uint32_t depths[ENDPOINTS_MAX];
	struct control_record record;
	struct view_service view;
	struct text_builder text;
	char cause[512] = "";

	if (state->edition == NULL || !core_view_service(master->core, service,
					      master->now_ns, &view))
		return;
	page_look(master, service);
	page_correct(master, service, &view);
	control_record_init(&record, CONTROL_SERVICE);
	record.service.name = state->row->name;
	record.service.scaled = is_scaled(&view, &state->row->policy);
	fill_view(&view, &record.service);
	fill_gossip(state, &record.service);
	trial_put(master, service, &record.service);
	record.service.over_source = state->over;
	record.service.on_full =
		state->row->bounce == NULL ? "queue" : state->row->bounce[1];
	text_builder_init(&text, cause, sizeof(cause));
	if (view.starved)
		text_put_format(&text,
			"all %u workers of workers_max are in use",
			master->limits.workers_max);
	else
		put_cause(master, service, &view, &text);
	if (listener_missing(master, service) != NULL &&
		view.state != POOL_DRAINED)
		record.service.state =
			control_state_word(CONTROL_STATE_THROTTLED);
	record.service.cause = cause[0] == '\0' ? NULL : cause;
	record.service.depth = 0;
	for (unsigned i = 0; i < state->listeners_n && i < ENDPOINTS_MAX; i++) {
		depths[i] = listener_depth(master, service, i);
		record.service.depth += depths[i];
	}
	control_put(out, &record);
	for (unsigned i = 0; i < state->listeners_n && i < ENDPOINTS_MAX; i++)
		put_endpoint(master, service, i, depths[i], out);
	if (view.stuck > 0)
		status_put_stuck(master, service, out);
}
