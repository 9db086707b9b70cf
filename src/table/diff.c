/* SPDX-License-Identifier: MIT */
#include "table/diff.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "table/service.h"

enum field_kind {
	FIELD_STRING, /* const char *, or NULL */
	FIELD_U32,
	FIELD_U64,
	FIELD_BOOL,
	FIELD_CHANNEL,
	FIELD_STRINGS, /* NULL-terminated list */
	FIELD_ENDPOINTS,
};

struct field {
	size_t offset;
	enum field_kind kind;
	enum row_change change;
};

#define FIELD(member, kind, change)                                            \
	{                                                                      \
		offsetof(struct service, member), kind, change                 \
	}

/*
 * THE table of what a change means. CHANGED: a running worker has taken it
 * with it at its start. POLICY: only the master looks at it.
 */
static const struct field fields[] = {
	FIELD(endpoints, FIELD_ENDPOINTS, ROW_CHANGED),
	FIELD(path, FIELD_STRING, ROW_CHANGED),
	FIELD(command, FIELD_STRINGS, ROW_CHANGED),
	FIELD(stress_command, FIELD_STRINGS, ROW_CHANGED),
	FIELD(bounce, FIELD_STRINGS, ROW_CHANGED),
	FIELD(user, FIELD_STRING, ROW_CHANGED),
	FIELD(group, FIELD_STRING, ROW_CHANGED),
	FIELD(directory, FIELD_STRING, ROW_CHANGED),
	FIELD(environment, FIELD_STRINGS, ROW_CHANGED),
	FIELD(umask, FIELD_U32, ROW_CHANGED),
	FIELD(max_use, FIELD_U32, ROW_CHANGED),
	FIELD(max_idle_ns, FIELD_U64, ROW_CHANGED),
	FIELD(channel, FIELD_CHANNEL, ROW_CHANGED),
	FIELD(nonblocking, FIELD_BOOL, ROW_CHANGED),
	FIELD(flow, FIELD_BOOL, ROW_CHANGED),
	FIELD(page, FIELD_BOOL, ROW_CHANGED),
	FIELD(clients_per_worker, FIELD_U32, ROW_CHANGED),
	FIELD(source_limit, FIELD_U32, ROW_CHANGED),
	FIELD(prefix_limit, FIELD_U32, ROW_CHANGED),
	FIELD(prefix_ipv4, FIELD_U32, ROW_CHANGED),
	FIELD(prefix_ipv6, FIELD_U32, ROW_CHANGED),
	FIELD(limits.core_bytes, FIELD_U64, ROW_CHANGED),
	FIELD(limits.nofile, FIELD_U64, ROW_CHANGED),
	FIELD(limits.nproc, FIELD_U64, ROW_CHANGED),
	FIELD(limits.as_bytes, FIELD_U64, ROW_CHANGED),
	FIELD(limits.fsize_bytes, FIELD_U64, ROW_CHANGED),
	FIELD(limits.cpu_seconds, FIELD_U64, ROW_CHANGED),
	FIELD(limits.stack_bytes, FIELD_U64, ROW_CHANGED),
	/* Of the listener, which the master owns and can alter in place. */
	FIELD(socket_owner, FIELD_STRING, ROW_POLICY),
	FIELD(socket_group, FIELD_STRING, ROW_POLICY),
	FIELD(socket_mode, FIELD_U32, ROW_POLICY),
	FIELD(socket_bytes, FIELD_U32, ROW_POLICY),
	FIELD(socket_dir_group, FIELD_BOOL, ROW_POLICY),
	FIELD(socket_by_owner, FIELD_BOOL, ROW_POLICY),
	FIELD(socket_overwrites, FIELD_BOOL, ROW_POLICY),
	FIELD(backlog, FIELD_U32, ROW_POLICY),
	FIELD(pass, FIELD_BOOL, ROW_POLICY),
	FIELD(policy.process_limit, FIELD_U32, ROW_POLICY),
	FIELD(policy.surge, FIELD_U32, ROW_POLICY),
	FIELD(policy.spare_min, FIELD_U32, ROW_POLICY),
	FIELD(policy.spare_max, FIELD_U32, ROW_POLICY),
	FIELD(policy.share, FIELD_U32, ROW_POLICY),
	FIELD(policy.start_rate, FIELD_U32, ROW_POLICY),
	FIELD(policy.start_burst, FIELD_U32, ROW_POLICY),
	FIELD(policy.throttle_time_ns, FIELD_U64, ROW_POLICY),
	FIELD(policy.quick_exit_ns, FIELD_U64, ROW_POLICY),
	FIELD(policy.deaf_time_ns, FIELD_U64, ROW_POLICY),
	FIELD(policy.start_time_limit_ns, FIELD_U64, ROW_POLICY),
	FIELD(policy.wakeup_ns, FIELD_U64, ROW_POLICY),
	FIELD(policy.trim_interval_ns, FIELD_U64, ROW_POLICY),
	FIELD(policy.retire_grace_ns, FIELD_U64, ROW_POLICY),
	FIELD(policy.drain_time_ns, FIELD_U64, ROW_POLICY),
	FIELD(policy.stop_time_ns, FIELD_U64, ROW_POLICY),
	FIELD(policy.leave_time_ns, FIELD_U64, ROW_POLICY),
	FIELD(policy.kill_time_ns, FIELD_U64, ROW_POLICY),
	FIELD(policy.max_age_ns, FIELD_U64, ROW_POLICY),
	FIELD(policy.request_time_ns, FIELD_U64, ROW_CHANGED),
	FIELD(policy.liveness_ns, FIELD_U64, ROW_CHANGED),
	FIELD(max_memory, FIELD_U64, ROW_POLICY),
	FIELD(memory_rss, FIELD_BOOL, ROW_POLICY),
	FIELD(request_signal, FIELD_U32, ROW_POLICY),
	FIELD(policy.stress_time_ns, FIELD_U64, ROW_POLICY),
	FIELD(policy.ready_notify, FIELD_BOOL, ROW_POLICY),
	FIELD(policy.retire_signal, FIELD_BOOL, ROW_POLICY),
	FIELD(policy.on_deaf_kill, FIELD_BOOL, ROW_POLICY),
	FIELD(policy.throttle_whole, FIELD_BOOL, ROW_POLICY),
	FIELD(policy.replace_first, FIELD_BOOL, ROW_POLICY),
	FIELD(policy.wakeup_conditional, FIELD_BOOL, ROW_POLICY),
	FIELD(policy.mold, FIELD_BOOL, ROW_POLICY),
	FIELD(policy.bounces, FIELD_BOOL, ROW_POLICY),
	FIELD(policy.bounce_over, FIELD_U32, ROW_POLICY),
	FIELD(policy.bounce_stay_ns, FIELD_U64, ROW_POLICY),
};

