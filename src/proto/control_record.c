/* SPDX-License-Identifier: MIT */
#include "proto/control.h"

#include <assert.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"

#define NUMBER(name) {#name, CONTROL_FIELD_NUMBER, offsetof(struct HERE, name)},
#define TEXT(name) {#name, CONTROL_FIELD_TEXT, offsetof(struct HERE, name)},

#define HERE control_master
static const struct control_field master_fields[] = {
	CONTROL_MASTER_FIELDS(NUMBER, TEXT)};
#undef HERE
#define HERE control_service
static const struct control_field service_fields[] = {
	CONTROL_SERVICE_FIELDS(NUMBER, TEXT)};
#undef HERE
#define HERE control_endpoint
static const struct control_field endpoint_fields[] = {
	CONTROL_ENDPOINT_FIELDS(NUMBER, TEXT)};
#undef HERE
#define HERE control_change
static const struct control_field change_fields[] = {
	CONTROL_CHANGE_FIELDS(NUMBER, TEXT)};
#undef HERE
#define HERE control_roll
static const struct control_field roll_fields[] = {
	CONTROL_ROLL_FIELDS(NUMBER, TEXT)};
#undef HERE
#define HERE control_setting
static const struct control_field setting_fields[] = {
	CONTROL_SETTING_FIELDS(NUMBER, TEXT)};
#undef HERE
#define HERE control_socket
static const struct control_field socket_fields[] = {
	CONTROL_SOCKET_FIELDS(NUMBER, TEXT)};
#undef HERE
#define HERE control_worker
static const struct control_field worker_fields[] = {
	CONTROL_WORKER_FIELDS(NUMBER, TEXT)};
#undef HERE
#define HERE control_diag
static const struct control_field diag_fields[] = {
	CONTROL_DIAG_FIELDS(NUMBER, TEXT)};
#undef HERE
#define HERE control_stuck
static const struct control_field stuck_fields[] = {
	CONTROL_STUCK_FIELDS(NUMBER, TEXT)};
#undef HERE
#define HERE control_upgrade
static const struct control_field upgrade_fields[] = {
	CONTROL_UPGRADE_FIELDS(NUMBER, TEXT)};
#undef HERE
#define HERE control_end
static const struct control_field end_fields[] = {
	CONTROL_END_FIELDS(NUMBER, TEXT)};
#undef HERE

struct kind_row {
	const char *word;
	const struct control_field *fields;
	unsigned fields_n;
};

