/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CONF_SETTINGS_H
#define OSTLER_CONF_SETTINGS_H

#include "base/number.h"
#include "base/text.h"

/*
 * settings - what can be set, with which limits, and what it is otherwise
 *
 * Knows:   the rows of settings.def.
 * Decides: nothing.
 * Never:   knows what a setting is for.
 */
enum setting_scope {
	SCOPE_GLOBAL,  /* of the master itself */
	SCOPE_SERVICE, /* of one service block */
};

enum setting_kind {
	KIND_NUMBER,
	KIND_AUTO,     /* a number, or "auto" */
	KIND_PART,     /* a number, or a percentage */
	KIND_DURATION, /* nanoseconds */
	KIND_OCTAL,
	KIND_SWITCH, /* yes or no */
	KIND_CHOICE, /* one of a few words */
	KIND_NAME,   /* of a user or group, or its number */
	KIND_PATH,   /* absolute */
	KIND_LIST,
	KIND_LIMIT,	 /* a number, or "unlimited" */
	KIND_LIMIT_SIZE, /* bytes, or "unlimited" */
	KIND_LIMIT_TIME, /* seconds, or "unlimited" */
};

struct setting {
	enum setting_scope scope;
	const char *name;
	enum setting_kind kind;
	const char *default_text; /* or NULL: unset */
	struct number_limits limits;
	const char *unit; /* for people; of a choice: its words */
	const char *sentence;
};

enum setting_id {
#define SETTING(scope, name, ...) SETTING_##name,
#include "conf/settings.def"
	SETTINGS_N
};

/* By enum setting_id. */
extern const struct setting settings[SETTINGS_N];

/* The setting of this name in this scope, or SETTINGS_N. */
enum setting_id setting_find(enum setting_scope scope, struct text name);

/*
 * What somebody may have meant by NAME: a setting of SCOPE, or one of the
 * other words that may stand there; or NULL if nothing is near.
 */
const char *setting_nearest(enum setting_scope scope, struct text name);

/* The limits of SETTING as people write them: "1ms to 365d", or "". */
void setting_put_limits(
	struct text_builder *builder, const struct setting *setting);

/* One line about SETTING, for `ostlerd --settings`. */
void setting_put(struct text_builder *builder, const struct setting *setting);

#endif
