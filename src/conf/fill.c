/* SPDX-License-Identifier: MIT */
#include "conf/fill.h"

#include <string.h>

#include "base/arena.h"
#include "conf/endpoint.h"
#include "conf/native.h"
#include "conf/overload.h"
#include "conf/source.h"
#include "conf/value.h"
#include "table/table.h"

enum {
	SERVICE_NAME_MAX = 32,
};

/* A wake-up more often than this would be a tick. */
#define LIVENESS_LEAST_NS (100 * NS_PER_MS)
#define WAKEUP_LEAST_NS (100 * NS_PER_MS)

static bool is_service_name(struct text name)
{
	if (name.n == 0 || name.n > SERVICE_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.bytes[i];

		if (text_char_is_lower(c) || text_char_is_digit(c))
			continue;
		if (i == 0 || (c != '.' && c != '_' && c != '-'))
			return false;
	}
	return true;
}

static void fill_name(const struct values *values, struct service *out)
{
	const struct block *block = values->block;
	struct place place = {block->file, block->line, block->name};

	if (!is_service_name(text_of(block->name)))
		complain(values->diags, &place,
			"use 1 to 32 of a-z 0-9 . _ -, a letter or digit first",
			"not a name for a service");
	out->name = arena_copy(values->arena, text_of(block->name));
	out->file = arena_copy(values->arena, text_of(block->file));
	out->line = block->line;
}

/* The words of a list, NULL-terminated; NULL if there are none. */
static const char *const *copy_words(
	const struct values *values, enum setting_id id)
{
	const struct assignment *given = &values->block->given[id];
	const char **words = arena_array(
		values->arena, (size_t)given->n + 1, sizeof(*words));
	unsigned i = 0;

	if (words == NULL)
		return NULL;
	for (const struct given *word = given->first; word != NULL;
		word = word->next)
		words[i++] = arena_copy(values->arena, text_of(word->text));
	return words;
}

/* The absolute path of the program; commands without / are our own. */
static const char *command_path(const struct values *values,
	const struct conf_request *request, enum setting_id id,
	const char *word)
{
	struct place place = value_place(values, id);
	const char *path, *trouble;

	if (word[0] == '\0' || (word[0] != '/' && strchr(word, '/') != NULL)) {
		complain(values->diags, &place, "write the whole path",
			"%s: '%s' is not an absolute path", settings[id].name,
			word);
		return word;
	}
	path = word[0] == '/' ? arena_copy(values->arena, text_of(word))
			      : arena_format(values->arena, "%s/%s",
					request->libexec_directory, word);
	if (path == NULL || request->probe == NULL)
		return path;
	trouble = request->probe(request->context, path);
	if (trouble != NULL)
		complain(values->diags, &place,
			word[0] == '/' ? "correct the path"
				       : "write the whole path, if it is "
					 "somewhere else",
			"%s: %s: %s", settings[id].name, path, trouble);
	return path;
}

/* The words of a command, NULL-terminated; NULL if there are none. */
static const char *const *copy_command(const struct values *values,
	const struct conf_request *request, enum setting_id id)
{
	const struct assignment *given = &values->block->given[id];
	const char **words;
	unsigned n = 0;

	if (given->first == NULL)
		return NULL;
	words = arena_array(
		values->arena, (size_t)given->n + 1, sizeof(*words));
	if (words == NULL)
		return NULL;
	words[n++] = command_path(values, request, id, given->first->text);
	for (const struct given *word = given->first->next; word != NULL;
		word = word->next)
		words[n++] = arena_copy(values->arena, text_of(word->text));
	return words;
}

static void fill_command(const struct values *values,
	const struct conf_request *request, struct service *out)
{
	const struct assignment *given = &values->block->given[SETTING_command];
	struct place place = value_place(values, SETTING_command);

	if (given->first == NULL) {
		complain(values->diags, &place,
			"add command = {\"PROGRAM\", \"ARGUMENT\"}",
			"no command");
		return;
	}
	out->command = copy_command(values, request, SETTING_command);
	if (out->command == NULL)
		return;
	out->path = out->command[0];
	out->command_n = given->n;
}

void fill_table(const struct conf_request *request, const struct block *globals,
	struct table *table, struct diags *diags)
{
	struct values values = {globals, table->arena, diags};

