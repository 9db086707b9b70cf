/* SPDX-License-Identifier: MIT */
#include "table/rows.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/saved.h"
#include "table/field.h"
#include "table/table.h"

#define ANY UINT64_MAX
#define KEY_MAX 48
#define EXTRA_FIELDS 6

/* ---- the lines ----------------------------------------------------------------- */

static const struct saved_field table_fields[] = {
	SAVED(table, "services", services_n, SAVED_U32, ANY),
	SAVED(table, "runtime-directory", runtime_directory, SAVED_TEXT, 0),
	SAVED(table, "control-group", control_group, SAVED_TEXT, 0),
	SAVED(table, "workers-max", workers_max, SAVED_U32, ANY),
	SAVED(table, "upgrade-timeout", upgrade_timeout_ns, SAVED_U64, ANY),
	SAVED(table, "hook", hook, SAVED_LIST, 0),
	SAVED(table, "hook-timeout", hook_timeout_ns, SAVED_U64, ANY),
	SAVED(table, "hook-user", hook_user, SAVED_TEXT, 0),
	SAVED(table, "log", log, SAVED_ENUM, LOG_POSTLOG),
	SAVED(table, "listeners-max", listeners_max, SAVED_U32,
		TABLE_LISTENERS_MOST),
	SAVED(table, "shares-ports", shares_ports, SAVED_BOOL, 1),
};
static const struct saved_kind table_kind = SAVED_KIND("table", table_fields);

_Static_assert(sizeof(void *) != 8 || sizeof(struct table) == 104,
	"a field of struct table is not saved");

static const struct saved_field endpoint_fields[] = {
	SAVED(endpoint, "kind", kind, SAVED_ENUM, ENDPOINT_DGRAM),
	SAVED(endpoint, "family", family, SAVED_ENUM, FAMILY_BOTH),
	SAVED(endpoint, "address", address, SAVED_BYTES, 16),
	SAVED(endpoint, "port", port, SAVED_U16, ANY),
	SAVED(endpoint, "path", path, SAVED_TEXT, 0),
	SAVED(endpoint, "text", text, SAVED_TEXT, 0),
	SAVED(endpoint, "file", file, SAVED_TEXT, 0),
	SAVED(endpoint, "line", line, SAVED_U32, ANY),
};
static const struct saved_kind endpoint_kind =
	SAVED_KIND("endpoint", endpoint_fields);

_Static_assert(sizeof(void *) != 8 || sizeof(struct endpoint) == 64,
	"a field of struct endpoint is not saved");

/* What a comparison of rows leaves out. */
static const struct saved_field extra_fields[EXTRA_FIELDS] = {
	SAVED(service, "name", name, SAVED_TEXT, 0),
	SAVED(service, "endpoints", endpoints_n, SAVED_U32,
		TABLE_LISTENERS_MOST),
	SAVED(service, "command-n", command_n, SAVED_U32, ANY),
	SAVED(service, "environment-n", environment_n, SAVED_U32,
		TABLE_ENVIRONMENT_MAX),
	SAVED(service, "file", file, SAVED_TEXT, 0),
	SAVED(service, "line", line, SAVED_U32, ANY),
};

/* The line of a row: those above, and all that is compared. */
struct row_kind {
	struct saved_field fields[SAVED_FIELDS_MAX];
	char keys[SAVED_FIELDS_MAX][KEY_MAX];
	struct saved_kind kind;
};

static enum saved_type type_of(enum field_kind kind)
{
	switch (kind) {
	case FIELD_STRING:
		return SAVED_TEXT;
	case FIELD_STRINGS:
		return SAVED_LIST;
	case FIELD_U32:
		return SAVED_U32;
	case FIELD_U64:
		return SAVED_U64;
	case FIELD_BOOL:
		return SAVED_BOOL;
	case FIELD_CHANNEL:
		return SAVED_ENUM;
	case FIELD_ENDPOINTS:
		break;
	}
	assert(false); /* they have lines of their own */
	return SAVED_TEXT;
}

/* A key has no dots: "policy.spare_min" is policy-spare-min. */
static void set_key(char key[KEY_MAX], const char *member)
{
	size_t n = strlen(member);

	assert(n < KEY_MAX);
	for (size_t i = 0; i <= n; i++)
		key[i] = member[i] == '.' || member[i] == '_' ? '-' : member[i];
}

