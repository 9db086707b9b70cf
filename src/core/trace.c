/* SPDX-License-Identifier: MIT */
#include "core/trace.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "core/action.h"
#include "core/event.h"
#include "core/trace_fields.h"

#define SERVICE (1u << 0)
#define SLOT (1u << 1)
#define SERIAL (1u << 2)
#define DEPTH (1u << 3)
#define STAGE (1u << 4)
#define END (1u << 5)
#define ROW (1u << 6)
#define NOTICE (1u << 7)
#define NUMBER (1u << 8)
#define STRESS (1u << 9)
#define SINCE (1u << 10)
#define WEAR (1u << 11)
#define CPU (1u << 12)
#define OVERDUE (1u << 13)
#define SCALE (1u << 14)
#define WORKER (SLOT | SERIAL)

static const struct kind event_kinds[EVENT_KINDS] = {
	[EVENT_TIME] = {"time", 0},
	[EVENT_ROW] = {"row", SERVICE | ROW},
	[EVENT_TABLE] = {"table", 0},
	[EVENT_CLIENTS] = {"clients", SERVICE | DEPTH | CPU},
	[EVENT_DEPTH] = {"depth", SERVICE | DEPTH | CPU},
	[EVENT_STARTED] = {"started", WORKER},
	[EVENT_START_FAILED] = {"start-failed", WORKER | STAGE},
	[EVENT_ORDER_FAILED] = {"order-failed", WORKER},
	[EVENT_READY] = {"ready", WORKER | CPU},
	[EVENT_TAKEN] = {"taken", WORKER | SINCE | CPU},
	[EVENT_MUTE] = {"mute", WORKER},
	[EVENT_STOPPED] = {"stopped", WORKER},
	[EVENT_WORN] = {"worn", WORKER | WEAR},
	[EVENT_EXITED] = {"exited", WORKER | END},
	[EVENT_LISTENER_LOST] = {"listener-lost", SERVICE},
	[EVENT_REMOLD] = {"remold", SERVICE},
	[EVENT_SCALE] = {"scale", SERVICE | SCALE},
	[EVENT_DRAIN] = {"drain", SERVICE},
	[EVENT_RESUME] = {"resume", SERVICE},
	[EVENT_STOP] = {"stop", 0},
	[EVENT_HURRY] = {"hurry", 0},
	[EVENT_QUIT] = {"quit", 0},
};

#define E(member, kind, uses)                                                  \
	{                                                                      \
		.name = #member, .offset = offsetof(struct event, member),     \
		.type = kind, .bit = uses                                      \
	}
#define POLICY(member, kind, uses)                                             \
	{                                                                      \
		.name = #member,                                               \
		.offset = offsetof(struct event, policy.member), .type = kind, \
		.bit = uses                                                    \
	}
#define P(member, kind) POLICY(member, kind, ROW)

static const struct field event_fields[] = {
	E(service, FIELD_U32, SERVICE),
	E(slot, FIELD_U32, SLOT),
	E(serial, FIELD_U32, SERIAL),
	E(depth, FIELD_U32, DEPTH),
	{
		.name = "cpu_ns",
		.offset = offsetof(struct event, cpu_ns),
		.type = FIELD_U64,
		.bit = CPU,
		.optional = true,
	},
	{
		.name = "wait_ns",
		.offset = offsetof(struct event, wait_ns),
		.type = FIELD_U64,
		.bit = CPU,
		.optional = true,
	},
	E(stage, FIELD_INT, STAGE),
	E(error, FIELD_INT, STAGE),
	E(temporary, FIELD_BOOL, STAGE),
	E(code, FIELD_INT, END),
	E(signal, FIELD_INT, END),
	{
		.name = "unknown",
		.offset = offsetof(struct event, unknown),
		.type = FIELD_BOOL,
		.bit = END,
		.optional = true,
	},
	E(wear, FIELD_WEAR, WEAR),
	{
		.name = "since_ns",
		.offset = offsetof(struct event, since_ns),
		.type = FIELD_U64,
		.bit = SINCE,
		.optional = true,
	},
	{
		.name = "unseen",
		.offset = offsetof(struct event, unseen),
		.type = FIELD_BOOL,
		.bit = SINCE,
		.optional = true,
	},
	{
		.name = "clients",
		.offset = offsetof(struct event, clients),
		.type = FIELD_U32,
		.bit = SINCE,
		.optional = true,
	},
	{
		.name = "trial",
		.offset = offsetof(struct event, trial),
		.type = FIELD_BOOL,
		.bit = ROW,
		.optional = true,
	},
	E(change, FIELD_CHANGE, ROW),
	POLICY(process_limit, FIELD_U32, ROW | SCALE),
	P(surge, FIELD_U32),
	P(roll_batch, FIELD_U32),
	P(roll_percent, FIELD_BOOL),
	P(roll_alive_ns, FIELD_U64),
	P(generations_max, FIELD_U32),
	POLICY(spare_min, FIELD_U32, ROW | SCALE),
	POLICY(spare_max, FIELD_U32, ROW | SCALE),
	P(share, FIELD_U32),
	P(start_rate, FIELD_U32),
	P(start_burst, FIELD_U32),
	P(throttle_time_ns, FIELD_U64),
	P(quick_exit_ns, FIELD_U64),
	P(deaf_time_ns, FIELD_U64),
	P(start_time_limit_ns, FIELD_U64),
	P(wakeup_ns, FIELD_U64),
	P(trim_interval_ns, FIELD_U64),
	P(retire_grace_ns, FIELD_U64),
	P(drain_time_ns, FIELD_U64),
	P(stop_time_ns, FIELD_U64),
	P(leave_time_ns, FIELD_U64),
	P(kill_time_ns, FIELD_U64),
	P(max_age_ns, FIELD_U64),
	P(request_time_ns, FIELD_U64),
	P(liveness_ns, FIELD_U64),
	P(stress_time_ns, FIELD_U64),
	P(ready_notify, FIELD_BOOL),
	P(retire_signal, FIELD_BOOL),
	P(on_deaf_kill, FIELD_BOOL),
	P(throttle_whole, FIELD_BOOL),
	P(replace_first, FIELD_BOOL),
	P(wakeup_conditional, FIELD_BOOL),
	P(mold, FIELD_BOOL),
	P(bounces, FIELD_BOOL),
	P(bounce_over, FIELD_U32),
	P(bounce_stay_ns, FIELD_U64),
	P(canary, FIELD_U32),
	P(canary_percent, FIELD_BOOL),
	P(canary_time_ns, FIELD_U64),
	P(canary_min, FIELD_U32),
};