static const struct kind_row kinds[] = {
#define KIND(kind, word, list)                                                 \
	[kind] = {#word, word##_fields,                                        \
		sizeof(word##_fields) / sizeof(word##_fields[0])},
	CONTROL_KINDS(KIND)
#undef KIND
};
static const unsigned kinds_n = sizeof(kinds) / sizeof(kinds[0]);

static const char *const state_words[] = {
	[CONTROL_STATE_STOPPING] = "stopping",
	[CONTROL_STATE_LEAVING] = "leaving",
	[CONTROL_STATE_DRAINING] = "draining",
	[CONTROL_STATE_DRAINED] = "drained",
	[CONTROL_STATE_THROTTLED] = "throttled",
	[CONTROL_STATE_DEAF] = "deaf",
	[CONTROL_STATE_AT_LIMIT] = "at-limit",
	[CONTROL_STATE_UP] = "up",
};

const char *control_state_word(enum control_state state)
{
	assert((unsigned)state < sizeof(state_words) / sizeof(state_words[0]));
	return state_words[state];
}

const struct control_field *control_fields(
	enum control_kind kind, unsigned *out_n)
{
	assert((unsigned)kind < kinds_n);
	*out_n = kinds[kind].fields_n;
	return kinds[kind].fields;
}

/* All members of the union begin where the first of them does. */
static const char *field_of(
	const struct control_record *record, const struct control_field *field)
{
	return (const char *)&record->master + field->offset;
}

static char *field_to_set(
	struct control_record *record, const struct control_field *field)
{
	return (char *)&record->master + field->offset;
}

uint64_t control_number(
	const struct control_record *record, const struct control_field *field)
{
	uint64_t number;

	assert(field->kind == CONTROL_FIELD_NUMBER);
	memcpy(&number, field_of(record, field), sizeof(number));
	return number;
}

const char *control_text(
	const struct control_record *record, const struct control_field *field)
{
	const char *text;

	assert(field->kind == CONTROL_FIELD_TEXT);
	memcpy(&text, field_of(record, field), sizeof(text));
	return text;
}

static void set_number(struct control_record *record,
	const struct control_field *field, uint64_t number)
{
	memcpy(field_to_set(record, field), &number, sizeof(number));
}

static void set_text(struct control_record *record,
	const struct control_field *field, const char *text)
{
	memcpy(field_to_set(record, field), &text, sizeof(text));
}

void control_record_init(struct control_record *record, enum control_kind kind)
{
	unsigned n;
	const struct control_field *fields = control_fields(kind, &n);

	memset(record, 0, sizeof(*record));
	record->kind = kind;
	for (unsigned i = 0; i < n; i++)
		if (fields[i].kind == CONTROL_FIELD_NUMBER)
			set_number(record, &fields[i], CONTROL_UNKNOWN);
		else
			set_text(record, &fields[i], NULL);
}

static void put_field(struct text_builder *out,
	const struct control_record *record, const struct control_field *field)
{
	if (field->kind == CONTROL_FIELD_NUMBER) {
		uint64_t number = control_number(record, field);

		if (number != CONTROL_UNKNOWN)
			text_put_key_number(out, field->key, number);
	} else {
		const char *text = control_text(record, field);

		if (text != NULL)
			text_put_key_value(out, field->key, text);
	}
}

void control_put(struct text_builder *out, const struct control_record *record)
{
	size_t before = out->n;
	unsigned n;
	const struct control_field *fields = control_fields(record->kind, &n);

	text_put(out, kinds[record->kind].word);
	for (unsigned i = 0; i < n; i++)
		put_field(out, record, &fields[i]);
	text_put_char(out, '\n');
	if (!out->overflow)
		return;
	/* A line that lost its tail would still be a record, and a lie. */
	out->n = before;
	out->bytes[before] = '\0';
}

void control_put_ok(struct text_builder *out)
{
	struct control_record record;

	control_record_init(&record, CONTROL_END);
	record.end.result = "ok";
	control_put(out, &record);
}

void control_put_failed(
	struct text_builder *out, enum control_code code, const char *text)
{
	struct control_record record;

	control_record_init(&record, CONTROL_END);
	record.end.result = "failed";
	record.end.code = code;
	record.end.text = text;
	control_put(out, &record);
}

static const struct control_field *find_field(
	enum control_kind kind, struct text key)
{
	unsigned n;
	const struct control_field *fields = control_fields(kind, &n);

	for (unsigned i = 0; i < n; i++)
		if (text_is(key, fields[i].key))
			return &fields[i];
	return NULL;
}

static bool find_kind(struct text word, enum control_kind *out)
{
	for (unsigned i = 0; i < kinds_n; i++)
		if (text_is(word, kinds[i].word)) {
			*out = (enum control_kind)i;
			return true;
		}
	return false;
}

/* A key of a later version is no error; a number that is none is one. */
static bool read_field(
	struct control_record *record, struct text key, struct text value)
{
	const struct number_limits any = {0, UINT64_MAX};
	const struct control_field *field = find_field(record->kind, key);
	uint64_t number;

	if (field == NULL)
		return true;
	if (field->kind == CONTROL_FIELD_NUMBER) {
		if (number_parse(value, any, &number) != NUMBER_OK)
			return false;
		set_number(record, field, number);
		return true;
	}
	if (memchr(value.bytes, '\0', value.n) != NULL)
		return false;
	set_text(record, field, value.bytes);
	return true;
}

enum control_read control_read(
	const char *line, size_t n, char *store, struct control_record *out)
{
	struct text rest = {line, n};
	struct text word;
	struct text key;
	struct text value;
	struct text_builder values;
	struct control_record record;
	enum control_kind kind;
	enum text_next next;

	text_builder_init(&values, store, n + 1);
	if (!text_next_word(&rest, &word))
		return CONTROL_READ_GARBAGE;
	if (!find_kind(word, &kind))
		return CONTROL_READ_UNKNOWN;
	control_record_init(&record, kind);
	while ((next = text_next_pair(&rest, &values, &key, &value)) ==
		TEXT_NEXT_PAIR)
		if (!read_field(&record, key, value))
			return CONTROL_READ_GARBAGE;
	if (next == TEXT_NEXT_BAD)
		return CONTROL_READ_GARBAGE;
	*out = record;
	return CONTROL_READ_OK;
}
