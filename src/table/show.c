/* SPDX-License-Identifier: MIT */
#include "table/show.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"
#include "table/field.h"
#include "table/service.h"

enum form {
	FORM_PLAIN, /* as its kind has it */
	FORM_DURATION,
	FORM_SIZE,
	FORM_OCTAL,
	FORM_CHOICE, /* by its place in WORDS */
	FORM_LIMIT,  /* of a worker's resources */
	FORM_LIMIT_SIZE,
	FORM_BOUNCE,
	FORM_HIDDEN,
};

struct shown {
	const char *member;
	const char *name;
	enum form form;
	const char *words; /* FORM_CHOICE */
};

/* All others are called as their settings are: "policy.NAME_ns" is NAME. */
static const struct shown shown[] = {
	{"endpoints", "listen", FORM_PLAIN, NULL},
	{"path", "program", FORM_PLAIN, NULL},
	{"bounce", "on_full", FORM_BOUNCE, NULL},
	{"umask", "umask", FORM_OCTAL, NULL},
	{"socket_mode", "socket_mode", FORM_OCTAL, NULL},
	{"channel", "status_channel", FORM_PLAIN, NULL},
	{"page", "status_page", FORM_PLAIN, NULL},
	{"memory_rss", "memory_kind", FORM_CHOICE, "pss|rss"},
	{"request_signal", "request_signal", FORM_CHOICE,
		"term|int|quit|hup|abrt|usr1|usr2"},
	{"max_memory", "max_memory", FORM_SIZE, NULL},
	{"policy.ready_notify", "ready", FORM_CHOICE, "presume|notify"},
	{"policy.on_deaf_kill", "on_deaf", FORM_CHOICE, "show|kill"},
	{"policy.request_time_ns", "request_time_limit", FORM_DURATION, NULL},
	{"limits.core_bytes", "limit_core", FORM_LIMIT_SIZE, NULL},
	{"limits.nofile", "limit_nofile", FORM_LIMIT, NULL},
	{"limits.nproc", "limit_nproc", FORM_LIMIT, NULL},
	{"limits.as_bytes", "limit_as", FORM_LIMIT_SIZE, NULL},
	{"limits.fsize_bytes", "limit_fsize", FORM_LIMIT_SIZE, NULL},
	{"limits.cpu_seconds", "limit_cpu", FORM_LIMIT, NULL},
	{"limits.stack_bytes", "limit_stack", FORM_LIMIT_SIZE, NULL},
	/* They follow from others. */
	{"policy.bounces", "", FORM_HIDDEN, NULL},
	{"policy.replace_first", "", FORM_HIDDEN, NULL},
	{"policy.leave_time_ns", "", FORM_HIDDEN, NULL},
};

static bool ends_with(struct text text, const char *end)
{
	size_t n = strlen(end);

	return text.n >= n && memcmp(text.bytes + text.n - n, end, n) == 0;
}

static const struct shown *find(const char *member)
{
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		if (strcmp(shown[i].member, member) == 0)
			return &shown[i];
	return NULL;
}

static enum form form_of(const struct field *field)
{
	const struct shown *entry = find(field->member);

	if (entry != NULL)
		return entry->form;
	return ends_with(text_of(field->member), "_ns") ? FORM_DURATION
							: FORM_PLAIN;
}

/* Without "policy." in front and "_ns" at the end. */
static struct text name_of(const struct field *field)
{
	const struct shown *entry = find(field->member);
	const char *dot = strrchr(field->member, '.');
	struct text name = text_of(dot == NULL ? field->member : dot + 1);

	if (entry != NULL)
		return text_of(entry->name);
	if (ends_with(name, "_ns"))
		name.n -= 3;
	return name;
}

static bool is_same(unsigned field, const struct service *before,
	const struct service *after)
{
	return row_same_field(&row_fields[field], before, after);
}

/* A program that has another name is in its command, too. */
static bool follows(const struct field *field, const struct service *before,
	const struct service *after)
{
	bool of_command = strcmp(field->member, "path") == 0 ||
			  strcmp(field->member, "stress_command") == 0;

	if (form_of(field) == FORM_HIDDEN)
		return true;
	for (unsigned i = 0; of_command && i < row_fields_n; i++)
		if (strcmp(row_fields[i].member, "command") == 0)
			return !is_same(i, before, after);
	return false;
}

unsigned row_differences(const struct service *before,
	const struct service *after, struct row_difference *out)
{
	unsigned n = 0;

	assert(row_fields_n <= ROW_DIFFERENCES_MAX);
	for (unsigned i = 0; i < row_fields_n; i++)
		if (!is_same(i, before, after) &&
			!follows(&row_fields[i], before, after))
			out[n++] = (struct row_difference){
				.change = row_fields[i].change, .field = i};
	return n;
}

