/* SPDX-License-Identifier: MIT */
#include "master/trial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/text.h"
#include "core/action.h"
#include "core/view.h"
#include "master/cause.h"
#include "master/edition.h"
#include "master/log.h"
#include "master/master.h"
#include "master/page.h"
#include "master/personality.h"
#include "master/plan.h"
#include "master/services.h"
#include "proto/control.h"
#include "sys/creds.h"
#include "table/diff.h"
#include "table/table.h"

static const struct service *row_of(const struct plan *plan, unsigned i)
{
	return &plan->edition->table->services[i];
}

static bool same_user(const struct identity *a, const struct identity *b)
{
	return a->uid == b->uid && a->gid == b->gid;
}

/* What the workers of a service share with the master, and one another. */
static bool share_all(
	const struct plan *plan, const struct service_state *state, unsigned i)
{
	const struct service *a = state->row;
	const struct service *b = row_of(plan, i);

	return a->channel == b->channel && a->page == b->page &&
	       a->flow == b->flow && a->nonblocking == b->nonblocking &&
	       a->pass == b->pass &&
	       same_user(edition_as(state->edition, a),
		       edition_as(plan->edition, b));
}

bool trial_fits(const struct plan *plan, unsigned i)
{
	const struct plan_row *made = &plan->rows[i];
	const struct service_state *state;

	if (made->id == UINT32_MAX || made->change < ROW_CHANGED ||
		made->endpoints != NULL ||
		row_of(plan, i)->policy.canary == 0 ||
		plan->master->personality->reload_replaces)
		return false;
	state = service_of(plan->master, made->id);
	return state->row->policy.process_limit != 1 &&
	       state->row->policy.stress_time_ns == 0 &&
	       share_all(plan, state, i);
}

/* Of the row and of the file that it executes. */
static uint64_t fingerprint(
	const struct service *row, const struct program_id *program)
{
	uint64_t mark = row_fingerprint(row);

	mark = fingerprint_add(mark, &program->dev, sizeof(program->dev));
	mark = fingerprint_add(mark, &program->ino, sizeof(program->ino));
	mark = fingerprint_add(mark, &program->size, sizeof(program->size));
	mark = fingerprint_add(
		mark, &program->changed_s, sizeof(program->changed_s));
	mark = fingerprint_add(
		mark, &program->changed_ns, sizeof(program->changed_ns));
	return mark != 0 ? mark : 1;
}

bool trial_allows(const struct plan *plan, unsigned i, struct diags *diags)
{
	const struct service *row = row_of(plan, i);
	const struct plan_row *made = &plan->rows[i];
	const struct refusal *refusal;
	char problem[sizeof(refusal->why) + 80];

	if (!made->trial || diags == NULL)
		return true;
	refusal = &service_of(plan->master, made->id)->refusal;
	if (refusal->fingerprint == 0 ||
		refusal->fingerprint != fingerprint(row, &made->program.id))
		return true;
	snprintf(problem, sizeof(problem), "this was tried and rolled back%s%s",
		refusal->why[0] != '\0' ? ": " : "", refusal->why);
	diags_add(diags,
		&(struct diag){.severity = DIAG_ERROR,
			.file = row->file,
			.line = row->line,
			.service = row->name,
			.problem = problem,
			.remedy = "correct it or its program, or try it once "
				  "more: ostler reload --again"});
	return false;
}

/* What is in force was not held while nothing could take its place. */
static void hold_old(struct service_state *state)
{
	struct program held;

	if (state->program.fd >= 0 || program_hold(state->row->path, &held) < 0)
		return;
	if (program_same(&held.id, &state->program.id))
		state->program = held;
	else
		program_release(&held);
}

static struct trial *make_trial(struct plan *plan, unsigned i)
{
	struct trial *trial = calloc(1, sizeof(*trial));

	if (trial == NULL)
		return NULL;
	trial->edition = plan->edition;
	edition_use(trial->edition);
	trial->row = row_of(plan, i);
	trial->program = program_take(&plan->rows[i].program);
	return trial;
}

void trial_begin(struct plan *plan, unsigned i)
{
	struct service_state *state =
		service_of(plan->master, plan->rows[i].id);

	trial_drop(plan->master, plan->rows[i].id);
	hold_old(state);
	/* Without memory for it, canaries are like all others. */
	state->trial = make_trial(plan, i);
	page_turns(plan->master, plan->rows[i].id, true);
}

static void forget(struct service_state *state)
{
	program_release(&state->trial->program);
	edition_drop(state->trial->edition);
	free(state->trial);
	state->trial = NULL;
}

void trial_drop(struct master *master, uint32_t service)
{
	struct service_state *state = service_of(master, service);

	if (state->trial == NULL)
		return;
	page_turns(master, service, false);
	forget(state);
}

/* ---- the verdict ---------------------------------------------------------------- */

static void say_promoted(struct master *master, uint32_t service)
{
	struct log_line line;
	struct view_trial view;

	log_begin(&line, MESSAGE_CANARY_GOOD);
	log_text(&line, "service", service_name(master, service));
	if (core_view_trial(master->core, service, master->now_ns, &view))
		log_number(&line, "served", view.served);
	log_end(&line);
}