static const struct kind action_kinds[ACTION_KINDS] = {
	[ACTION_WATCH] = {"watch", SERVICE},
	[ACTION_IGNORE] = {"ignore", SERVICE},
	[ACTION_LOOK] = {"look", SERVICE},
	[ACTION_EXAMINE] = {"examine", SERVICE},
	[ACTION_SPAWN] = {"spawn", SERVICE | WORKER | STRESS},
	[ACTION_PROMOTE] = {"promote", SERVICE},
	[ACTION_ROLLBACK] = {"rollback", SERVICE | WORKER | NUMBER},
	[ACTION_RETIRE] = {"retire", SERVICE | WORKER},
	[ACTION_DISCONNECT] = {"disconnect", SERVICE | WORKER},
	[ACTION_TERM] = {"term", SERVICE | WORKER | OVERDUE},
	[ACTION_KILL] = {"kill", SERVICE | WORKER},
	[ACTION_LEFTOVERS] = {"leftovers", SERVICE},
	[ACTION_WAKE] = {"wake", SERVICE},
	[ACTION_REOPEN] = {"reopen", SERVICE},
	[ACTION_CLOSE] = {"close", SERVICE},
	[ACTION_NOTICE] = {"notice", NOTICE | SERVICE | WORKER | NUMBER},
	[ACTION_DONE] = {"done", 0},
};

#define A(member, kind, uses)                                                  \
	{                                                                      \
		.name = #member, .offset = offsetof(struct action, member),    \
		.type = kind, .bit = uses                                      \
	}

static const struct field action_fields[] = {
	A(notice, FIELD_NOTICE, NOTICE),
	A(service, FIELD_U32, SERVICE),
	A(slot, FIELD_U32, SLOT),
	A(serial, FIELD_U32, SERIAL),
	A(number, FIELD_U64, NUMBER),
	{
		.name = "overdue",
		.offset = offsetof(struct action, number),
		.type = FIELD_U64,
		.bit = OVERDUE,
		.optional = true,
	},
	{
		.name = "worker",
		.offset = offsetof(struct action, worker),
		.type = FIELD_WORKER,
		.bit = STRESS,
		.optional = true,
	},
	{
		.name = "mold_slot",
		.offset = offsetof(struct action, mold_slot),
		.type = FIELD_U32,
		.bit = STRESS,
		.optional = true,
	},
	{
		.name = "mold_serial",
		.offset = offsetof(struct action, mold_serial),
		.type = FIELD_U32,
		.bit = STRESS,
		.optional = true,
	},
	{
		.name = "canary",
		.offset = offsetof(struct action, canary),
		.type = FIELD_BOOL,
		.bit = STRESS,
		.optional = true,
	},
	{
		.name = "stress",
		.offset = offsetof(struct action, number),
		.type = FIELD_U64,
		.bit = STRESS,
		.optional = true,
	},
};

#define COUNT(array) (unsigned)(sizeof(array) / sizeof((array)[0]))

