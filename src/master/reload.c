/* SPDX-License-Identifier: MIT */
#include "master/reload.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/number.h"
#include "master/capacity.h"
#include "master/control.h"
#include "master/edition.h"
#include "master/log.h"
#include "master/master.h"
#include "master/personality.h"
#include "master/plan.h"
#include "sys/creds.h"
#include "sys/loop.h"
#include "sys/memory.h"
#include "sys/path.h"
#include "table/table.h"

#define LOOKUP_NS (10 * NS_PER_S)

struct reload {
	bool running;
	bool heard;  /* from the look-up */
	bool untold; /* ended, and who asked has not been told yet */
	bool again;
	bool asking;	     /* before the files can be read */
	struct arena *arena; /* owned; of diags and result */
	struct diags diags;
	struct edition *candidate; /* owned while running */
	struct lookup *lookup;	   /* owned */
	uint64_t until_ns;	   /* of the look-up */
	struct reload_result result;
	uint64_t count;
	uint64_t failures;
};

int reload_create(struct master *master)
{
	master->reload = calloc(1, sizeof(*master->reload));
	return master->reload == NULL ? -ENOMEM : 0;
}

static void end_lookup(struct master *master)
{
	struct reload *reload = master->reload;

	if (reload->lookup == NULL)
		return;
	(void)loop_remove(master->loop, sys_lookup_fd(reload->lookup));
	sys_lookup_cancel(reload->lookup);
	reload->lookup = NULL;
}

void reload_destroy(struct master *master)
{
	struct reload *reload = master->reload;

	if (reload == NULL)
		return;
	end_lookup(master);
	edition_drop(reload->candidate);
	arena_destroy(reload->arena);
	free(reload);
	master->reload = NULL;
}

static void log_diags(struct master *master)
{
	const struct reload *reload = master->reload;
	char buffer[1800];
	struct text_builder text;

	for (size_t i = 0; i < reload->diags.n; i++) {
		const struct diag *diag = &reload->diags.items[i];

		if (master->personality->say_diag != NULL) {
			master->personality->say_diag(master, diag);
			continue;
		}
		text_builder_init(&text, buffer, sizeof(buffer));
		diag_put(&text, diag);
		log_say(diag->severity == DIAG_ERROR ? MESSAGE_CONFIG_ERROR
						     : MESSAGE_CONFIG_WARNING,
			buffer);
	}
}

static void log_refused(const struct master *master)
{
	struct log_line line;

	log_begin(&line, MESSAGE_CONFIG_REFUSED);
	log_text(&line, "file", master->options->config);
	log_number(&line, "errors", master->reload->diags.errors_n);
	log_end(&line);
}

static unsigned count_how(const struct reload_result *result, const char *how)
{
	unsigned n = 0;

	for (unsigned i = 0; i < result->n; i++)
		n += strcmp(result->hows[i], how) == 0;
	return n;
}

static void log_reloaded(const struct master *master)
{
	const struct reload_result *result = &master->reload->result;
	static const char *const hows[] = {
		"added", "removed", "changed", "policy", "same"};
	struct log_line line;

	log_begin(&line, MESSAGE_RELOADED);
	log_text(&line, "file", master->options->config);
	for (unsigned i = 0; i < sizeof(hows) / sizeof(hows[0]); i++)
		log_number(&line, hows[i], count_how(result, hows[i]));
	log_end(&line);
}

static void log_ended(const struct master *master, bool good)
{
	bool first = reload_count(master) == 0;

	if (first && master->personality->say_diag != NULL)
		return; /* who starts has words of its own */
	if (good)
		log_reloaded(master);
	else
		log_refused(master);
}

static void finish(struct master *master, bool good)
{
	struct reload *reload = master->reload;

	end_lookup(master);
	edition_drop(reload->candidate);
	reload->candidate = NULL;
	reload->running = false;
	reload->untold = true;
	reload->result.good = good;
	reload->result.diags = &reload->diags;
	/* What is not in force when we stop is no fault of the files. */
	if (good || !master->stopping) {
		log_diags(master);
		log_ended(master, good);
	}
	reload->count += good;
	reload->failures += !good;
}

static void complain(
	struct master *master, const char *problem, const char *remedy)
{
	diags_add(
		&master->reload->diags, &(struct diag){.severity = DIAG_ERROR,
						.file = master->options->config,
						.problem = problem,
						.remedy = remedy});
}

/* Names are kept for who asks later: the table may be gone by then. */
static void make_result(struct reload *reload, const struct plan *plan)
{
	const struct table *table = plan->edition->table;
	unsigned size = table->services_n + plan->known_n;
	const char **names =
		arena_array(reload->arena, size + 1, sizeof(*names));
	const char **hows = arena_array(reload->arena, size + 1, sizeof(*hows));
	unsigned n;

	if (names == NULL || hows == NULL)
		return;
	n = plan_removed(plan, names, plan->known_n);
	for (unsigned i = 0; i < n; i++)
		hows[i] = "removed";
	for (unsigned i = 0; i < table->services_n; i++, n++) {
		names[n] = table->services[i].name;
		hows[n] = plan_how(plan, i);
	}
	for (unsigned i = 0; i < n; i++)
		names[i] = arena_copy(reload->arena, text_of(names[i]));
	reload->result.names = names;
	reload->result.hows = hows;
	reload->result.n = arena_is_exhausted(reload->arena) ? 0 : n;
}

static void put_into_force(struct master *master)
{
	struct edition *candidate = master->reload->candidate;

	master->personality->in_force(master, candidate->table);
	master->tables++;
	edition_use(candidate);
	edition_drop(master->edition);
	master->edition = candidate;
}

