/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "base/text.h"
#include "core/action.h"
#include "core/view.h"
#include "master/cause.h"
#include "master/log.h"
#include "master/master.h"
#include "master/perform.h"
#include "master/personality.h"
#include "master/services.h"
#include "master/stuck.h"
#include "master/workers.h"

static const enum message messages[NOTICES] = {
	[NOTICE_THROTTLED] = MESSAGE_THROTTLED,
	[NOTICE_RECOVERED] = MESSAGE_RECOVERED,
	[NOTICE_AT_LIMIT] = MESSAGE_AT_LIMIT,
	[NOTICE_NO_SLOTS] = MESSAGE_NO_SLOTS,
	[NOTICE_SUSPECT] = MESSAGE_WORKER_SUSPECT,
	[NOTICE_DEAF] = MESSAGE_SERVICE_DEAF,
	[NOTICE_START_TIMEOUT] = MESSAGE_START_TIMEOUT,
	[NOTICE_DIED] = MESSAGE_WORKER_DIED,
	[NOTICE_STUCK] = MESSAGE_WORKER_STUCK,
	[NOTICE_TERM] = MESSAGE_WORKER_TERM,
	[NOTICE_STRESS] = MESSAGE_STRESS,
	[NOTICE_MOLD_FAILED] = MESSAGE_MOLD_FAILED,
	[NOTICE_NO_MOLD] = MESSAGE_NO_MOLD,
	[NOTICE_OVERDUE] = MESSAGE_WORKER_OVERDUE,
	[NOTICE_SILENT] = MESSAGE_WORKER_SILENT,
	[NOTICE_ROLLED] = MESSAGE_ROLLED,
	[NOTICE_ROLL_STALLED] = MESSAGE_ROLL_STALLED,
};

static void put_cause(
	struct master *master, uint32_t service, struct log_line *line)
{
	struct view_service view;
	struct text_builder text;
	char buffer[512];

	if (!core_view_service(master->core, service, master->now_ns, &view))
		return;
	text_builder_init(&text, buffer, sizeof(buffer));
	cause_put(&text, &view, service_of(master, service)->row);
	log_text(line, "cause", buffer);
}

static void put_replaced(
	struct master *master, uint32_t service, struct log_line *line)
{
	struct view_service view;

	if (core_view_service(master->core, service, master->now_ns, &view))
		log_number(line, "workers", view.replaced);
}

static void put_pid(struct master *master, const struct action *action,
	struct log_line *line)
{
	struct worker_record *worker =
		worker_at(master, action->slot, action->serial);

	if (worker != NULL)
		log_number(line, "pid", (uint64_t)worker->pid);
}

static void put_stuck(struct master *master, const struct action *action,
	struct log_line *line)
{
	struct worker_record *worker =
		worker_at(master, action->slot, action->serial);

	put_pid(master, action, line);
	if (worker != NULL)
		stuck_log(worker->pid, line);
}

static void put_death(const struct action *action, struct log_line *line)
{
	const struct last_death *death =
		worker_death(action->slot, action->serial);

	if (death == NULL)
		return;
	log_number(line, "pid", (uint64_t)death->pid);
	if (death->end.signal != 0)
		log_number(line, "signal", (uint64_t)death->end.signal);
	else
		log_number(line, "status", (uint64_t)death->end.code);
	if (death->end.core)
		log_text(line, "core", "dumped");
	log_duration(line, "up", death->up_ns);
}

static void put_details(struct master *master, const struct action *action,
	struct log_line *line)
{
	switch (action->notice) {
	case NOTICE_MOLD_FAILED:
		log_duration(line, "pause", action->number);
		break;
	case NOTICE_THROTTLED:
		log_duration(line, "pause", action->number);
		put_cause(master, action->service, line);
		break;
	case NOTICE_NO_SLOTS:
		log_number(line, "workers_max", action->number);
		break;
	case NOTICE_AT_LIMIT:
		log_number(line, "limit", action->number);
		break;
	case NOTICE_SUSPECT:
		put_pid(master, action, line);
		log_number(line, "suspects", action->number);
		break;
	case NOTICE_DEAF:
		log_number(line, "waiting", action->number);
		break;
	case NOTICE_DIED:
		put_death(action, line);
		break;
	case NOTICE_START_TIMEOUT:
		put_pid(master, action, line);
		log_duration(line, "limit", action->number);
		break;
	case NOTICE_STRESS:
		log_duration(line, "time", action->number);
		break;
	case NOTICE_OVERDUE:
	case NOTICE_SILENT:
		put_pid(master, action, line);
		log_duration(line, "for", action->number);
		break;
	case NOTICE_STUCK:
		put_stuck(master, action, line);
		break;
	case NOTICE_TERM:
	case NOTICE_NO_MOLD:
		put_pid(master, action, line);
		break;
	case NOTICE_ROLLED:
		put_replaced(master, action->service, line);
		log_duration(line, "took", action->number);
		break;
	case NOTICE_ROLL_STALLED:
		log_number(line, "old", action->number);
		put_cause(master, action->service, line);
		break;
	case NOTICE_RECOVERED:
		break;
	}
}

/*
 * Lines that workers can cause at will are rationed, and those about single
 * workers apart: fifty deaths must not hide why nobody is started any more.
 */
static struct log_rate *rate_of(struct service_state *state, enum notice notice)
{
	switch (notice) {
	case NOTICE_DIED:
	case NOTICE_TERM:
	case NOTICE_START_TIMEOUT:
	case NOTICE_MOLD_FAILED:
	case NOTICE_OVERDUE:
	case NOTICE_SILENT:
		return &state->deaths;
	case NOTICE_THROTTLED:
	case NOTICE_RECOVERED:
	case NOTICE_NO_SLOTS:
	case NOTICE_AT_LIMIT:
	case NOTICE_STRESS:
	case NOTICE_SUSPECT:
	case NOTICE_DEAF:
		return &state->troubles;
	case NOTICE_STUCK:
	case NOTICE_NO_MOLD:
	case NOTICE_ROLLED:
	case NOTICE_ROLL_STALLED:
		break;
	}
	return NULL;
}

void notice_log(struct master *master, const struct action *action)
{
	const struct personality *personality = master->personality;
	struct service_state *state = service_of(master, action->service);
	struct log_rate *rate = rate_of(state, action->notice);
	struct log_line line;
	uint64_t suppressed = 0;

	if (state->edition == NULL)
		return;
	if (personality->say_notice != NULL &&
		personality->say_notice(master, action))
		return;
	if (rate != NULL && !log_allowed(rate, master->now_ns, &suppressed))
		return;
	log_begin(&line, messages[action->notice]);
	log_text(&line, "service", state->row->name);
	put_details(master, action, &line);
	if (suppressed > 0)
		log_number(&line, "suppressed", suppressed);
	log_end(&line);
}
