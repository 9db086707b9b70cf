/* SPDX-License-Identifier: MIT */
#include "master/plan.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/text.h"
#include "master/edition.h"
#include "master/listeners.h"
#include "master/log.h"
#include "master/master.h"
#include "master/passed.h"
#include "master/personality.h"
#include "master/place.h"
#include "master/trial.h"
#include "sys/fd.h"
#include "table/table.h"

static bool is_open(
	const struct listener *listener, const struct endpoint *endpoint)
{
	return listener->fd >= 0 && endpoint_same(listener->endpoint, endpoint);
}

static bool is_kept(
	const struct listener *listener, const struct endpoint *endpoint)
{
	return is_open(listener, endpoint) && listener_has_name(listener);
}

static bool keep_if(struct plan *plan, const struct service *row,
	const struct plan_row *made,
	bool (*fits)(const struct listener *, const struct endpoint *),
	struct plan_endpoint *out)
{
	const struct service_state *old;

	if (made->id == UINT32_MAX)
		return false;
	old = service_of(plan->master, made->id);
	for (unsigned i = 0; i < old->listeners_n; i++) {
		const struct listener *listener = &old->listeners[i];

		if (!fits(listener, out->listener.endpoint))
			continue;
		out->source = PLAN_KEPT;
		out->protect = listener->endpoint->path != NULL &&
			       !listener->passed &&
			       !place_same_protection(old->row, row);
		out->service = made->id;
		out->index = i;
		return true;
	}
	return false;
}

static void put_problem(const struct master *master, struct text_builder *out,
	const struct endpoint *endpoint, int error)
{
	if (master->personality->listen_words != NULL)
		master->personality->listen_words(out, endpoint, error);
	else
		text_put_format(out, "cannot listen on \"%s\": %s",
			endpoint->text, strerror(error));
}

static void complain(const struct master *master, struct diags *diags,
	const struct service *row, const struct endpoint *endpoint, int error)
{
	struct text_builder text;
	char problem[512];
	const char *remedy = "make sure that the address is this machine's, "
			     "and that the directory of a name exists";

	text_builder_init(&text, problem, sizeof(problem));
	put_problem(master, &text, endpoint, error);
	if (error == EADDRINUSE)
		remedy = "another program has it, or another endpoint of "
			 "ostlerd's, or a worker that a former ostlerd left; "
			 "stop that, or choose another";
	else if (error == EACCES || error == EPERM)
		remedy = "it needs root, or the directory another owner";
	else if (error == EEXIST)
		remedy = "what is there is no socket or pipe of ours; move it "
			 "away";
	else if (error == EMFILE || error == ENFILE)
		remedy = "raise the limit of open files (RLIMIT_NOFILE)";
	diags_add(diags, &(struct diag){.severity = DIAG_ERROR,
				 .file = endpoint->file,
				 .line = endpoint->line,
				 .service = row->name,
				 .problem = problem,
				 .remedy = remedy});
}

/* A name that a service of ours uses may be replaced: that one gives it up. */
static bool is_ours(const struct plan *plan, const struct endpoint *endpoint)
{
	const struct known *place = place_find(plan, endpoint->text);

	return place != NULL &&
	       listener_has_name(&service_of(plan->master, place->service)
					  ->listeners[place->index]);
}

static enum listener_way way_of(
	const struct plan *plan, const struct endpoint *endpoint)
{
	/* Nobody would see the half of it: there is nothing else. */
	if (plan->master->edition == NULL)
		return LISTENER_AT_ONCE;
	return is_ours(plan, endpoint) ? LISTENER_REPLACE : LISTENER_OPEN;
}

/* 0 or -errno. */
static int open_new(
	struct plan *plan, const struct service *row, struct plan_endpoint *out)
{
	const struct endpoint *endpoint = out->listener.endpoint;
	const struct identity *owner = edition_sockets(plan->edition, row);
	int fd;

	out->source = PLAN_NEW;
	out->listener.maker = maker_of(row, owner);
	out->named = (struct net_named)NET_NAMED_NONE;
	if (passed_take(row, &out->listener) == 0)
		return 0;
	fd = listener_open(
		row, endpoint, owner, way_of(plan, endpoint), &out->named);
	if (fd == -EADDRINUSE && endpoint->kind == ENDPOINT_INET)
		fd = listener_open_beside(
			plan->master, plan, row, endpoint, owner);
	if (fd == -EADDRINUSE && endpoint->kind == ENDPOINT_INET &&
		plan->master->personality->adopt != NULL)
		fd = plan->master->personality->adopt(row, endpoint);
	if (fd < 0)
		return fd;
	out->listener.fd = fd;
	out->listener.dev = out->named.dev;
	out->listener.ino = out->named.ino;
	return 0;
}