	table->runtime_directory =
		value_path(&values, SETTING_runtime_directory);
	table->control_group = value_name(&values, SETTING_control_group);
	table->workers_max = value_number32(&values, SETTING_workers_max);
	table->upgrade_timeout_ns =
		value_number(&values, SETTING_upgrade_timeout);
	table->hook = copy_command(&values, request, SETTING_hook);
	if (table->hook != NULL)
		table->hook_user = value_name(&values, SETTING_hook_user);
	table->hook_timeout_ns = value_number(&values, SETTING_hook_timeout);
	table->log = value_choice(&values, SETTING_log) == 0 ? LOG_STDERR
							     : LOG_SYSLOG;
}

static bool is_variable_name(struct text name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.bytes[i];

		if (c != '_' && !text_char_is_alnum(c))
			return false;
	}
	return name.n > 0 && !text_char_is_digit(name.bytes[0]);
}

static bool is_given_before(
	const struct values *values, const struct given *word, struct text name)
{
	const struct given *other =
		values->block->given[SETTING_environment].first;

	for (; other != word; other = other->next) {
		struct text rest = text_of(other->text), piece;

		if (text_cut(&rest, '=', &piece) && text_equal(piece, name))
			return true;
	}
	return false;
}

static void check_variable(
	const struct values *values, const struct given *word)
{
	struct place place = value_place(values, SETTING_environment);
	struct text rest = text_of(word->text), name;

	place.line = word->line;
	(void)text_cut(&rest, '=', &name); /* the first piece always is */
	if (rest.bytes == NULL || !is_variable_name(name))
		complain(values->diags, &place,
			"write \"NAME=VALUE\", the name of letters, digits "
			"and _",
			"environment: '%s' is no variable", word->text);
	else if (text_is(name, "GENERATION") ||
		 text_starts_with(name, "OSTLER_"))
		complain(values->diags, &place, "remove it",
			"environment: '%.*s' is set by the master", (int)name.n,
			name.bytes);
	else if (is_given_before(values, word, name))
		complain(values->diags, &place, "remove one of them",
			"environment: '%.*s' is given twice", (int)name.n,
			name.bytes);
}

static void fill_environment(const struct values *values, struct service *out)
{
	const struct assignment *given =
		&values->block->given[SETTING_environment];
	struct place place = value_place(values, SETTING_environment);

	if (given->n > TABLE_ENVIRONMENT_MAX) {
		complain(values->diags, &place,
			"put the rest into a file that the command reads",
			"environment has %u variables, and %u may be", given->n,
			TABLE_ENVIRONMENT_MAX);
		return;
	}
	for (const struct given *word = given->first; word != NULL;
		word = word->next)
		check_variable(values, word);
	out->environment = copy_words(values, SETTING_environment);
	out->environment_n = given->n;
}

static void fill_identity(const struct values *values,
	const struct conf_request *request, struct service *out)
{
	struct place place = value_place(values, SETTING_user);

	out->user = value_name(values, SETTING_user);
	out->group = value_name(values, SETTING_group);
	if (request->as_root && !value_is_given(values, SETTING_user))
		complain(values->diags, &place,
			"add user = \"NAME\", one that no other service has",
			"no user, and the master runs as root");
	out->directory = value_path(values, SETTING_directory);
	out->umask = value_number32(values, SETTING_umask);
}

static void fill_sockets(const struct values *values, struct service *out)
{
	out->socket_owner = value_name(values, SETTING_socket_owner);
	out->socket_group = value_name(values, SETTING_socket_group);
	out->socket_mode = value_number32(values, SETTING_socket_mode);
	out->backlog = value_number32(values, SETTING_backlog);
	out->nonblocking = value_switch(values, SETTING_nonblocking);
	out->flow = value_switch(values, SETTING_flow);
	out->page = value_switch(values, SETTING_status_page);
	out->channel = value_choice(values, SETTING_status_channel) == 0
			       ? CHANNEL_PRIVATE
			       : CHANNEL_SHARED;
}

static void fill_mold(const struct values *values, struct service *out)
{
	struct place place = value_place(values, SETTING_mold);

	out->policy.mold = value_switch(values, SETTING_mold);
	if (!out->policy.mold)
		return;
	if (out->channel == CHANNEL_SHARED)
		complain(values->diags, &place,
			"remove status_channel = shared",
			"mold with status_channel = shared: who a mold has "
			"made is known by a channel of its own");
	if (!out->nonblocking)
		complain(values->diags, &place, "remove nonblocking = no",
			"mold with nonblocking = no: such servers do not say "
			"when they are ready");
}

static void fill_limits(const struct values *values, struct service_limits *out)
{
	out->core_bytes = value_limit(values, SETTING_limit_core);
	out->nofile = value_limit(values, SETTING_limit_nofile);
	out->nproc = value_limit(values, SETTING_limit_nproc);
	out->as_bytes = value_limit(values, SETTING_limit_as);
	out->fsize_bytes = value_limit(values, SETTING_limit_fsize);
	out->cpu_seconds = value_limit(values, SETTING_limit_cpu);
	out->stack_bytes = value_limit(values, SETTING_limit_stack);
}

