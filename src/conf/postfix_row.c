/* SPDX-License-Identifier: MIT */
#include "conf/postfix_row.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/number.h"
#include "conf/maincf.h"
#include "conf/mastercf.h"
#include "table/service.h"
#include "table/table.h"

enum {
	OWN_WORDS_MAX = 14, /* argv[0], all options of ours, and a NULL */
	BACKLOG_MAX = 65535,
	LIMIT_MAX = 100000, /* of processes, as in ostler.conf */
};

#define FOREVER_NS (UINT64_C(365) * 86400 * NS_PER_S)
#define STRESS_NS (UINT64_C(1000) * NS_PER_S)

static const char stress_word[] = "stress=";
static const char stress_word_active[] = "stress=yes";

struct words {
	const char **items;
	unsigned n;
};

static void add(struct words *words, const char *word)
{
	words->items[words->n++] = word;
}

static void add_if(struct words *words, bool wanted, const char *word)
{
	if (wanted)
		add(words, word);
}

/* A program that serves a service of another name has to be told. */
static bool is_named_otherwise(const struct postfix_service *service)
{
	const char *slash = strrchr(service->command, '/');

	return strcmp(slash == NULL ? service->command : slash + 1,
		       service->name) != 0;
}

static void add_options(struct words *words,
	const struct postfix_service *service,
	const struct postfix_birth *birth, const char *listeners)
{
	bool has_name = is_named_otherwise(service);

	add_if(words, service->limit == 1, "-l");
	add_if(words, service->limit == 0, "-z");
	add_if(words, has_name, "-n");
	add_if(words, has_name, service->name);
	add(words, "-t");
	add(words, postfix_type_names[service->type]);
	add_if(words, birth->debug, "-d");
	add_if(words, birth->verbose, "-v");
	add_if(words, service->is_unprivileged, "-u");
	add_if(words, service->is_chroot, "-c");
	add_if(words, service->has_stress, "-o");
	add_if(words, service->has_stress, stress_word);
	add_if(words, service->endpoints_n > 1, "-s");
	add_if(words, service->endpoints_n > 1, listeners);
}

const char *const *postfix_argv(struct arena *arena,
	const struct postfix_service *service,
	const struct postfix_birth *birth, unsigned *out_n)
{
	struct words words = {
		.items = arena_array(arena,
			(size_t)service->arguments_n + OWN_WORDS_MAX + 2,
			sizeof(*words.items))};
	const char *listeners = arena_format(arena, "%u", service->endpoints_n);

	if (words.items == NULL || listeners == NULL)
		return NULL;
	add(&words, service->command);
	add_options(&words, service, birth, listeners);
	assert(words.n <= OWN_WORDS_MAX);
	for (unsigned i = 0; i < service->arguments_n; i++)
		add(&words, service->arguments[i]);
	*out_n = words.n;
	return words.items;
}

unsigned postfix_stress_word(
	const struct postfix_service *service, const char *const *argv)
{
	if (!service->has_stress)
		return 0;
	/* Ours comes before any that the line may have. */
	for (unsigned i = 1; argv[i] != NULL; i++)
		if (strcmp(argv[i], stress_word) == 0 &&
			strcmp(argv[i - 1], "-o") == 0)
			return i;
	assert(false); /* has_stress put it there */
	return 0;
}

static uint32_t backlog_of(uint32_t limit, int32_t default_limit)
{
	uint32_t backlog = (uint32_t)default_limit;

	if (limit > backlog)
		backlog = limit;
	return backlog > BACKLOG_MAX ? BACKLOG_MAX : backlog;
}

/*
 * Postfix has no keeper, no surge, no time to start in, and no patience with
 * the workers of a service that is removed.
 */