/*
 * Whoever owns the directory may take a name away, and have something in its
 * place that cannot be replaced. That must not keep a reload from all others.
 */
static bool keep_nameless(struct plan *plan, const struct service *row,
	const struct plan_row *made, struct plan_endpoint *out)
{
	struct log_line line;

	if (!row->socket_by_owner || !keep_if(plan, row, made, is_open, out))
		return false;
	log_begin(&line, MESSAGE_LISTENER_FAILED);
	log_text(&line, "service", row->name);
	log_text(&line, "endpoint", out->listener.endpoint->text);
	log_text(&line, "error",
		"its name was taken away, and cannot be had again");
	log_end(&line);
	return true;
}

static bool find_endpoint(struct plan *plan, const struct service *row,
	const struct plan_row *made, struct plan_endpoint *out,
	struct diags *diags)
{
	int result;

	if (keep_if(plan, row, made, is_kept, out))
		return true;
	if (place_take(plan, row, out))
		return true;
	out->source = PLAN_NEW;
	if (plan->dry)
		return true;
	result = open_new(plan, row, out);
	if (result == 0 || keep_nameless(plan, row, made, out))
		return true;
	complain(plan->master, diags, row, out->listener.endpoint, -result);
	return false;
}

/* Nothing about the listeners differs: the usual case of a reload. */
static bool all_kept(const struct plan *plan, const struct service *row,
	const struct plan_row *made)
{
	const struct service_state *old;

	if (made->id == UINT32_MAX)
		return false;
	old = service_of(plan->master, made->id);
	if (old->listeners_n != row->endpoints_n)
		return false;
	for (unsigned i = 0; i < row->endpoints_n; i++)
		if (!is_kept(&old->listeners[i], &row->endpoints[i]))
			return false;
	return true;
}

/* What it executes: many services in a row may run one program. */
static void identify(struct plan *plan, unsigned i)
{
	const struct service *row = &plan->edition->table->services[i];
	struct plan_row *made = &plan->rows[i];

	if (plan->master->personality->reload_replaces)
		return;
	if (row->policy.canary != 0)
		(void)program_hold(row->path, &made->program);
	else if (i > 0 && strcmp(row->path, row[-1].path) == 0)
		made->program.id = plan->rows[i - 1].program.id;
	else
		(void)program_identify(row->path, &made->program.id);
}

/* One whose program is another file by now has changed, too. */
static enum row_change compare(const struct plan *plan,
	const struct service *before, const struct program *program, unsigned i)
{
	const struct service *row = &plan->edition->table->services[i];
	const struct plan_row *made = &plan->rows[i];
	enum row_change change = row_compare(before, row);

	if (change < ROW_CHANGED && made->program.id.ino != 0 &&
		program->id.ino != 0 &&
		!program_same(&program->id, &made->program.id))
		return ROW_CHANGED;
	return change;
}

static bool make_row(struct plan *plan, unsigned i, struct diags *diags)
{
	const struct service *row = &plan->edition->table->services[i];
	struct plan_row *made = &plan->rows[i];
	struct known *known = known_find(plan, row->name);
	bool good = true;
	bool kept;

	made->id = known == NULL ? UINT32_MAX : known->service;
	made->change = ROW_CHANGED;
	identify(plan, i);
	if (known != NULL) {
		known->wanted = true;
		made->change = compare(plan,
			service_of(plan->master, made->id)->row,
			&service_of(plan->master, made->id)->program, i);
	}
	kept = all_kept(plan, row, made);
	if (kept && place_same_protection(
			    service_of(plan->master, made->id)->row, row))
		return true;
	/* Workers hold the listeners they were born with. */
	if (!kept)
		made->change = ROW_REPLACED;
	made->endpoints = calloc(row->endpoints_n, sizeof(*made->endpoints));
	if (made->endpoints == NULL)
		return false;
	for (unsigned n = 0; n < row->endpoints_n; n++) {
		made->endpoints[n].listener = (struct listener){
			.endpoint = &row->endpoints[n], .fd = -1};
		made->endpoints[n].named = (struct net_named)NET_NAMED_NONE;
		if (!find_endpoint(plan, row, made, &made->endpoints[n], diags))
			good = false;
	}
	return good;
}

