/* SPDX-License-Identifier: MIT */
#include "core_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/number.h"
#include "base/text.h"
#include "core/state.h"
#include "core/trace.h"
#include "sim/promise.h"

#define BEGIN_NS (1000 * NS_PER_S)
#define TRANSCRIPT_MAX 65536

static const char row_defaults[] =
	"process_limit=4 surge=0 start_rate=100 start_burst=100 "
	"throttle_time=60s quick_exit=1s deaf_time=1s start_time_limit=30s "
	"wakeup_ns=0 retire_grace=5s drain_time=300s stop_time=30s "
	"leave_time=300s kill_time=5s max_age_ns=0 request_time_ns=0 "
	"liveness_ns=0 stress_time_ns=0 ready_notify=0 replace_first=0 "
	"retire_signal=1 on_deaf_kill=0 throttle_whole=0 "
	"wakeup_conditional=0 mold=0 bounces=0 bounce_over=0 "
	"bounce_stay_ns=0 roll_batch=0 roll_percent=0 roll_alive=1s "
	"generations_max=0 canary=0 canary_percent=0 canary_time_ns=0 "
	"canary_min=0";

struct script {
	struct core *core;
	struct promises promises;
	uint64_t now_ns;
	struct text_builder out;
};

/* The rest of LINE behind WORD and a blank, or NULL. */
static const char *behind(const char *line, const char *word)
{
	size_t n = strlen(word);

	return strncmp(line, word, n) == 0 && line[n] == ' ' ? line + n + 1
							     : NULL;
}

/* "deaf_time=1s" becomes "deaf_time_ns=1000000000". */
static void put_pair(struct text_builder *out, struct text pair)
{
	struct text rest = pair;
	struct text key;
	uint64_t ns;

	text_put_char(out, ' ');
	if (text_cut(&rest, '=', &key) &&
		number_parse(rest, (struct number_limits){0, UINT64_MAX},
			&ns) != NUMBER_OK &&
		number_parse_duration(rest,
			(struct number_limits){0, UINT64_MAX},
			&ns) == NUMBER_OK) {
		text_put_text(out, key);
		text_put_format(out, "_ns=%llu", (unsigned long long)ns);
		return;
	}
	text_put_text(out, pair);
}

static void put_pairs(struct text_builder *out, struct text pairs)
{
	struct text pair;

	while (text_cut(&pairs, ' ', &pair))
		put_pair(out, pair);
}

static void parse_event(const char *line, struct event *event)
{
	char full[2 * TRACE_LINE_MAX];
	struct text_builder out;
	struct text rest = text_of(line);
	struct text word;

	assert_true(text_cut(&rest, ' ', &word));
	text_builder_init(&out, full, sizeof(full));
	text_put_text(&out, word);
	if (text_is(word, "row"))
		put_pairs(&out, text_of(row_defaults));
	put_pairs(&out, rest);
	assert_false(out.overflow);
	if (!trace_parse_event(full, event))
		fail_msg("not an event: %s", full);
}

static void put_action(struct text_builder *out, const struct action *action)
{
	char line[TRACE_LINE_MAX];
	char *number;

	assert_true(trace_action(action, line, sizeof(line)) < sizeof(line));
	number = strstr(line, "number=");
	if (number != NULL && action->notice == NOTICE_THROTTLED)
		memcpy(number, "number=*", sizeof("number=*"));
	text_put_format(out, "> %s\n", line);
}

static void step(struct script *script, const struct event *event)
{
	const struct actions *actions = promises_step(
		&script->promises, script->core, event, script->now_ns);

	for (uint32_t i = 0; i < actions->n; i++)
		put_action(&script->out, &actions->items[i]);
	if (script->promises.broken != NULL)
		text_put_format(
			&script->out, "! %s\n", script->promises.broken);
}

static void run_due(struct script *script, const char *when)
{
	struct event event = {.kind = EVENT_TIME};
	uint64_t deadline_ns = core_deadline_ns(script->core);

	text_put(&script->out, "due ");
	if (deadline_ns == UINT64_MAX) {
		text_put(&script->out, "never\n");
		return;
	}
	if (deadline_ns > script->now_ns)
		script->now_ns = deadline_ns;
	if (strcmp(when, "~") == 0)
		text_put(&script->out, when);
	else
		number_put_seconds(&script->out, script->now_ns - BEGIN_NS);
	text_put(&script->out, strcmp(when, "~") == 0 ? "\n" : "s\n");
	step(script, &event);
}

static void run_at(struct script *script, const char *when)
{
	uint64_t ns = 0;

	assert_int_equal(number_parse_duration(text_of(when),
				 (struct number_limits){0, UINT64_MAX}, &ns),
		NUMBER_OK);
	assert_true(BEGIN_NS + ns >= script->now_ns);
	script->now_ns = BEGIN_NS + ns;
	text_put_format(&script->out, "at %s\n", when);
}

