/* SPDX-License-Identifier: MIT */
#include "ctl/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ctl/answer.h"
#include "ctl/grid.h"
#include "ctl/say.h"

#define SECOND_NS UINT64_C(1000000000)

enum column {
	COLUMN_SERVICE,
	COLUMN_ENDPOINT,
	COLUMN_READY,
	COLUMN_TAKEN,
	COLUMN_STARTING,
	COLUMN_LIMIT,
	COLUMN_DEPTH,
	COLUMN_STATE,
};

static const struct grid_column columns[] = {
	[COLUMN_SERVICE] = {"SERVICE", false},
	[COLUMN_ENDPOINT] = {"ENDPOINT", false},
	[COLUMN_READY] = {"READY", true},
	[COLUMN_TAKEN] = {"TAKEN", true},
	[COLUMN_STARTING] = {"STARTING", true},
	[COLUMN_LIMIT] = {"LIMIT", true},
	[COLUMN_DEPTH] = {"DEPTH", true},
	[COLUMN_STATE] = {"STATE", false},
};

static const struct {
	const char *word;
	enum grid_colour colour;
} state_colours[] = {
	{"up", GRID_GOOD},
	{"at-limit", GRID_POOR},
	{"draining", GRID_POOR},
	{"drained", GRID_POOR},
	{"leaving", GRID_POOR},
	{"stopping", GRID_POOR},
	{"throttled", GRID_BAD},
	{"deaf", GRID_BAD},
};

static enum grid_colour colour_of(const char *state)
{
	for (size_t i = 0; i < sizeof(state_colours) / sizeof(*state_colours);
		i++)
		if (strcmp(state, state_colours[i].word) == 0)
			return state_colours[i].colour;
	return GRID_PLAIN;
}

static void add_note(struct grid *grid, const char *note)
{
	grid_add(grid)->note = note;
}

/* 0: unknown, as for whom nothing is left to say. */
static uint64_t known(uint64_t number)
{
	return number == CONTROL_UNKNOWN ? 0 : number;
}

/* When it will be in NS from now, as a clock shows it: "14:03:22". */
static const char *clock_in(uint64_t ns, char *buffer, size_t size)
{
	time_t now = time(NULL);
	time_t then = now + (time_t)((ns + SECOND_NS - 1) / SECOND_NS);
	struct tm today;
	struct tm day;

	buffer[0] = '\0';
	if (localtime_r(&now, &today) != NULL &&
		localtime_r(&then, &day) != NULL)
		(void)strftime(buffer, size,
			day.tm_yday == today.tm_yday ? "%H:%M:%S"
						     : "%Y-%m-%d %H:%M:%S",
			&day);
	return buffer;
}

static void add_cause(struct grid *grid, const struct control_service *service)
{
	const char *cause = answer_text(service->cause);
	char pause[32];
	char until[32];

	if (known(service->throttled_for_ns) > 0) {
		add_note(grid,
			grid_format(grid, "throttled %s more, until %s%s%s",
				say_duration(service->throttled_for_ns, pause,
					sizeof(pause)),
				clock_in(service->throttled_for_ns, until,
					sizeof(until)),
				cause[0] != '\0' ? ": " : "", cause));
	} else if (cause[0] != '\0' &&
		   strcmp(answer_text(service->state), "up") != 0) {
		add_note(grid, grid_format(grid, "last failure: %s", cause));
	}
}

struct count {
	uint64_t number;
	const char *word;
};

/* "TITLE: 2 this, 1 that", of those that there are; no line if there is none */
static void add_counts(struct grid *grid, const char *title,
	const struct count *counts, unsigned n)
{
	char line[256];
	size_t used = 0;

	for (unsigned i = 0; i < n; i++) {
		if (known(counts[i].number) == 0)
			continue;
		used += (size_t)snprintf(line + used, sizeof(line) - used,
			"%s%" PRIu64 " %s", used > 0 ? ", " : "",
			counts[i].number, counts[i].word);
	}
	if (used > 0)
		add_note(grid, grid_format(grid, "%s: %s", title, line));
}

