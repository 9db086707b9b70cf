/* SPDX-License-Identifier: MIT */
#include "conf/value.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "conf/source.h"
#include "table/service.h"

#define PATH_SMALL 512

struct place value_place(const struct values *values, enum setting_id id)
{
	const struct assignment *given = &values->block->given[id];
	struct place place = {.file = values->block->file,
		.line = values->block->line,
		.service = values->block->name};

	if (given->first != NULL) {
		place.file = given->file;
		place.line = given->line;
	}
	return place;
}

bool value_is_given(const struct values *values, enum setting_id id)
{
	return values->block->given[id].first != NULL;
}

/* The one word given for ID, or its default, which may be NULL. */
static const char *single(const struct values *values, enum setting_id id)
{
	const struct assignment *given = &values->block->given[id];
	struct place place = value_place(values, id);

	if (given->first == NULL)
		return settings[id].default_text;
	if (given->n > 1)
		complain(values->diags, &place, "give it one",
			"%s has %u values", settings[id].name, given->n);
	return given->first->text;
}

static enum number_result parse(
	const struct setting *setting, struct text text, uint64_t *out)
{
	switch (setting->kind) {
	case KIND_NUMBER:
	case KIND_AUTO:
	case KIND_PART:
	case KIND_LIMIT:
		return number_parse(text, setting->limits, out);
	case KIND_DURATION:
	case KIND_LIMIT_TIME:
		return number_parse_duration(text, setting->limits, out);
	case KIND_LIMIT_SIZE:
		return number_parse_size(text, setting->limits, out);
	case KIND_OCTAL:
		return number_parse_octal(text, setting->limits, out);
	case KIND_SWITCH:
	case KIND_CHOICE:
	case KIND_NAME:
	case KIND_PATH:
	case KIND_LIST:
		break;
	}
	assert(false); /* no number */
	return NUMBER_GARBAGE;
}

static const char *kind_name(enum setting_kind kind)
{
	if (kind == KIND_DURATION || kind == KIND_LIMIT_TIME)
		return "a duration";
	if (kind == KIND_LIMIT_SIZE)
		return "a size";
	if (kind == KIND_OCTAL)
		return "an octal number";
	return "a number";
}

static const char *kind_example(enum setting_kind kind)
{
	if (kind == KIND_DURATION || kind == KIND_LIMIT_TIME)
		return "write it as in 100s, 1.5s, 200ms, 5m, 1h, 1d";
	if (kind == KIND_LIMIT_SIZE)
		return "write it as in 65536, 64k, 1M, 2G";
	if (kind == KIND_OCTAL)
		return "write it as in 0660, with digits from 0 to 7";
	if (kind == KIND_PART)
		return "write it as in 2, or 10%";
	return "write digits and nothing else";
}

static void complain_number(const struct values *values, enum setting_id id,
	enum number_result result, const char *text)
{
	const struct setting *setting = &settings[id];
	struct place place = value_place(values, id);
	char remedy[100];
	struct text_builder builder;

	text_builder_init(&builder, remedy, sizeof(remedy));
	switch (result) {
	case NUMBER_OK:
		return;
	case NUMBER_EMPTY:
	case NUMBER_GARBAGE:
		complain(values->diags, &place, kind_example(setting->kind),
			"%s: '%s' is not %s", setting->name, text,
			kind_name(setting->kind));
		return;
	case NUMBER_NO_UNIT:
	case NUMBER_BAD_UNIT:
		complain(values->diags, &place, kind_example(setting->kind),
			result == NUMBER_NO_UNIT
				? "%s: '%s' has no unit"
				: "%s: '%s' has a unit that is not known",
			setting->name, text);
		return;
	case NUMBER_TOO_SMALL:
	case NUMBER_TOO_LARGE:
		text_put(&builder, "give it ");
		setting_put_limits(&builder, setting);
		complain(values->diags, &place, remedy,
			result == NUMBER_TOO_SMALL ? "%s: '%s' is too small"
						   : "%s: '%s' is too large",
			setting->name, text);
		return;
	}
}

static uint64_t number_of(
	const struct values *values, enum setting_id id, const char *text)
{
	uint64_t number = settings[id].limits.min;
	enum number_result result =
		parse(&settings[id], text_of(text), &number);

	complain_number(values, id, result, text);
	return number;
}

uint64_t value_number(const struct values *values, enum setting_id id)
{
	return number_of(values, id, single(values, id));
}

uint32_t value_number32(const struct values *values, enum setting_id id)
{
	assert(settings[id].limits.max <= UINT32_MAX);
	return (uint32_t)value_number(values, id);
}

uint32_t value_auto(
	const struct values *values, enum setting_id id, uint32_t automatic)
{
	const char *text = single(values, id);

	assert(settings[id].kind == KIND_AUTO);
	assert(settings[id].limits.max <= UINT32_MAX);
	if (strcmp(text, "auto") == 0)
		return automatic;
	return (uint32_t)number_of(values, id, text);
}