#define FIELD(member)                                                          \
	if (strcmp(key, #member) == 0)                                         \
	return (unsigned long long)view->member

static unsigned long long service_field(
	const struct view_service *view, const char *key)
{
	FIELD(state);
	FIELD(starting);
	FIELD(ready);
	FIELD(taken);
	FIELD(retiring);
	FIELD(suspect);
	FIELD(mute);
	FIELD(worn);
	FIELD(stuck);
	FIELD(old);
	FIELD(stalled);
	FIELD(replaced);
	FIELD(roll_ns);
	FIELD(total);
	FIELD(guests);
	FIELD(mold);
	FIELD(molded);
	FIELD(limit);
	FIELD(spare_min);
	FIELD(spare_max);
	FIELD(depth);
	FIELD(watching);
	FIELD(deaf);
	FIELD(held);
	FIELD(stress);
	FIELD(cause);
	FIELD(stage);
	FIELD(error);
	FIELD(code);
	FIELD(signal);
	FIELD(failures);
	FIELD(starts);
	FIELD(served);
	FIELD(exits);
	FIELD(redundant);
	FIELD(refused);
	FIELD(full);
	FIELD(bouncing);
	FIELD(throttled_ns);
	FIELD(recycled);
	FIELD(timeouts);
	FIELD(hangs);
	FIELD(limit_hits);
	FIELD(limit_ns);
	FIELD(start_time_ns);
	FIELD(start_cpu_ns);
	FIELD(starved);
	FIELD(trimmed);
	fail_msg("no such field: %s", key);
	return 0;
}

static unsigned long long worker_field(
	const struct view_worker *view, const char *key)
{
	FIELD(state);
	FIELD(kind);
	FIELD(service);
	FIELD(serial);
	FIELD(suspect);
	FIELD(mute);
	FIELD(asked);
	FIELD(wear);
	FIELD(age_ns);
	FIELD(since_ns);
	fail_msg("no such field: %s", key);
	return 0;
}

/* "view service=0 ready=1": the same words, with what is true. */
static void run_view(struct script *script, const char *line, bool is_service)
{
	struct view_service service;
	struct view_worker worker;
	struct text rest = text_of(line);
	struct text pair, key;
	char name[64];
	bool there;
	uint32_t number;

	assert_true(text_cut(&rest, ' ', &pair));
	assert_true(text_cut(&pair, '=', &key));
	number = (uint32_t)strtoul(pair.bytes, NULL, 10);
	there = is_service ? core_view_service(script->core, number,
				     script->now_ns, &service)
			   : core_view_worker(script->core, number,
				     script->now_ns, &worker);
	text_put_format(&script->out, "%s=%u",
		is_service ? "view service" : "worker slot", number);
	while (there && text_cut(&rest, ' ', &pair)) {
		assert_true(text_cut(&pair, '=', &key));
		assert_true(key.n < sizeof(name));
		memcpy(name, key.bytes, key.n);
		name[key.n] = '\0';
		text_put_format(&script->out, " %s=%llu", name,
			is_service ? service_field(&service, name)
				   : worker_field(&worker, name));
	}
	text_put(&script->out, there ? "\n" : " gone\n");
}

static void run_line(struct script *script, const char *line)
{
	struct event event;
	const char *rest;

	if (line[0] == '>' || line[0] == '!' || line[0] == '\0')
		return;
	if ((rest = behind(line, "due")) != NULL) {
		run_due(script, rest);
	} else if ((rest = behind(line, "at")) != NULL) {
		run_at(script, rest);
	} else if ((rest = behind(line, "view")) != NULL) {
		run_view(script, rest, true);
	} else if ((rest = behind(line, "worker")) != NULL) {
		run_view(script, rest, false);
	} else {
		text_put_format(&script->out, "%s\n", line);
		if (line[0] == '#')
			return;
		parse_event(line, &event);
		step(script, &event);
	}
}

static void run(struct script *script, const char *lines)
{
	struct text rest = text_of(lines);
	struct text piece;
	char line[TRACE_LINE_MAX];

	while (text_cut(&rest, '\n', &piece)) {
		assert_true(piece.n < sizeof(line));
		memcpy(line, piece.bytes, piece.n);
		line[piece.n] = '\0';
		run_line(script, line);
	}
}

void script_check_in(const char *script, struct script_setup setup)
{
	struct core_limits limits = {
		.services_max = setup.services_max ? setup.services_max : 4,
		.workers_max = setup.workers_max ? setup.workers_max : 8,
		.seed = 1,
		.cpus = setup.cpus,
	};
	char *transcript = test_malloc(TRANSCRIPT_MAX);
	void *memory = test_calloc(1, core_size(&limits));
	struct script run_of = {.now_ns = BEGIN_NS};

	run_of.core = core_init(memory, &limits);
	run_of.core->last_serial = setup.last_serial;
	promises_init(&run_of.promises, &limits);
	run_of.promises.last_serial = setup.last_serial;
	run_of.promises.wrapped = setup.last_serial != 0;
	text_builder_init(&run_of.out, transcript, TRANSCRIPT_MAX);
	run(&run_of, script);
	assert_false(run_of.out.overflow);
	assert_string_equal(transcript, script);
	test_free(memory);
	test_free(transcript);
}

void script_check(const char *script)
{
	script_check_in(script, (struct script_setup){.services_max = 0});
}