static void add_odd_workers(
	struct grid *grid, const struct control_service *service)
{
	const struct count workers[] = {
		{service->retiring, "retiring"},
		{service->suspect, "suspect"},
		{service->mute, "mute"},
		{service->leftover, "left over"},
	};
	const struct count replaced[] = {
		{service->worn_use, "used up"},
		{service->worn_age, "too old"},
		{service->worn_memory, "too large"},
		{service->timeouts, "kept a client too long"},
		{service->hangs, "did not speak in time"},
	};
	const struct count reports[] = {
		{service->bad_size, "of a wrong size"},
		{service->bad_pid, "of an unknown pid"},
		{service->bad_generation, "of a stale generation"},
		{service->bad_status, "of no known status"},
		{service->flood, "too many at once"},
	};

	add_counts(
		grid, "workers", workers, sizeof(workers) / sizeof(workers[0]));
	add_counts(grid, "workers replaced", replaced,
		sizeof(replaced) / sizeof(replaced[0]));
	add_counts(grid, "reports not believed", reports,
		sizeof(reports) / sizeof(reports[0]));
}

/*
 * What a person who wonders about a limit wants to know of the past. A service
 * with one worker is at its limit with each client: that is no news.
 */
static void add_limit(struct grid *grid, const struct control_service *service)
{
	uint64_t hits = known(service->limit_hits);
	char time[32];

	if (known(service->scaled) > 0)
		add_note(grid, "other limits by ostler scale, until a reload");
	if (hits > 0 &&
		(service->limit > 1 || known(service->limit_ns) >= SECOND_NS))
		add_note(grid, grid_format(grid,
				       "all taken, at its limit: %" PRIu64
				       " time%s, %s in all",
				       hits, hits == 1 ? "" : "s",
				       say_duration(known(service->limit_ns),
					       time, sizeof(time))));
	if (known(service->bouncing) > 0)
		add_note(grid, strcmp(answer_text(service->on_full),
				       "drop-random") == 0
				       ? "full: clients that come may be "
					 "turned away"
				       : "full: clients that come are turned "
					 "away");
	if (known(service->refused) > 0)
		add_note(grid,
			grid_format(grid,
				"turned away while full: %" PRIu64 " client%s",
				service->refused,
				service->refused == 1 ? "" : "s"));
	if (known(service->over_source) > 0)
		add_note(grid, grid_format(grid,
				       "too many from one source: %" PRIu64
				       " client%s refused",
				       service->over_source,
				       service->over_source == 1 ? "" : "s"));
	if (known(service->stress) > 0)
		add_note(grid, "stress: workers are told to be brief");
}

static void add_mold(struct grid *grid, const struct control_service *service)
{
	uint64_t molded = known(service->molded);
	uint64_t failed = known(service->bad_order);

	if (service->mold == NULL)
		return;
	add_note(grid, grid_format(grid,
			       "mold: %s, %" PRIu64 " worker%s made, %" PRIu64
			       " order%s failed",
			       service->mold, molded, molded == 1 ? "" : "s",
			       failed, failed == 1 ? "" : "s"));
}

static void add_stuck(struct grid *grid, const struct control_stuck *stuck)
{
	const char *process = answer_text(stuck->process);
	const char *wchan = answer_text(stuck->wchan);

	add_note(grid, grid_format(grid,
			       "cannot be stopped: pid %" PRIu64 ", %s%s%s%s%s",
			       stuck->pid, answer_text(stuck->state),
			       process[0] != '\0' ? ", " : "", process,
			       wchan[0] != '\0' ? ", in " : "", wchan));
}

/* They follow the endpoints. */
static void add_all_stuck(
	struct grid *grid, const struct answer *answer, size_t from)
{
	for (; from < answer->n; from++) {
		const struct control_record *record = &answer->records[from];

		if (record->kind == CONTROL_SERVICE)
			break;
		if (record->kind == CONTROL_STUCK)
			add_stuck(grid, &record->stuck);
	}
}

/* While a reload replaces its workers. */
static void add_roll(struct grid *grid, const struct control_service *service)
{
	uint64_t old = known(service->old);

	if (old == 0)
		return;
	add_note(grid,
		grid_format(grid, "reloaded: %" PRIu64 " old worker%s %s", old,
			old == 1 ? "" : "s",
			known(service->stalled) > 0
				? "go on, since no new ones can be started"
				: "to be replaced yet"));
}

