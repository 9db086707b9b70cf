/* SPDX-License-Identifier: MIT */
#include "table/diff.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "table/field.h"
#include "table/service.h"

#define FIELD(member, kind, change)                                            \
	{                                                                      \
#member, offsetof(struct service, member), kind, change        \
	}

/*
 * THE table of what a change means. CHANGED: a running worker has taken it
 * with it at its start. POLICY: only the master looks at it.
 */
const struct field row_fields[] = {
	FIELD(endpoints, FIELD_ENDPOINTS, ROW_REPLACED),
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
	FIELD(channel, FIELD_CHANNEL, ROW_REPLACED),
	FIELD(nonblocking, FIELD_BOOL, ROW_REPLACED),
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
	FIELD(policy.roll_batch, FIELD_U32, ROW_POLICY),
	FIELD(policy.roll_percent, FIELD_BOOL, ROW_POLICY),
	FIELD(policy.roll_alive_ns, FIELD_U64, ROW_POLICY),
	FIELD(policy.generations_max, FIELD_U32, ROW_POLICY),
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
	FIELD(policy.canary, FIELD_U32, ROW_POLICY),
	FIELD(policy.canary_percent, FIELD_BOOL, ROW_POLICY),
	FIELD(policy.canary_time_ns, FIELD_U64, ROW_POLICY),
	FIELD(policy.canary_min, FIELD_U32, ROW_POLICY),
};

/*
 * A reminder: whoever adds a field to a row changes one of these sizes, and
 * comes by to give the field its line above (and its line in the test).
 */
_Static_assert(sizeof(void *) != 8 || sizeof(struct policy) == 208,
	"a field of struct policy has no line in row_fields[]");
_Static_assert(sizeof(void *) != 8 ||
		       sizeof(struct service) == 280 + sizeof(struct policy),
	"a field of struct service has no line in row_fields[]");

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

const unsigned row_fields_n = sizeof(row_fields) / sizeof(row_fields[0]);

bool row_same_field(const struct field *field, const struct service *a,
	const struct service *b)
{
	size_t at = field->offset;

	switch (field->kind) {
	case FIELD_STRING:
		return same_string(FIELD_OF(const char *, a, at),
			FIELD_OF(const char *, b, at));
	case FIELD_U32:
		return FIELD_OF(uint32_t, a, at) == FIELD_OF(uint32_t, b, at);
	case FIELD_U64:
		return FIELD_OF(uint64_t, a, at) == FIELD_OF(uint64_t, b, at);
	case FIELD_BOOL:
		return FIELD_OF(bool, a, at) == FIELD_OF(bool, b, at);
	case FIELD_CHANNEL:
		return FIELD_OF(enum status_channel, a, at) ==
		       FIELD_OF(enum status_channel, b, at);
	case FIELD_STRINGS:
		return same_strings(FIELD_OF(const char *const *, a, at),
			FIELD_OF(const char *const *, b, at));
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

	for (size_t i = 0; i < row_fields_n; i++)
		if (row_fields[i].change > change &&
			!row_same_field(&row_fields[i], before, after))
			change = row_fields[i].change;
	return change;
}

/* FNV-1a: nobody is kept from finding two that are alike, and need not be. */
uint64_t fingerprint_add(uint64_t mark, const void *bytes, size_t n)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < n; i++)
		mark = (mark ^ at[i]) * UINT64_C(1099511628211);
	return mark;
}

/* With its NUL; what is not there is no empty text. */
static uint64_t add_string(uint64_t mark, const char *string)
{
	if (string == NULL)
		return fingerprint_add(mark, "\1", 1);
	return fingerprint_add(mark, string, strlen(string) + 1);
}

static uint64_t add_strings(uint64_t mark, const char *const *strings)
{
	for (; strings != NULL && *strings != NULL; strings++)
		mark = add_string(mark, *strings);
	return add_string(mark, NULL);
}

static uint64_t add_endpoint(uint64_t mark, const struct endpoint *endpoint)
{
	uint32_t kind = endpoint->kind;
	uint32_t family = endpoint->family;

	mark = fingerprint_add(mark, &kind, sizeof(kind));
	mark = fingerprint_add(mark, &family, sizeof(family));
	mark = fingerprint_add(mark, &endpoint->port, sizeof(endpoint->port));
	mark = fingerprint_add(
		mark, endpoint->address, sizeof(endpoint->address));
	return add_string(mark, endpoint->path);
}

static uint64_t add_field(
	uint64_t mark, const struct field *field, const struct service *row)
{
	size_t at = field->offset;
	uint32_t channel;

	switch (field->kind) {
	case FIELD_STRING:
		return add_string(mark, FIELD_OF(const char *, row, at));
	case FIELD_U32:
		return fingerprint_add(
			mark, &FIELD_OF(uint32_t, row, at), sizeof(uint32_t));
	case FIELD_U64:
		return fingerprint_add(
			mark, &FIELD_OF(uint64_t, row, at), sizeof(uint64_t));
	case FIELD_BOOL:
		return fingerprint_add(
			mark, FIELD_OF(bool, row, at) ? "1" : "0", 1);
	case FIELD_CHANNEL:
		channel = FIELD_OF(enum status_channel, row, at);
		return fingerprint_add(mark, &channel, sizeof(channel));
	case FIELD_STRINGS:
		return add_strings(
			mark, FIELD_OF(const char *const *, row, at));
	case FIELD_ENDPOINTS:
		for (unsigned i = 0; i < row->endpoints_n; i++)
			mark = add_endpoint(mark, &row->endpoints[i]);
		return mark;
	}
	assert(false); /* every kind is named above */
	return mark;
}

uint64_t row_fingerprint(const struct service *row)
{
	uint64_t mark = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < row_fields_n; i++)
		mark = add_field(mark, &row_fields[i], row);
	return mark;
}