void trial_promote(struct master *master, uint32_t service)
{
	struct service_state *state = service_of(master, service);
	struct trial *trial = state->trial;

	if (trial == NULL)
		return;
	page_turns(master, service, false);
	say_promoted(master, service);
	row_in_force(master, service,
		&(struct row_place){.edition = trial->edition,
			.row = trial->row,
			.program = &trial->program,
			.adjust = true});
	forget(state);
}

static void put_verdict(struct text_builder *out, const struct view_trial *view,
	const struct service *row)
{
	struct view_service failure = {.cause = view->cause,
		.stage = view->stage,
		.error = view->error,
		.code = view->code,
		.signal = view->signal};

	switch (view->verdict) {
	case VERDICT_FAILED:
		text_put(out, "a canary failed: ");
		cause_put(out, &failure, row);
		return;
	case VERDICT_OVERDUE:
		text_put(out, "a canary kept a client longer than "
			      "request_time_limit");
		return;
	case VERDICT_SILENT:
		text_put(out, "a canary did not speak as liveness has it");
		return;
	case VERDICT_FEW:
		text_put_format(out,
			"inconclusive: %llu clients in canary_time, and "
			"canary_min is %u",
			(unsigned long long)view->served, view->least);
		return;
	case VERDICT_LOST:
		text_put(out, "inconclusive: the service was drained, lost its "
			      "listener, or the master was replaced");
		return;
	case VERDICT_WITHDRAWN:
	case VERDICT_GOOD:
	case VERDICT_NONE:
		return;
	}
}

/* What is only inconclusive may be tried again. */
static bool is_bad(enum verdict verdict)
{
	return verdict == VERDICT_FAILED || verdict == VERDICT_OVERDUE ||
	       verdict == VERDICT_SILENT;
}

static void say_rolled_back(
	struct master *master, uint32_t service, const char *why, bool bad)
{
	struct log_line line;

	log_begin(
		&line, bad ? MESSAGE_ROLLED_BACK : MESSAGE_CANARY_INCONCLUSIVE);
	log_text(&line, "service", service_name(master, service));
	log_text(&line, "cause", why);
	log_end(&line);
}

/* A master that took over has no row that was tried under another. */
void trial_roll_back(struct master *master, const struct action *action)
{
	struct service_state *state = service_of(master, action->service);
	const struct trial *trial = state->trial;
	struct refusal *refusal = &state->refusal;
	struct text_builder text;
	struct view_trial view;
	bool bad;

	if (!core_view_trial(
		    master->core, action->service, master->now_ns, &view))
		return;
	bad = trial != NULL && is_bad(view.verdict);
	text_builder_init(&text, refusal->why, sizeof(refusal->why));
	put_verdict(&text, &view, trial_row(state, true));
	refusal->at_ns = master->now_ns;
	refusal->fingerprint =
		bad ? fingerprint(trial->row, &trial->program.id) : 0;
	say_rolled_back(master, action->service, refusal->why, bad);
	page_turns(master, action->service, false);
	trial_drop(master, action->service);
}

const char *trial_name(const struct master *master)
{
	for (uint32_t id = 0; id < master->services_high; id++)
		if (service_of(master, id)->trial != NULL)
			return service_name(master, id);
	return NULL;
}

bool trial_was(const struct master *master, uint32_t service)
{
	const struct service_state *state = service_of(master, service);

	return state->trial != NULL ||
	       (state->table == master->tables &&
		       state->edition != master->edition);
}

void trial_put(const struct master *master, uint32_t service,
	struct control_service *out)
{
	const struct service_state *state = service_of(master, service);
	const struct refusal *refusal = &state->refusal;
	struct view_trial view;

	if (!trial_was(master, service))
		return;
	if (state->trial == NULL) {
		out->trial = "rolled-back";
		if (refusal->why[0] != '\0')
			out->trial_cause = refusal->why;
		if (refusal->at_ns > 0 && refusal->at_ns <= master->now_ns)
			out->trial_ended_ns = master->now_ns - refusal->at_ns;
		return;
	}
	out->trial = "running";
	if (!core_view_trial(master->core, service, master->now_ns, &view))
		return;
	out->canaries = view.canaries;
	out->canaries_served = view.served;
	out->trial_left_ns = view.left_ns;
}

void trial_forgive(struct master *master)
{
	for (uint32_t id = 0; id < master->services_high; id++)
		service_of(master, id)->refusal.fingerprint = 0;
}

/* ---- who is started --------------------------------------------------------------- */

const struct service *trial_row(const struct service_state *state, bool canary)
{
	return canary && state->trial != NULL ? state->trial->row : state->row;
}

const struct edition *trial_edition(
	const struct service_state *state, bool canary)
{
	return canary && state->trial != NULL ? state->trial->edition
					      : state->edition;
}

const struct program *trial_program(
	const struct service_state *state, bool canary)
{
	return canary && state->trial != NULL ? &state->trial->program
					      : &state->program;
}
