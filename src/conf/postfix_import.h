/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CONF_POSTFIX_IMPORT_H
#define OSTLER_CONF_POSTFIX_IMPORT_H

#include <stdbool.h>

struct arena;
struct maincf;
struct postfix_report;

/*
 * postfix_import - import_environment: NAME, NAME=VALUE, { NAME = VALUE }
 *
 * Knows:   which variables the master keeps, and which it sets.
 * Decides: nothing.
 * Never:   reads or changes an environment.
 */
struct postfix_variable {
	const char *name;
	const char *value; /* NULL: as the master found it, if it did */
};

struct postfix_import {
	const struct postfix_variable *items;
	unsigned n;
};

/* False, with complaints, if an item cannot be understood. */
bool postfix_import_read(struct arena *arena, const struct maincf *maincf,
	const struct postfix_report *report, struct postfix_import *out);

#endif