/* Everything is known: open what is new, then commit. */
static void proceed(struct master *master)
{
	struct reload *reload = master->reload;
	struct plan plan = {.edition = NULL};
	bool good;

	if (master->stopping) {
		complain(master, "the master is stopping", "start it again");
		finish(master, false);
		return;
	}
	good = edition_check(reload->candidate, master->options->config,
		       &reload->diags) &&
	       capacity_check(master, reload->candidate, &reload->diags);
	if (good) {
		good = plan_make(
			&plan, master, reload->candidate, &reload->diags);
		if (good) {
			make_result(reload, &plan);
			good = plan_commit(&plan, &reload->diags);
		}
		reload->result.machine = !good;
	}
	plan_finish(&plan);
	if (good)
		put_into_force(master);
	finish(master, good);
	sys_memory_trim(); /* the plan, and the table before */
}

static void look_up(struct master *master)
{
	struct reload *reload = master->reload;
	struct lookup_request *requests = edition_requests(reload->candidate);
	int result = -ENOMEM;

	if (requests != NULL)
		result = sys_lookup_start(requests,
			reload->candidate->identities_n, &reload->lookup);
	free(requests);
	if (result == 0)
		result = loop_add(master->loop, sys_lookup_fd(reload->lookup),
			LOOP_IN, tag_make(TAG_LOOKUP, 0, 0));
	if (result < 0) {
		reload->result.machine = true;
		complain(master, strerror(-result),
			"users cannot be looked up now; try again");
		finish(master, false);
		return;
	}
	reload->until_ns = master->now_ns + LOOKUP_NS;
}

static bool fresh(struct master *master)
{
	struct reload *reload = master->reload;

	arena_destroy(reload->arena);
	reload->result = (struct reload_result){.n = 0};
	reload->arena = arena_create(0);
	if (reload->arena == NULL)
		return false;
	diags_init(&reload->diags, reload->arena);
	reload->running = true;
	return true;
}

static void begin(struct master *master, struct table *table)
{
	struct reload *reload = master->reload;

	reload->candidate = edition_create(table);
	if (reload->candidate == NULL)
		finish(master, false);
	else
		look_up(master);
}

void reload_with(struct master *master, struct table *table)
{
	if (fresh(master)) {
		begin(master, table);
		return;
	}
	master->reload->failures++;
	table_destroy(table);
}

/* Read the files, and go on with what they say. */
static void load(struct master *master)
{
	struct reload *reload = master->reload;
	struct table *table = NULL;

	if (master->personality->load(master, &table, &reload->diags))
		begin(master, table);
	else
		finish(master, false);
}

/* What the files mean may have to be found out first. */
static void ask_or_load(struct master *master)
{
	struct reload *reload = master->reload;
	uint64_t until_ns = 0;

	if (master->personality->ask != NULL)
		until_ns = master->personality->ask(master);
	reload->asking = until_ns != 0;
	reload->until_ns = until_ns;
	if (!reload->asking)
		load(master);
}

void reload_request(struct master *master)
{
	struct reload *reload = master->reload;

	if (reload->running || reload->untold) {
		reload->again = true;
		return;
	}
	control_renew(master);
	if (master->personality->reloading != NULL)
		master->personality->reloading(master);
	if (!fresh(master)) {
		reload->failures++;
		reload->untold = true;
		return;
	}
	if (master->stopping) {
		complain(master, "the master is stopping", "start it again");
		finish(master, false);
	} else {
		ask_or_load(master);
	}
}

bool reload_is_running(const struct master *master)
{
	return master->reload->running;
}

bool reload_told(struct master *master)
{
	struct reload *reload = master->reload;

	if (!reload->untold)
		return false;
	reload->untold = false;
	if (!reload->again)
		return false;
	reload->again = false;
	reload_request(master);
	return true;
}

static void take_lookup(struct master *master)
{
	struct reload *reload = master->reload;
	int result;

	result = sys_lookup_read(reload->lookup, reload->candidate->identities);
	if (result == -EAGAIN)
		return;
	end_lookup(master);
	if (result == 0) {
		proceed(master);
		return;
	}
	reload->result.machine = true;
	complain(master, "users could not be looked up",
		"the process that looks them up died; try again");
	finish(master, false);
}

void reload_lookup_ready(struct master *master)
{
	master->reload->heard = true;
}

void reload_go_on(struct master *master)
{
	struct reload *reload = master->reload;
	bool heard = reload->heard;

	/* An event of this round could close what the plan is made of. */
	assert(master->inbox.n == 0);
	reload->heard = false;
	if (reload->asking) {
		if (heard || master->now_ns >= reload->until_ns)
			ask_or_load(master);
		return;
	}
	if (reload->lookup != NULL && heard)
		take_lookup(master);
	if (reload->lookup == NULL || master->now_ns < reload->until_ns)
		return;
	reload->result.machine = true;
	complain(master, "looking users up takes too long",
		"see nsswitch.conf(5), or give numbers");
	finish(master, false);
}

uint64_t reload_deadline(const struct master *master)
{
	const struct reload *reload = master->reload;

	return reload->lookup == NULL && !reload->asking ? LOOP_FOREVER
							 : reload->until_ns;
}

const struct reload_result *reload_result(const struct master *master)
{
	return &master->reload->result;
}

uint64_t reload_count(const struct master *master)
{
	return master->reload->count;
}

uint64_t reload_failures(const struct master *master)
{
	return master->reload->failures;
}

void reload_set_counts(struct master *master, uint64_t count, uint64_t failures)
{
	master->reload->count = count;
	master->reload->failures = failures;
}

int reload_pid(const struct master *master)
{
	if (master->reload->asking)
		return master->personality->asking_pid(master);
	return master->reload->lookup == NULL
		       ? 0
		       : sys_lookup_pid(master->reload->lookup);
}