const struct names trace_event_names = {
	event_kinds, EVENT_KINDS, event_fields, COUNT(event_fields)};
const struct names trace_action_names = {
	action_kinds, ACTION_KINDS, action_fields, COUNT(action_fields)};

const char *const trace_change_names[] = {
	[ROW_SAME] = "same",
	[ROW_POLICY] = "policy",
	[ROW_CHANGED] = "changed",
	[ROW_REPLACED] = "replaced",
};
const unsigned trace_change_names_n = COUNT(trace_change_names);

const char *const trace_wear_names[] = {
	[WEAR_NONE] = "none",
	[WEAR_USE] = "use",
	[WEAR_AGE] = "age",
	[WEAR_MEMORY] = "memory",
};
const unsigned trace_wear_names_n = COUNT(trace_wear_names);

const char *const trace_notice_names[NOTICES] = {
	[NOTICE_THROTTLED] = "throttled",
	[NOTICE_RECOVERED] = "recovered",
	[NOTICE_AT_LIMIT] = "at-limit",
	[NOTICE_NO_SLOTS] = "no-slots",
	[NOTICE_SUSPECT] = "suspect",
	[NOTICE_DEAF] = "deaf",
	[NOTICE_START_TIMEOUT] = "start-timeout",
	[NOTICE_DIED] = "died",
	[NOTICE_STUCK] = "stuck",
	[NOTICE_TERM] = "term",
	[NOTICE_STRESS] = "stress",
	[NOTICE_MOLD_FAILED] = "mold-failed",
	[NOTICE_NO_MOLD] = "no-mold",
	[NOTICE_OVERDUE] = "overdue",
	[NOTICE_SILENT] = "silent",
	[NOTICE_ROLLED] = "rolled",
	[NOTICE_ROLL_STALLED] = "roll-stalled",
};
const unsigned trace_notice_names_n = NOTICES;

const char *const trace_worker_names[WORKER_KINDS] = {
	[KIND_WORKER] = "worker",
	[KIND_MOLD] = "mold",
	[KIND_BOUNCER] = "bouncer",
};
const unsigned trace_worker_names_n = WORKER_KINDS;

/* One that is zero and may be left out then. */
static bool is_left_out(const struct field *field, const char *place)
{
	uint64_t wide = 0;
	int number = 0;
	bool yes = false;

	if (field->type == FIELD_U64)
		memcpy(&wide, place, sizeof(wide));
	else if (field->type == FIELD_BOOL)
		memcpy(&yes, place, sizeof(yes));
	else
		memcpy(&number, place, sizeof(number));
	return field->optional && wide == 0 && number == 0 && !yes;
}

static void put_field(
	struct text_builder *out, const struct field *field, const char *base)
{
	const char *place = base + field->offset;
	uint64_t wide = 0;
	uint32_t narrow = 0;
	int number = 0;
	bool yes = false;

	if (is_left_out(field, place))
		return;
	text_put_format(out, " %s=", field->name);
	switch (field->type) {
	case FIELD_U32:
		memcpy(&narrow, place, sizeof(narrow));
		text_put_number(out, narrow);
		break;
	case FIELD_U64:
		memcpy(&wide, place, sizeof(wide));
		text_put_number(out, wide);
		break;
	case FIELD_INT:
		memcpy(&number, place, sizeof(number));
		text_put_format(out, "%d", number);
		break;
	case FIELD_BOOL:
		memcpy(&yes, place, sizeof(yes));
		text_put_number(out, yes);
		break;
	case FIELD_CHANGE:
		memcpy(&number, place, sizeof(number));
		text_put(out, trace_change_names[number]);
		break;
	case FIELD_NOTICE:
		memcpy(&number, place, sizeof(number));
		text_put(out, trace_notice_names[number]);
		break;
	case FIELD_WORKER:
		memcpy(&number, place, sizeof(number));
		text_put(out, trace_worker_names[number]);
		break;
	case FIELD_WEAR:
		memcpy(&number, place, sizeof(number));
		text_put(out, trace_wear_names[number]);
		break;
	}
}

static size_t put_line(const struct names *names, unsigned kind,
	const void *value, char *out, size_t room)
{
	struct text_builder builder;

	assert(kind < names->kinds_n);
	text_builder_init(&builder, out, room);
	text_put(&builder, names->kinds[kind].name);
	for (unsigned i = 0; i < names->fields_n; i++)
		if (names->kinds[kind].fields & names->fields[i].bit)
			put_field(&builder, &names->fields[i], value);
	return builder.n;
}

size_t trace_event(const struct event *event, char *out, size_t room)
{
	return put_line(
		&trace_event_names, (unsigned)event->kind, event, out, room);
}

size_t trace_action(const struct action *action, char *out, size_t room)
{
	return put_line(
		&trace_action_names, (unsigned)action->kind, action, out, room);
}