/* Another row is in force than the one of the file. */
static void add_trial(struct grid *grid, const struct control_service *service)
{
	const char *trial = answer_text(service->trial);
	const char *cause = answer_text(service->trial_cause);
	uint64_t canaries = known(service->canaries);
	uint64_t served = known(service->canaries_served);
	char time[32];

	if (strcmp(trial, "running") == 0)
		add_note(grid, grid_format(grid,
				       "on trial until %s: %" PRIu64
				       " canar%s, %" PRIu64 " client%s served",
				       clock_in(known(service->trial_left_ns),
					       time, sizeof(time)),
				       canaries, canaries == 1 ? "y" : "ies",
				       served, served == 1 ? "" : "s"));
	else if (strcmp(trial, "rolled-back") == 0)
		add_note(grid,
			grid_format(grid,
				"not as the configuration says: rolled "
				"back %s ago%s%s",
				say_duration(known(service->trial_ended_ns),
					time, sizeof(time)),
				cause[0] != '\0' ? ": " : "", cause));
}

static void add_service(struct grid *grid, const struct answer *answer,
	size_t from, const struct control_service *service)
{
	struct grid_row first = {.note = NULL};
	const struct control_record *record;
	unsigned endpoints_n = 0;

	first.cells[COLUMN_SERVICE] = grid_text(grid, service->name);
	first.cells[COLUMN_ENDPOINT] = "-";
	first.cells[COLUMN_READY] = grid_number(grid, service->ready);
	first.cells[COLUMN_TAKEN] = grid_number(grid, service->taken);
	first.cells[COLUMN_STARTING] = grid_number(grid, service->starting);
	first.cells[COLUMN_LIMIT] =
		service->limit == 0 ? "-" : grid_number(grid, service->limit);
	first.cells[COLUMN_DEPTH] = grid_number(grid, service->depth);
	first.cells[COLUMN_STATE] = grid_text(grid, service->state);
	first.colour = colour_of(answer_text(service->state));
	/* Endpoints follow their service. */
	for (; from < answer->n; from++) {
		struct grid_row row = {.note = NULL};

		record = &answer->records[from];
		if (record->kind != CONTROL_ENDPOINT)
			break;
		if (endpoints_n++ == 0)
			row = first;
		row.cells[COLUMN_ENDPOINT] =
			grid_text(grid, record->endpoint.text);
		row.cells[COLUMN_DEPTH] =
			grid_number(grid, record->endpoint.depth);
		*grid_add(grid) = row;
	}
	if (endpoints_n == 0)
		*grid_add(grid) = first;
	add_cause(grid, service);
	add_limit(grid, service);
	add_mold(grid, service);
	add_roll(grid, service);
	add_trial(grid, service);
	add_odd_workers(grid, service);
	add_all_stuck(grid, answer, from);
}

static void print_master(const struct control_master *master)
{
	char uptime[32];

	say_duration(known(master->uptime_ns), uptime, sizeof(uptime));
	say_line(stdout,
		"master %s (%s), pid %" PRIu64 ", %s, up %s, %" PRIu64
		" of %" PRIu64 " workers, %s",
		answer_text(master->version), answer_text(master->personality),
		known(master->pid), answer_text(master->state), uptime,
		known(master->workers), known(master->workers_max),
		answer_text(master->config));
	if (answer_text(master->last_reload_error)[0] != '\0')
		say_line(stdout, "last reload failed: %s",
			master->last_reload_error);
	if (known(master->restarts) > 0)
		say_line(stdout,
			"started again by its keeper: %" PRIu64
			" times; the last one before was %s",
			master->restarts, answer_text(master->last_death));
	if (known(master->log_dropped) > 0)
		say_line(stdout, "log lines dropped: %" PRIu64,
			master->log_dropped);
}

enum ctl_exit status_print_text(const struct answer *answer, bool colour)
{
	const struct control_record *record;
	enum ctl_exit result = CTL_OK;
	struct grid grid;
	size_t from = 0;

	grid_init(&grid, columns, sizeof(columns) / sizeof(columns[0]));
	while ((record = answer_next(answer, CONTROL_SERVICE, &from)) != NULL)
		add_service(&grid, answer, from, &record->service);
	if (grid.exhausted) {
		say_complaint("cannot show the answer: out of memory");
		result = CTL_FAILED;
	} else {
		from = 0;
		record = answer_next(answer, CONTROL_MASTER, &from);
		if (record != NULL)
			print_master(&record->master);
		if (record != NULL)
			putchar('\n');
		grid_print(&grid, stdout, colour);
	}
	grid_finish(&grid);
	return result;
}
