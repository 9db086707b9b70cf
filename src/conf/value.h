/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CONF_VALUE_H
#define OSTLER_CONF_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/number.h"
#include "conf/complain.h"
#include "conf/settings.h"

struct arena;
struct block;
struct diags;

/*
 * value - what a setting of one block is, as a number, a word or a list
 *
 * Knows:   the kinds of settings.def, and the default where nothing is given.
 * Decides: whether what is given is of its kind and within its limits.
 * Never:   puts something of its own in the place of what is wrong: there is a
 *          complaint then, and what it returns is used for nothing but finding
 *          more complaints.
 */
struct values {
	const struct block *block;
	struct arena *arena; /* of the table */
	struct diags *diags;
};

/* Where ID was given, or else where the block begins. */
struct place value_place(const struct values *values, enum setting_id id);

bool value_is_given(const struct values *values, enum setting_id id);

/* Numbers of all kinds in their smallest unit. */
uint64_t value_number(const struct values *values, enum setting_id id);
uint32_t value_number32(const struct values *values, enum setting_id id);

/* The same, but AUTOMATIC where it says "auto". */
uint32_t value_auto(
	const struct values *values, enum setting_id id, uint32_t automatic);

/* A number; or a percentage, and *OUT_PERCENT says so. */
uint32_t value_part(
	const struct values *values, enum setting_id id, bool *out_percent);

/* A limit: RLIMIT_UNSET, RLIMIT_NONE or the number. */
uint64_t value_limit(const struct values *values, enum setting_id id);

bool value_switch(const struct values *values, enum setting_id id);

/* Which of the words of a choice, from 0. */
unsigned value_choice(const struct values *values, enum setting_id id);

/* A user's or group's name or number, or NULL. */
const char *value_name(const struct values *values, enum setting_id id);

/* An absolute path, made simple, or NULL. */
const char *value_path(const struct values *values, enum setting_id id);

/* Whether a part of PATH is "..". */
bool path_climbs(const char *path);

/*
 * PATH below DIRECTORY, or PATH itself if it is absolute, without empty and
 * "." parts. NULL if memory ran out.
 */
const char *path_join(
	struct arena *arena, const char *directory, const char *path);

#endif
