/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CONF_MAINCF_H
#define OSTLER_CONF_MAINCF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct arena;
struct postfix_report;

/*
 * maincf - what main.cf says
 *
 * Knows:   every parameter of the file, and for each setting of
 *          postfix_settings.def its value and whether it is good.
 * Decides: what $name stands for, as Postfix's master would.
 * Never:   looks anything up; knows of main.cf's hundreds of other settings.
 *          Whether users and directories exist is for who uses them to find
 *          out.
 */
enum postfix_setting_id {
#define POSTFIX_SETTING(name, ...) POSTFIX_##name,
#include "conf/postfix_settings.def"
	POSTFIX_SETTINGS_N
};

enum postfix_setting_kind {
	POSTFIX_TEXT,
	POSTFIX_NUMBER,
	POSTFIX_TIME, /* in seconds */
	POSTFIX_SWITCH,
};

struct postfix_setting {
	const char *name;
	enum postfix_setting_kind kind;
	const char *default_text; /* or NULL */
	int64_t min;
	int64_t max; /* 0: none */
	const char *sentence;
};

/* By enum postfix_setting_id. */
extern const struct postfix_setting postfix_settings[POSTFIX_SETTINGS_N];

/* What is there before main.cf is read, and can be overridden by it. */
struct maincf_preset {
	const char *name; /* config_directory, process_name, process_id ... */
	const char *value;
};

/* A setting that keeps its value until the next start, whatever is written. */
struct maincf_pin {
	enum postfix_setting_id id;
	const char *value; /* expanded; of a TEXT */
};

struct maincf_request {
	const char *file; /* for complaints */
	struct text bytes;
	const struct maincf_preset *presets;
	unsigned presets_n;
	const struct maincf_pin *pins;
	unsigned pins_n;
	const char *hostname; /* what gethostname() says */
};

struct maincf;

/*
 * Everything is in ARENA. False if there was an error; but *OUT then has
 * defaults in place of what was wrong, so that more can be found out. NULL if
 * there was no memory.
 */
bool maincf_read(struct arena *arena, const struct maincf_request *request,
	const struct postfix_report *report, struct maincf **out);

/* The file's name. */
const char *maincf_file(const struct maincf *maincf);

/* What NAME is set to, as it is written; NULL: it is not. */
const char *maincf_raw(const struct maincf *maincf, const char *name);

/* The line of main.cf where NAME is set; 0: it is not. */
unsigned maincf_line(const struct maincf *maincf, const char *name);

/*
 * TEXT as a worker would see it, in the arena: with all that main.cf has, and
 * the defaults that are known here. NULL, and why in TROUBLE, if it cannot be.
 */
const char *maincf_expand(
	struct maincf *maincf, struct text text, struct text_builder *trouble);

const char *maincf_text(
	const struct maincf *maincf, enum postfix_setting_id id);

/* The value that a pin kept from being in force; NULL: none was. */
const char *maincf_ignored(
	const struct maincf *maincf, enum postfix_setting_id id);
int32_t maincf_number(const struct maincf *maincf, enum postfix_setting_id id);
uint64_t maincf_time_ns(
	const struct maincf *maincf, enum postfix_setting_id id);
bool maincf_switch(const struct maincf *maincf, enum postfix_setting_id id);

#endif