/* B3: a quarter more, but at least one; a limit of one is kept to. */
static uint32_t automatic_surge(uint32_t process_limit)
{
	if (process_limit <= 1)
		return 0;
	return process_limit < 4 ? 1 : process_limit / 4;
}

/*
 * Those who leave under stress make room for those who know of it: nobody
 * comes in their place, and so nothing may be over the limit.
 */
static void fill_stress(const struct values *values, struct policy *policy)
{
	struct place place = value_place(values, SETTING_stress_time);

	policy->stress_time_ns = value_number(values, SETTING_stress_time);
	if (policy->stress_time_ns == 0)
		return;
	if (value_is_given(values, SETTING_surge) && policy->surge > 0)
		complain(values->diags, &place, "remove one of them",
			"stress_time and surge: under stress there is no room "
			"over the limit");
	if (policy->process_limit < 2)
		complain(values->diags, &place, "set process_limit",
			"stress_time: it begins when the last of several "
			"workers is started");
	policy->surge = 0;
	policy->replace_first = false;
}

/* SMALL must not be more than LARGE, which may be 0 for no matter. */
static void check_order(const struct values *values, enum setting_id small,
	uint32_t number, enum setting_id large, uint32_t most)
{
	struct place place = value_place(values, small);

	if (most == 0 || number <= most)
		return;
	complain(values->diags, &place, "lower it, or raise the other",
		"%s = %u is more than %s = %u", settings[small].name, number,
		settings[large].name, most);
}

static void fill_spares(const struct values *values, struct policy *policy)
{
	uint32_t limit = policy->process_limit;

	policy->spare_min = value_number32(values, SETTING_spare_min);
	policy->spare_max = value_number32(values, SETTING_spare_max);
	policy->share = value_number32(values, SETTING_share);
	policy->trim_interval_ns = value_number(values, SETTING_trim_interval);
	check_order(values, SETTING_spare_min, policy->spare_min,
		SETTING_process_limit, limit);
	check_order(values, SETTING_spare_min, policy->spare_min,
		SETTING_spare_max, policy->spare_max);
	check_order(values, SETTING_share, policy->share, SETTING_process_limit,
		limit);
}

static void fill_counts(const struct values *values,
	const struct conf_request *request, struct service *out)
{
	struct policy *policy = &out->policy;
	uint32_t limit = value_auto(values, SETTING_process_limit,
		request->processors == 0 ? 1 : request->processors);
	uint32_t burst = limit < 100 ? 200 : 2 * limit;
	struct place place = value_place(values, SETTING_surge);

	policy->process_limit = limit;
	policy->replace_first = limit != 1;
	fill_spares(values, policy);
	policy->surge =
		value_auto(values, SETTING_surge, automatic_surge(limit));
	fill_stress(values, policy);
	policy->start_rate = value_number32(values, SETTING_start_rate);
	policy->start_burst = value_auto(values, SETTING_start_burst, burst);
	out->max_use = value_number32(values, SETTING_max_use);
	out->clients_per_worker =
		value_number32(values, SETTING_clients_per_worker);
	if (limit == 1 && policy->surge > 0)
		complain(values->diags, &place,
			"remove it, or raise process_limit",
			"surge with process_limit = 1: there must never be two "
			"workers");
}

/*
 * Who shares a channel cannot be asked to leave alone, and a lone worker is
 * never two: they are all replaced at once.
 */
static void fill_roll(const struct values *values, struct service *out)
{
	struct policy *policy = &out->policy;

	policy->roll_batch =
		value_part(values, SETTING_roll_batch, &policy->roll_percent);
	policy->roll_alive_ns = value_number(values, SETTING_roll_alive);
	policy->generations_max =
		value_number32(values, SETTING_generations_max);
	if (out->channel == CHANNEL_SHARED || policy->process_limit == 1)
		policy->roll_batch = 0;
}