/* Who makes what row I needs; a start does nothing else meanwhile. */
static struct maker maker_for(const struct plan *plan, unsigned i)
{
	const struct service *row = &plan->edition->table->services[i];

	if (plan->master->edition != NULL)
		return (struct maker){.is_other = false};
	return maker_of(row, edition_sockets(plan->edition, row));
}

/* Whether it is tried first; and not what was found to be bad. */
static bool try_row(struct plan *plan, unsigned i, struct diags *diags)
{
	struct plan_row *made = &plan->rows[i];
	const struct trial *trial;

	made->trial = trial_fits(plan, i);
	if (!made->trial)
		return true;
	trial = service_of(plan->master, made->id)->trial;
	if (trial != NULL)
		made->change = compare(plan, trial->row, &trial->program, i);
	return trial_allows(plan, i, diags);
}

/* We become whoever makes many in a row once. */
static bool make_rows(struct plan *plan, struct diags *diags)
{
	struct maker held = {.is_other = false};
	bool good = true;

	for (unsigned i = 0; i < plan->edition->table->services_n; i++) {
		struct maker maker = maker_for(plan, i);

		if (!maker_same(&maker, &held)) {
			maker_end(&held);
			if (maker_begin(&maker) < 0)
				maker.is_other = false; /* the row will say */
			held = maker;
		}
		if (!make_row(plan, i, diags) || !try_row(plan, i, diags))
			good = false;
	}
	maker_end(&held);
	listeners_opened();
	return good;
}

static bool begin(
	struct plan *plan, struct master *master, struct edition *edition)
{
	*plan = (struct plan){.master = master, .edition = edition};
	plan->rows =
		calloc(edition->table->services_n + 1, sizeof(*plan->rows));
	for (unsigned i = 0;
		plan->rows != NULL && i < edition->table->services_n; i++)
		plan->rows[i].program.fd = -1;
	if (plan->rows != NULL && known_make(plan))
		return true;
	plan_finish(plan);
	return false;
}

bool plan_make(struct plan *plan, struct master *master,
	struct edition *edition, struct diags *diags)
{
	bool good;

	if (!begin(plan, master, edition))
		return false;
	good = make_rows(plan, diags);
	if (!good)
		plan_finish(plan);
	return good;
}

bool plan_look(struct plan *plan, struct master *master,
	struct edition *edition, struct diags *diags)
{
	bool good = begin(plan, master, edition);

	plan->dry = true;
	for (unsigned i = 0;
		plan->rows != NULL && i < edition->table->services_n; i++)
		if (!make_row(plan, i, diags) || !try_row(plan, i, diags))
			good = false;
	if (!good)
		plan_finish(plan);
	return good;
}

static void finish_endpoint(struct plan_endpoint *endpoint)
{
	if (endpoint->source != PLAN_NEW)
		return;
	listener_abort(&endpoint->listener.maker, &endpoint->named);
	fd_close(&endpoint->listener.fd);
}

void plan_finish(struct plan *plan)
{
	const struct table *table;

	if (plan->edition == NULL)
		return;
	table = plan->edition->table;
	for (unsigned i = 0; plan->rows != NULL && i < table->services_n; i++) {
		struct plan_endpoint *endpoints = plan->rows[i].endpoints;

		program_release(&plan->rows[i].program);
		if (endpoints == NULL)
			continue;
		for (unsigned n = 0; n < table->services[i].endpoints_n; n++)
			finish_endpoint(&endpoints[n]);
		free(endpoints);
	}
	free(plan->rows);
	free(plan->known);
	free(plan->places);
	*plan = (struct plan){.edition = NULL};
}

const char *plan_how(const struct plan *plan, unsigned i)
{
	if (plan->rows[i].id == UINT32_MAX)
		return "added";
	if (plan->rows[i].trial)
		return "canary";
	switch (plan->rows[i].change) {
	case ROW_SAME:
		return "same";
	case ROW_POLICY:
		return "policy";
	case ROW_CHANGED:
	case ROW_REPLACED:
		break;
	}
	return "changed";
}

unsigned plan_removed(const struct plan *plan, const char **out, unsigned max)
{
	unsigned n = 0;

	for (unsigned i = 0; i < plan->known_n && n < max; i++)
		if (!plan->known[i].wanted)
			out[n++] = plan->known[i].text;
	return n;
}