uint32_t value_part(
	const struct values *values, enum setting_id id, bool *out_percent)
{
	const struct number_limits all = {1, 100};
	struct text text = text_of(single(values, id));
	uint64_t number = 1;

	assert(settings[id].kind == KIND_PART);
	assert(settings[id].limits.max <= UINT32_MAX);
	*out_percent = text.n > 0 && text.bytes[text.n - 1] == '%';
	if (!*out_percent)
		return (uint32_t)number_of(values, id, text.bytes);
	text.n--;
	if (number_parse(text, all, &number) != NUMBER_OK) {
		struct place place = value_place(values, id);

		complain(values->diags, &place, "give it 1% to 100%",
			"%s: '%s' is not a percentage", settings[id].name,
			text.bytes);
	}
	return (uint32_t)number;
}

uint64_t value_limit(const struct values *values, enum setting_id id)
{
	const char *text = single(values, id);
	uint64_t number;

	if (text == NULL)
		return RLIMIT_UNSET;
	/* Linux has no unlimited RLIMIT_NOFILE. */
	if (strcmp(text, "unlimited") == 0 && id != SETTING_limit_nofile)
		return RLIMIT_NONE;
	number = number_of(values, id, text);
	if (settings[id].kind != KIND_LIMIT_TIME)
		return number;
	if (number % NS_PER_S != 0) {
		struct place place = value_place(values, id);

		complain(values->diags, &place, "round it",
			"%s: '%s' is not a number of whole seconds",
			settings[id].name, text);
	}
	return number / NS_PER_S;
}

bool value_switch(const struct values *values, enum setting_id id)
{
	const char *text = single(values, id);
	struct place place;

	if (strcmp(text, "yes") == 0)
		return true;
	if (strcmp(text, "no") == 0)
		return false;
	place = value_place(values, id);
	complain(values->diags, &place, "write yes or no",
		"%s: '%s' is neither yes nor no", settings[id].name, text);
	return false;
}

unsigned value_choice(const struct values *values, enum setting_id id)
{
	const char *text = single(values, id);
	struct text words = text_of(settings[id].unit), word;
	struct place place;
	char remedy[80];
	struct text_builder builder;

	text_builder_init(&builder, remedy, sizeof(remedy));
	for (unsigned i = 0; text_cut(&words, '|', &word); i++) {
		if (text_is(word, text))
			return i;
		text_put(&builder, i == 0 ? "write " : " or ");
		text_put_text(&builder, word);
	}
	place = value_place(values, id);
	complain(values->diags, &place, remedy, "%s: there is no '%s'",
		settings[id].name, text);
	return 0;
}

/* What may be in a user's or group's name; which exist, the system knows. */
static bool is_name(struct text name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.bytes[i];

		if (!text_char_is_printable(c) || strchr(" :/,\"'", c) != NULL)
			return false;
	}
	return name.n > 0 && name.n <= 64 && name.bytes[0] != '-';
}

const char *value_name(const struct values *values, enum setting_id id)
{
	const char *text = single(values, id);
	struct place place;

	if (text == NULL)
		return NULL;
	if (is_name(text_of(text)))
		return arena_copy(values->arena, text_of(text));
	place = value_place(values, id);
	complain(values->diags, &place, "write a name, or a number",
		"%s: '%s' is no name of a %s", settings[id].name, text,
		settings[id].unit);
	return NULL;
}

bool path_climbs(const char *path)
{
	struct text rest = text_of(path), part;

	while (text_cut(&rest, '/', &part))
		if (text_is(part, ".."))
			return true;
	return false;
}

static void join(
	struct text_builder *builder, struct text below, const char *path)
{
	struct text rest = text_of(path), part;

	if (below.n > 1) /* not just "/" */
		text_put_text(builder, below);
	while (text_cut(&rest, '/', &part)) {
		if (part.n == 0 || text_is(part, "."))
			continue;
		text_put_char(builder, '/');
		text_put_text(builder, part);
	}
	if (builder->n == 0)
		text_put_char(builder, '/');
	assert(!builder->overflow);
}

const char *path_join(
	struct arena *arena, const char *directory, const char *path)
{
	struct text below = text_of(path[0] == '/' ? "" : directory);
	size_t size = below.n + strlen(path) + 3;
	struct text_builder builder;
	char small[PATH_SMALL]; /* so that rows with the same one share it */
	char *large;

	if (size <= sizeof(small)) {
		text_builder_init(&builder, small, sizeof(small));
		join(&builder, below, path);
		return arena_copy(arena, text_built(&builder));
	}
	large = arena_alloc(arena, size);
	if (large == NULL)
		return NULL;
	text_builder_init(&builder, large, size);
	join(&builder, below, path);
	return large;
}

const char *value_path(const struct values *values, enum setting_id id)
{
	const char *text = single(values, id);
	struct place place = value_place(values, id);

	assert(text != NULL);
	if (text[0] != '/')
		complain(values->diags, &place, "begin it with /",
			"%s: '%s' is not an absolute path", settings[id].name,
			text);
	if (path_climbs(text))
		complain(values->diags, &place, "write it without ..",
			"%s: '%s' has a .. in it", settings[id].name, text);
	return path_join(values->arena, "", text);
}