/* A trial is two kinds of workers at a time, and one that can be ended. */
static void fill_canary(const struct values *values, struct service *out)
{
	struct place place = value_place(values, SETTING_canary);
	struct policy *policy = &out->policy;

	policy->canary =
		value_part(values, SETTING_canary, &policy->canary_percent);
	policy->canary_time_ns = value_number(values, SETTING_canary_time);
	policy->canary_min = value_number32(values, SETTING_canary_min);
	if (policy->canary == 0)
		return;
	if (policy->process_limit == 1)
		complain(values->diags, &place,
			"remove it, or raise process_limit",
			"canary with process_limit = 1: there must never be "
			"two workers");
	if (policy->stress_time_ns != 0)
		complain(values->diags, &place, "remove one of them",
			"canary and stress_time: under stress there is no "
			"room over the limit");
	if (out->channel == CHANNEL_SHARED)
		complain(values->diags, &place,
			"remove status_channel = shared",
			"canary with status_channel = shared: only one that "
			"has a channel of its own can be asked to leave");
}

static void fill_wakeup(const struct values *values, struct policy *policy)
{
	struct place place = value_place(values, SETTING_wakeup);

	policy->wakeup_ns = value_number(values, SETTING_wakeup);
	if (policy->wakeup_ns > 0 && policy->wakeup_ns < WAKEUP_LEAST_NS)
		complain(values->diags, &place,
			"give it 100ms or more, or 0 for never",
			"wakeup: so short a period would keep the master busy");
}

/* What is asked for every interval is told in words. */
static void fill_watch(const struct values *values, struct service *out)
{
	struct policy *policy = &out->policy;
	struct place place = value_place(values, SETTING_liveness);

	policy->request_time_ns =
		value_number(values, SETTING_request_time_limit);
	out->request_signal =
		(uint32_t)value_choice(values, SETTING_request_signal);
	policy->liveness_ns = value_number(values, SETTING_liveness);
	if (policy->liveness_ns != 0)
		out->page = false;
	if (policy->liveness_ns > 0 && policy->liveness_ns < LIVENESS_LEAST_NS)
		complain(values->diags, &place,
			"give it 100ms or more, or 0 for never",
			"liveness: so short an interval would keep all busy");
}

static void fill_memory(const struct values *values, struct service *out)
{
	uint64_t bytes = value_limit(values, SETTING_max_memory);

	if (bytes != RLIMIT_UNSET && bytes != RLIMIT_NONE)
		out->max_memory = bytes;
	out->memory_rss = value_choice(values, SETTING_memory_kind) == 1;
}

static void fill_readiness(const struct values *values, struct policy *policy)
{
	uint64_t limit_ns = value_number(values, SETTING_start_time_limit);
	struct place place = value_place(values, SETTING_start_time_limit);

	policy->ready_notify = value_choice(values, SETTING_ready) == 1;
	policy->start_time_limit_ns = policy->ready_notify ? limit_ns : 0;
	if (!policy->ready_notify &&
		value_is_given(values, SETTING_start_time_limit))
		warn(values->diags, &place,
			"add ready = notify if the workers say when they are "
			"ready",
			"start_time_limit has no effect: nobody promised to be "
			"ready in time");
}

static void fill_times(const struct values *values, struct service *out)
{
	struct policy *policy = &out->policy;

	out->max_idle_ns = value_number(values, SETTING_max_idle);
	policy->max_age_ns = value_number(values, SETTING_max_age);
	policy->throttle_time_ns = value_number(values, SETTING_throttle_time);
	policy->quick_exit_ns = value_number(values, SETTING_quick_exit);
	policy->deaf_time_ns = value_number(values, SETTING_deaf_time);
	policy->retire_grace_ns = value_number(values, SETTING_retire_grace);
	policy->drain_time_ns = value_number(values, SETTING_drain_time);
	policy->leave_time_ns = policy->drain_time_ns;
	policy->stop_time_ns = value_number(values, SETTING_stop_time);
	policy->kill_time_ns = value_number(values, SETTING_kill_time);
	policy->retire_signal = value_switch(values, SETTING_retire_signal);
	policy->on_deaf_kill = value_choice(values, SETTING_on_deaf) == 1;
	fill_wakeup(values, policy);
	fill_watch(values, out);
	fill_memory(values, out);
	fill_readiness(values, policy);
}

void fill_service(const struct conf_request *request, const struct block *block,
	const struct table *table, struct diags *diags, struct service *out)
{
	struct values values = {block, table->arena, diags};

	*out = (struct service){0};
	fill_name(&values, out);
	endpoints_fill(&values, table->runtime_directory, out);
	fill_command(&values, request, out);
	fill_identity(&values, request, out);
	fill_environment(&values, out);
	fill_sockets(&values, out);
	fill_limits(&values, &out->limits);
	fill_counts(&values, request, out);
	fill_times(&values, out);
	fill_mold(&values, out);
	fill_roll(&values, out);
	fill_canary(&values, out);
	fill_overload(&values, request, out);
	fill_sources(&values, out);
}
