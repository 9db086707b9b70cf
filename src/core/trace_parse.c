/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"
#include "core/action.h"
#include "core/event.h"
#include "core/trace.h"
#include "core/trace_fields.h"

static bool name_index(
	struct text text, const char *const *names, unsigned n, int *out)
{
	for (unsigned i = 0; i < n; i++)
		if (text_is(text, names[i])) {
			*out = (int)i;
			return true;
		}
	return false;
}

static bool parse_unsigned(struct text text, uint64_t max, uint64_t *out)
{
	return number_parse(text, (struct number_limits){0, max}, out) ==
	       NUMBER_OK;
}

static bool parse_int(struct text text, int *out)
{
	bool minus = text.n > 0 && text.bytes[0] == '-';
	uint64_t magnitude;

	if (minus) {
		text.bytes++;
		text.n--;
	}
	if (!parse_unsigned(text, INT32_MAX, &magnitude))
		return false;
	*out = minus ? -(int)magnitude : (int)magnitude;
	return true;
}

static bool parse_field(
	const struct field *field, struct text value, char *base)
{
	char *place = base + field->offset;
	uint64_t wide = 0;
	int number = 0;
	bool yes;
	bool good = false;

	switch (field->type) {
	case FIELD_U32:
		good = parse_unsigned(value, UINT32_MAX, &wide);
		memcpy(place, &(uint32_t){(uint32_t)wide}, sizeof(uint32_t));
		break;
	case FIELD_U64:
		good = parse_unsigned(value, UINT64_MAX, &wide);
		memcpy(place, &wide, sizeof(wide));
		break;
	case FIELD_INT:
		good = parse_int(value, &number);
		memcpy(place, &number, sizeof(number));
		break;
	case FIELD_BOOL:
		good = parse_unsigned(value, 1, &wide);
		yes = wide != 0;
		memcpy(place, &yes, sizeof(yes));
		break;
	case FIELD_CHANGE:
		good = name_index(value, trace_change_names,
			trace_change_names_n, &number);
		memcpy(place, &number, sizeof(number));
		break;
	case FIELD_NOTICE:
		good = name_index(value, trace_notice_names,
			trace_notice_names_n, &number);
		memcpy(place, &number, sizeof(number));
		break;
	case FIELD_WORKER:
		good = name_index(value, trace_worker_names,
			trace_worker_names_n, &number);
		memcpy(place, &number, sizeof(number));
		break;
	case FIELD_WEAR:
		good = name_index(
			value, trace_wear_names, trace_wear_names_n, &number);
		memcpy(place, &number, sizeof(number));
		break;
	}
	return good;
}

/* A field that the kind does not use is as wrong as one that is none. */
static const struct field *find_field(
	const struct names *names, unsigned kind, struct text key)
{
	for (unsigned i = 0; i < names->fields_n; i++)
		if ((names->kinds[kind].fields & names->fields[i].bit) &&
			text_is(key, names->fields[i].name))
			return &names->fields[i];
	return NULL;
}

static bool find_kind(
	const struct names *names, struct text word, unsigned *out)
{
	for (unsigned i = 0; i < names->kinds_n; i++)
		if (text_is(word, names->kinds[i].name)) {
			*out = i;
			return true;
		}
	return false;
}

static bool parse_pairs(const struct names *names, unsigned kind,
	struct text record, char *base)
{
	char room[TRACE_LINE_MAX];
	struct text_builder store;
	struct text key;
	struct text value;

	text_builder_init(&store, room, sizeof(room));
	for (;;) {
		enum text_next next =
			text_next_pair(&record, &store, &key, &value);
		const struct field *field;

		if (next != TEXT_NEXT_PAIR)
			return next == TEXT_NEXT_END;
		field = find_field(names, kind, key);
		if (field == NULL || !parse_field(field, value, base))
			return false;
	}
}

bool trace_parse_event(const char *line, struct event *out)
{
	struct event event = {.kind = EVENT_TIME};
	struct text record = text_of(line);
	struct text word;
	unsigned kind;

	if (!text_next_word(&record, &word) ||
		!find_kind(&trace_event_names, word, &kind) ||
		!parse_pairs(&trace_event_names, kind, record, (char *)&event))
		return false;
	event.kind = (enum event_kind)kind;
	*out = event;
	return true;
}

bool trace_parse_action(const char *line, struct action *out)
{
	struct action action = {.kind = ACTION_WATCH};
	struct text record = text_of(line);
	struct text word;
	unsigned kind;

	if (!text_next_word(&record, &word) ||
		!find_kind(&trace_action_names, word, &kind) ||
		!parse_pairs(
			&trace_action_names, kind, record, (char *)&action))
		return false;
	action.kind = (enum action_kind)kind;
	*out = action;
	return true;
}
