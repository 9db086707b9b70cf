/* SPDX-License-Identifier: MIT */
#include "ctl/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ctl/answer.h"
#include "ctl/say.h"

/* A program that prints one document has one of these. */
static bool exhausted;

void document_set(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) < 0)
		exhausted = true;
}

void document_append(json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) < 0)
		exhausted = true;
}

json_t *document_create(void)
{
	return json_pack("{s:i}", "schema", DOCUMENT_SCHEMA);
}

json_t *document_text(const char *text)
{
	static char shown[4 * CONTROL_LINE_MAX + 1];
	struct text_builder builder;
	json_t *value;

	if (text == NULL)
		return json_null();
	value = json_string(text);
	if (value != NULL)
		return value;
	text_builder_init(&builder, shown, sizeof(shown));
	text_put_printable(&builder, text_of(text));
	return json_string(shown);
}

static json_t *of_number(uint64_t number)
{
	if (number == CONTROL_UNKNOWN)
		return json_null();
	return json_integer(
		number < INT64_MAX ? (json_int_t)number : INT64_MAX);
}

/* Milliseconds are what a person's question needs, and print the same always */
static json_t *of_duration(uint64_t ns)
{
	if (ns == CONTROL_UNKNOWN)
		return json_null();
	return json_real((double)(ns / 1000000) / 1000.0);
}

static bool is_duration(const struct control_field *field)
{
	size_t n = strlen(field->key);

	return field->kind == CONTROL_FIELD_NUMBER && n > 3 &&
	       strcmp(field->key + n - 3, "_ns") == 0;
}

static json_t *of_field(
	const struct control_record *record, const struct control_field *field)
{
	if (field->kind == CONTROL_FIELD_TEXT)
		return document_text(control_text(record, field));
	if (is_duration(field))
		return of_duration(control_number(record, field));
	return of_number(control_number(record, field));
}

static void set_field(json_t *object, const struct control_record *record,
	const struct control_field *field)
{
	char key[64];
	size_t n = strlen(field->key);

	if (is_duration(field))
		n -= 3;
	snprintf(key, sizeof(key), "%.*s%s", (int)n, field->key,
		is_duration(field) ? "_seconds" : "");
	document_set(object, key, of_field(record, field));
}

json_t *document_record(const struct control_record *record, const char *skip)
{
	unsigned n;
	const struct control_field *fields = control_fields(record->kind, &n);
	json_t *object = json_object();

	for (unsigned i = 0; i < n; i++)
		if (skip == NULL || strcmp(fields[i].key, skip) != 0)
			set_field(object, record, &fields[i]);
	return object;
}

json_t *document_only(const struct answer *answer, enum control_kind kind)
{
	size_t from = 0;
	const struct control_record *record = answer_next(answer, kind, &from);

	return record != NULL ? document_record(record, NULL) : json_null();
}

enum ctl_exit document_print(json_t *document)
{
	/* More digits would show what binary fractions really are. */
	const size_t flags =
		JSON_INDENT(2) | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(14);
	char *shown = exhausted ? NULL : json_dumps(document, flags);

	json_decref(document);
	if (shown == NULL) {
		say_complaint("cannot make JSON of the answer: out of memory");
		return CTL_FAILED;
	}
	puts(shown);
	free(shown);
	return CTL_OK;
}