static struct policy policy_of(
	const struct maincf *maincf, const struct postfix_service *service)
{
	uint32_t limit =
		service->limit < LIMIT_MAX ? service->limit : LIMIT_MAX;

	return (struct policy){
		.process_limit = limit,
		.surge = 0,
		.start_rate = 200,
		.start_burst = limit < 100 ? 200 : 2 * limit,
		.throttle_time_ns =
			maincf_time_ns(maincf, POSTFIX_service_throttle_time),
		.quick_exit_ns = NS_PER_S,
		.deaf_time_ns = NS_PER_S,
		.start_time_limit_ns = 0,
		.wakeup_ns = service->wakeup_s * NS_PER_S,
		.retire_grace_ns = FOREVER_NS,
		.drain_time_ns = FOREVER_NS,
		.stop_time_ns = 0,
		.leave_time_ns = 0,
		.kill_time_ns = 5 * NS_PER_S,
		.stress_time_ns = service->has_stress ? STRESS_NS : 0,
		.ready_notify = false,
		.retire_signal = false,
		.on_deaf_kill = false,
		.throttle_whole = true,
		.replace_first = false,
		.wakeup_conditional = service->wakeup_is_conditional,
	};
}

static struct service_limits no_limits(void)
{
	return (struct service_limits){.core_bytes = RLIMIT_UNSET,
		.nofile = RLIMIT_UNSET,
		.nproc = RLIMIT_UNSET,
		.as_bytes = RLIMIT_UNSET,
		.fsize_bytes = RLIMIT_UNSET,
		.cpu_seconds = RLIMIT_UNSET,
		.stack_bytes = RLIMIT_UNSET};
}

static const char *const nothing[] = {NULL};

/* A negative one means as little as 0 does. */
static uint32_t buffer_bytes(const struct maincf *maincf)
{
	int32_t size = maincf_number(maincf, POSTFIX_tcp_windowsize);

	return size > 0 ? (uint32_t)size : 0;
}

static void fill_row(const struct maincf *maincf,
	const struct postfix_service *service, struct service *out)
{
	int32_t default_limit =
		maincf_number(maincf, POSTFIX_default_process_limit);

	*out = (struct service){
		.name = service->title,
		.endpoints = service->endpoints,
		.endpoints_n = service->endpoints_n,
		.directory = maincf_text(maincf, POSTFIX_queue_directory),
		.environment = nothing,
		.socket_owner =
			service->type == POSTFIX_INET
				? NULL
				: maincf_text(maincf, POSTFIX_mail_owner),
		.socket_mode = service->type == POSTFIX_FIFO ? 0622 : 0666,
		.socket_bytes = buffer_bytes(maincf),
		.socket_dir_group = true,
		.socket_by_owner = service->type != POSTFIX_INET,
		.socket_overwrites = true,
		.umask = 077,
		.backlog = backlog_of(service->limit, default_limit),
		.max_use = (uint32_t)maincf_number(maincf, POSTFIX_max_use),
		.max_idle_ns = maincf_time_ns(maincf, POSTFIX_max_idle),
		.channel = CHANNEL_PRIVATE,
		.nonblocking = true,
		.flow = true,
		.pass = service->type == POSTFIX_PASS,
		.limits = no_limits(),
		.policy = policy_of(maincf, service),
		.file = service->endpoints[0].file,
		.line = service->line,
	};
}

static bool fill_command(struct arena *arena,
	const struct postfix_service *service,
	const struct postfix_birth *birth, struct service *out)
{
	unsigned n;
	const char *const *argv = postfix_argv(arena, service, birth, &n);
	const char **stressed;

	if (argv == NULL)
		return false;
	out->path = service->path;
	out->command = argv;
	out->command_n = n;
	if (!service->has_stress)
		return true;
	stressed = arena_array(arena, (size_t)n + 1, sizeof(*stressed));
	if (stressed == NULL)
		return false;
	memcpy(stressed, argv, n * sizeof(*stressed));
	stressed[postfix_stress_word(service, argv)] = stress_word_active;
	out->stress_command = stressed;
	return true;
}

bool postfix_rows(struct table *table, const struct maincf *maincf,
	const struct mastercf *mastercf, const struct postfix_birth *birth,
	struct diags *diags)
{
	unsigned n = mastercf->services_n;
	struct service *rows =
		arena_array(table->arena, (size_t)n + 1, sizeof(*rows));

	if (rows == NULL)
		return false;
	for (unsigned i = 0; i < n; i++) {
		fill_row(maincf, &mastercf->services[i], &rows[i]);
		if (!fill_command(table->arena, &mastercf->services[i], birth,
			    &rows[i]))
			return false;
	}
	return table_seal(table, rows, n, diags);
}