void row_put_name(struct text_builder *out, unsigned field)
{
	assert(field < row_fields_n);
	text_put_text(out, name_of(&row_fields[field]));
}

/* Exact: "90s" and not "1m30s", which a file may not have. */
static void put_duration(struct text_builder *out, uint64_t ns)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = {{"d", 86400 * NS_PER_S}, {"h", 3600 * NS_PER_S},
		{"m", 60 * NS_PER_S}, {"s", NS_PER_S}, {"ms", NS_PER_MS},
		{"us", 1000}, {"ns", 1}};
	size_t i = 0;

	if (ns == 0) {
		text_put(out, "0");
		return;
	}
	while (ns % units[i].ns != 0)
		i++;
	text_put_number(out, ns / units[i].ns);
	text_put(out, units[i].unit);
}

static void put_limit(struct text_builder *out, uint64_t limit, bool size)
{
	if (limit == RLIMIT_UNSET)
		text_put(out, "unset");
	else if (limit == RLIMIT_NONE)
		text_put(out, "unlimited");
	else if (size)
		number_put_size(out, limit);
	else
		text_put_number(out, limit);
}

static void put_choice(
	struct text_builder *out, const char *words, uint64_t number)
{
	struct text rest = text_of(words);
	struct text word;

	while (text_cut(&rest, '|', &word))
		if (number-- == 0)
			text_put_text(out, word);
}

static void put_number(
	struct text_builder *out, const struct field *field, uint64_t number)
{
	switch (form_of(field)) {
	case FORM_DURATION:
		put_duration(out, number);
		break;
	case FORM_SIZE:
		put_limit(out, number == 0 ? RLIMIT_UNSET : number, true);
		break;
	case FORM_LIMIT:
	case FORM_LIMIT_SIZE:
		put_limit(out, number, form_of(field) == FORM_LIMIT_SIZE);
		break;
	case FORM_OCTAL:
		text_put_format(out, "%03o", (unsigned)number);
		break;
	case FORM_CHOICE:
		put_choice(out, find(field->member)->words, number);
		break;
	case FORM_PLAIN:
	case FORM_BOUNCE:
	case FORM_HIDDEN:
		text_put_number(out, number);
		break;
	}
}

static void put_words(struct text_builder *out, const char *const *words)
{
	text_put_char(out, '{');
	for (size_t i = 0; words[i] != NULL; i++) {
		text_put(out, i > 0 ? ", " : "");
		text_put_quoted(out, text_of(words[i]));
	}
	text_put_char(out, '}');
}

static void put_list(struct text_builder *out, const struct field *field,
	const char *const *words)
{
	bool bounce = form_of(field) == FORM_BOUNCE;

	if (words == NULL || words[0] == NULL)
		text_put(out, bounce ? "queue" : "unset");
	else
		put_words(out, bounce ? words + 1 : words);
}

static void put_endpoints(struct text_builder *out, const struct service *row)
{
	text_put_char(out, '{');
	for (unsigned i = 0; i < row->endpoints_n; i++) {
		text_put(out, i > 0 ? ", " : "");
		text_put_quoted(out, text_of(row->endpoints[i].text));
	}
	text_put_char(out, '}');
}

void row_put_value(
	struct text_builder *out, const struct service *row, unsigned number)
{
	const struct field *field = &row_fields[number];
	size_t at = field->offset;
	const char *string;

	assert(number < row_fields_n);
	switch (field->kind) {
	case FIELD_STRING:
		string = FIELD_OF(const char *, row, at);
		text_put(out, string == NULL ? "unset" : string);
		break;
	case FIELD_U32:
		put_number(out, field, FIELD_OF(uint32_t, row, at));
		break;
	case FIELD_U64:
		put_number(out, field, FIELD_OF(uint64_t, row, at));
		break;
	case FIELD_BOOL:
		if (form_of(field) == FORM_CHOICE)
			put_number(out, field, FIELD_OF(bool, row, at));
		else
			text_put(out, FIELD_OF(bool, row, at) ? "yes" : "no");
		break;
	case FIELD_CHANNEL:
		text_put(out,
			FIELD_OF(enum status_channel, row, at) == CHANNEL_SHARED
				? "shared"
				: "private");
		break;
	case FIELD_STRINGS:
		put_list(out, field, FIELD_OF(const char *const *, row, at));
		break;
	case FIELD_ENDPOINTS:
		put_endpoints(out, row);
		break;
	}
}
