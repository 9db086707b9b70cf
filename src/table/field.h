/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_TABLE_FIELD_H
#define OSTLER_TABLE_FIELD_H

#include <stdbool.h>
#include <stddef.h>

#include "table/diff.h"

struct service;

/*
 * field - the members of a row, for who compares or shows them
 *
 * Knows:   name, place and type of each, and how deep a change of it goes.
 * Decides: nothing.
 * Never:   is used outside of this room.
 */
enum field_kind {
	FIELD_STRING, /* const char *, or NULL */
	FIELD_U32,
	FIELD_U64,
	FIELD_BOOL,
	FIELD_CHANNEL,
	FIELD_STRINGS, /* NULL-terminated list */
	FIELD_ENDPOINTS,
};

struct field {
	const char *member; /* as in C: "policy.spare_min" */
	size_t offset;
	enum field_kind kind;
	enum row_change change;
};

extern const struct field row_fields[];
extern const unsigned row_fields_n;

bool row_same_field(const struct field *field, const struct service *a,
	const struct service *b);

/* The member of type TYPE at OFFSET of the row at ROW. */
#define FIELD_OF(type, row, offset)                                            \
	(*(type const *)(const void *)((const char *)(row) + (offset)))

#endif