static const struct saved_kind *make_kind(struct row_kind *out)
{
	unsigned n = EXTRA_FIELDS;

	memcpy(out->fields, extra_fields, sizeof(extra_fields));
	assert(row_fields_n + EXTRA_FIELDS <= SAVED_FIELDS_MAX);
	for (unsigned i = 0; i < row_fields_n; i++) {
		const struct field *field = &row_fields[i];

		if (field->kind == FIELD_ENDPOINTS)
			continue;
		set_key(out->keys[n], field->member);
		out->fields[n] = (struct saved_field){.key = out->keys[n],
			.offset = field->offset,
			.type = type_of(field->kind),
			.max = field->kind == FIELD_CHANNEL ? CHANNEL_SHARED
							    : ANY};
		n++;
	}
	out->kind = (struct saved_kind){"service", out->fields, n};
	return &out->kind;
}

void table_save(const struct table *table, struct text_builder *out)
{
	struct row_kind memory;
	const struct saved_kind *row_kind = make_kind(&memory);

	saved_put(out, &table_kind, table);
	for (unsigned i = 0; i < table->services_n; i++) {
		const struct service *row = &table->services[i];

		saved_put(out, row_kind, row);
		for (unsigned j = 0; j < row->endpoints_n; j++)
			saved_put(out, &endpoint_kind, &row->endpoints[j]);
	}
}

/* ---- and back ------------------------------------------------------------------- */

static unsigned count_words(const char *const *words)
{
	unsigned n = 0;

	while (words != NULL && words[n] != NULL)
		n++;
	return n;
}

static bool check_row(struct saved_reader *reader, const struct service *row,
	const struct service *before)
{
	const struct policy *policy = &row->policy;

	if (row->name == NULL || row->path == NULL || row->endpoints_n == 0)
		return saved_refuse(reader, "a service is not whole");
	if (before != NULL && strcmp(before->name, row->name) >= 0)
		return saved_refuse(reader, "services are not in order");
	if (row->command_n == 0 || count_words(row->command) != row->command_n)
		return saved_refuse(reader, "a command is not whole");
	if (count_words(row->environment) != row->environment_n ||
		row->environment == NULL)
		return saved_refuse(reader, "an environment is not whole");
	if (policy->deaf_time_ns == 0 || policy->start_rate == 0 ||
		policy->start_burst == 0)
		return saved_refuse(reader, "a policy has no rate");
	return true;
}

static bool check_endpoint(
	struct saved_reader *reader, const struct endpoint *endpoint)
{
	bool inet = endpoint->kind == ENDPOINT_INET;

	if (endpoint->text == NULL ||
		inet != (endpoint->family != FAMILY_NONE) ||
		inet != (endpoint->path == NULL))
		return saved_refuse(reader, "an endpoint is not whole");
	return true;
}

static bool take_endpoints(
	struct saved_reader *reader, struct table *table, struct service *row)
{
	struct endpoint *endpoints =
		arena_array(table->arena, row->endpoints_n, sizeof(*endpoints));

	if (endpoints == NULL)
		return saved_refuse(reader, "out of memory");
	for (unsigned i = 0; i < row->endpoints_n; i++)
		if (!saved_take(reader, &endpoint_kind, &endpoints[i]) ||
			!check_endpoint(reader, &endpoints[i]))
			return false;
	row->endpoints = endpoints;
	return true;
}

/* READER's arena is the table's. */
static bool take_table(struct saved_reader *reader, struct table *table)
{
	struct row_kind memory;
	const struct saved_kind *row_kind = make_kind(&memory);
	struct table saved = {.services_n = 0};
	struct service *rows;

	if (!saved_take(reader, &table_kind, &saved))
		return false;
	if (saved.runtime_directory == NULL || saved.listeners_max == 0 ||
		saved.services_n > reader->rest.n ||
		(saved.hook != NULL && saved.hook[0] == NULL))
		return saved_refuse(reader, "a table is not whole");
	rows = arena_array(table->arena, saved.services_n, sizeof(*rows));
	if (rows == NULL)
		return saved_refuse(reader, "out of memory");
	for (unsigned i = 0; i < saved.services_n; i++)
		if (!saved_take(reader, row_kind, &rows[i]) ||
			!check_row(reader, &rows[i],
				i == 0 ? NULL : &rows[i - 1]) ||
			!take_endpoints(reader, table, &rows[i]))
			return false;
	saved.arena = table->arena;
	saved.services = rows;
	*table = saved;
	return true;
}

struct table *table_load(struct saved_reader *reader)
{
	struct table *table = table_create(0);
	struct arena *arena = reader->arena;

	if (table == NULL) {
		(void)saved_refuse(reader, "out of memory");
		return NULL;
	}
	reader->arena = table->arena;
	if (!take_table(reader, table)) {
		table_destroy(table);
		table = NULL;
	}
	reader->arena = arena;
	return table;
}
