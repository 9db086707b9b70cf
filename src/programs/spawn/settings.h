/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SPAWN_SETTINGS_H
#define OSTLER_SPAWN_SETTINGS_H

#include "programs/spawn/program.h"

/*
 * settings - the command line of ostler-spawn
 *
 * Knows:   the options, their defaults and units.
 * Decides: whether the command line makes sense.
 * Never:   looks at anything but its words.
 */

struct settings {
	struct program_plan plan;
	unsigned dialects;
	unsigned clients_max; /* programs at once */
};

extern const char settings_usage[];

/* False: the reason is on stderr. */
bool settings_parse(struct settings *out, int argc, char **argv);

#endif