/*
 * A reminder: whoever adds a field to a row changes one of these sizes, and
 * comes by to give the field its line above (and its line in the test).
 */
_Static_assert(sizeof(void *) != 8 || sizeof(struct policy) == 168,
	"a field of struct policy has no line in fields[]");
_Static_assert(sizeof(void *) != 8 ||
		       sizeof(struct service) == 280 + sizeof(struct policy),
	"a field of struct service has no line in fields[]");

static bool same_string(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

static bool same_strings(const char *const *a, const char *const *b)
{
	size_t i = 0;

	if (a == NULL || b == NULL)
		return a == b;
	while (a[i] != NULL && b[i] != NULL && strcmp(a[i], b[i]) == 0)
		i++;
	return a[i] == NULL && b[i] == NULL;
}

bool endpoint_same(const struct endpoint *a, const struct endpoint *b)
{
	return a->kind == b->kind && a->family == b->family &&
	       a->port == b->port &&
	       memcmp(a->address, b->address, sizeof(a->address)) == 0 &&
	       same_string(a->path, b->path);
}

bool endpoint_is_any(const struct endpoint *endpoint)
{
	static const uint8_t any[sizeof(endpoint->address)];

	return endpoint->family == FAMILY_BOTH ||
	       memcmp(endpoint->address, any, sizeof(any)) == 0;
}

bool endpoint_overlap(const struct endpoint *a, const struct endpoint *b)
{
	if (a->kind != ENDPOINT_INET || b->kind != ENDPOINT_INET ||
		a->port != b->port)
		return false;
	if (a->family == FAMILY_BOTH || b->family == FAMILY_BOTH)
		return true;
	if (a->family != b->family)
		return false;
	return endpoint_is_any(a) || endpoint_is_any(b) ||
	       memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

bool row_same_endpoints(const struct service *a, const struct service *b)
{
	if (a->endpoints_n != b->endpoints_n)
		return false;
	for (unsigned i = 0; i < a->endpoints_n; i++)
		if (!endpoint_same(&a->endpoints[i], &b->endpoints[i]))
			return false;
	return true;
}

/* The member of type TYPE at OFFSET of the row at ROW. */
#define MEMBER(type, row, offset)                                              \
	(*(type const *)(const void *)((const char *)(row) + (offset)))

static bool same_field(const struct field *field, const struct service *a,
	const struct service *b)
{
	size_t at = field->offset;

	switch (field->kind) {
	case FIELD_STRING:
		return same_string(MEMBER(const char *, a, at),
			MEMBER(const char *, b, at));
	case FIELD_U32:
		return MEMBER(uint32_t, a, at) == MEMBER(uint32_t, b, at);
	case FIELD_U64:
		return MEMBER(uint64_t, a, at) == MEMBER(uint64_t, b, at);
	case FIELD_BOOL:
		return MEMBER(bool, a, at) == MEMBER(bool, b, at);
	case FIELD_CHANNEL:
		return MEMBER(enum status_channel, a, at) ==
		       MEMBER(enum status_channel, b, at);
	case FIELD_STRINGS:
		return same_strings(MEMBER(const char *const *, a, at),
			MEMBER(const char *const *, b, at));
	case FIELD_ENDPOINTS:
		return row_same_endpoints(a, b);
	}
	assert(false); /* every kind is named above */
	return false;
}

enum row_change row_compare(
	const struct service *before, const struct service *after)
{
	enum row_change change = ROW_SAME;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (fields[i].change > change &&
			!same_field(&fields[i], before, after))
			change = fields[i].change;
	return change;
}
