/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CORE_TRACE_FIELDS_H
#define OSTLER_CORE_TRACE_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * trace_fields - the names of kinds and fields, for writing and reading alike
 *
 * Knows:   every field of an event and of an action: name, place and type.
 * Decides: nothing.
 * Never:   is used outside the two halves of trace.
 */
enum field_type {
	FIELD_U32,
	FIELD_U64,
	FIELD_INT,
	FIELD_BOOL,
	FIELD_CHANGE, /* enum row_change, by name */
	FIELD_NOTICE, /* enum notice, by name */
	FIELD_WORKER, /* enum worker_kind, by name */
	FIELD_WEAR,   /* enum wear, by name */
};

struct field {
	const char *name;
	size_t offset;
	enum field_type type;
	uint32_t bit;  /* kinds use a set of these */
	bool optional; /* not FIELD_BOOL: left out if it is zero */
};

struct kind {
	const char *name;
	uint32_t fields; /* bits of the fields it uses */
};

struct names {
	const struct kind *kinds;
	unsigned kinds_n;
	const struct field *fields;
	unsigned fields_n;
};

extern const struct names trace_event_names;
extern const struct names trace_action_names;
extern const char *const trace_change_names[];
extern const unsigned trace_change_names_n;
extern const char *const trace_wear_names[];
extern const unsigned trace_wear_names_n;
extern const char *const trace_notice_names[];
extern const unsigned trace_notice_names_n;
extern const char *const trace_worker_names[];
extern const unsigned trace_worker_names_n;

#endif
