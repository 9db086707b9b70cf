/* SPDX-License-Identifier: MIT */
#include "conf/settings.h"

#include <stdint.h>

const struct setting settings[SETTINGS_N] = {
#define SETTING(scope_, name_, kind_, default_, min_, max_, unit_, sentence_)  \
	{.scope = SCOPE_##scope_,                                              \
		.name = #name_,                                                \
		.kind = KIND_##kind_,                                          \
		.default_text = default_,                                      \
		.limits = {min_, max_},                                        \
		.unit = unit_,                                                 \
		.sentence = sentence_},
#include "conf/settings.def"
};

/* What else may stand at the beginning of a line. */
static const char *const other_words[] = {"service", "include"};

enum {
	OTHER_WORDS_N = sizeof(other_words) / sizeof(other_words[0]),
	NAME_MAX_BYTES = 32, /* longer ones are nobody's typo */
};

enum setting_id setting_find(enum setting_scope scope, struct text name)
{
	for (enum setting_id id = 0; id < SETTINGS_N; id++)
		if (settings[id].scope == scope &&
			text_is(name, settings[id].name))
			return id;
	return SETTINGS_N;
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Levenshtein: how many letters to insert, delete or replace. */
static unsigned distance(struct text a, struct text b)
{
	unsigned row[NAME_MAX_BYTES + 1];

	if (a.n > NAME_MAX_BYTES || b.n > NAME_MAX_BYTES)
		return NAME_MAX_BYTES;
	for (unsigned j = 0; j <= b.n; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a.n; i++) {
		unsigned corner = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= b.n; j++) {
			bool same = a.bytes[i - 1] == b.bytes[j - 1];
			unsigned replaced = corner + (same ? 0 : 1);

			corner = row[j];
			row[j] = least(row[j] + 1, row[j - 1] + 1, replaced);
		}
	}
	return row[b.n];
}

struct candidate {
	const char *name;
	unsigned distance;
};

static void consider(
	struct candidate *best, struct text name, const char *candidate)
{
	unsigned far = distance(name, text_of(candidate));

	if (far < best->distance)
		*best = (struct candidate){candidate, far};
}

const char *setting_nearest(enum setting_scope scope, struct text name)
{
	/* A third of the letters may be wrong, and one of the short ones. */
	unsigned tolerance = name.n < 3 ? 1 : (unsigned)(name.n / 3);
	struct candidate best = {NULL, tolerance + 1};

	if (name.n > NAME_MAX_BYTES)
		return NULL;
	for (enum setting_id id = 0; id < SETTINGS_N; id++)
		if (settings[id].scope == scope)
			consider(&best, name, settings[id].name);
	for (unsigned i = 0; i < OTHER_WORDS_N; i++)
		if (scope == SCOPE_GLOBAL)
			consider(&best, name, other_words[i]);
	return best.name;
}

static void put_limit(struct text_builder *builder,
	const struct setting *setting, uint64_t value)
{
	switch (setting->kind) {
	case KIND_NUMBER:
	case KIND_AUTO:
	case KIND_PART:
	case KIND_LIMIT:
		text_put_number(builder, value);
		return;
	case KIND_DURATION:
	case KIND_LIMIT_TIME:
		if (value == 0)
			text_put_char(builder, '0');
		else
			number_put_duration(builder, value);
		return;
	case KIND_LIMIT_SIZE:
		number_put_size(builder, value);
		return;
	case KIND_OCTAL:
		text_put_format(builder, "%04o", (unsigned)value);
		return;
	case KIND_SWITCH:
	case KIND_CHOICE:
	case KIND_NAME:
	case KIND_PATH:
	case KIND_LIST:
		return;
	}
}

void setting_put_limits(
	struct text_builder *builder, const struct setting *setting)
{
	if (setting->limits.max == 0)
		return;
	put_limit(builder, setting, setting->limits.min);
	if (setting->limits.max == INT64_MAX) {
		text_put(builder, " or more");
		return;
	}
	text_put(builder, " to ");
	put_limit(builder, setting, setting->limits.max);
}

void setting_put(struct text_builder *builder, const struct setting *setting)
{
	const char *text = setting->default_text;

	text_put(builder, "setting");
	text_put_key_value(builder, "scope",
		setting->scope == SCOPE_GLOBAL ? "global" : "service");
	text_put_key_value(builder, "name", setting->name);
	if (text != NULL)
		text_put_key_value(builder, "default", text);
	text_put_key_value(builder, "unit", setting->unit);
	if (setting->limits.max > 0) {
		char range[64];
		struct text_builder limits;

		text_builder_init(&limits, range, sizeof(range));
		setting_put_limits(&limits, setting);
		text_put_key_value(builder, "range", range);
	}
	text_put_key_value(builder, "text", setting->sentence);
}
