/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CONF_POSTFIX_PORTS_H
#define OSTLER_CONF_POSTFIX_PORTS_H

#include "base/text.h"

struct arena;
struct maincf;
struct postfix_report;

/*
 * postfix_ports - known_tcp_ports: NAME=PORT, or NAME=NAME=PORT, with commas
 *
 * Knows:   the list.
 * Decides: which of its items count: one that is wrong is warned about, and
 *          is as if it were not there.
 * Never:   looks into the services database.
 */

/* The items that count, for postfix_ports_find(); NULL if memory ran out. */
const char *postfix_ports_check(struct arena *arena,
	const struct maincf *maincf, const struct postfix_report *report);

/* The port of NAME, or 0. */
unsigned postfix_ports_find(const char *ports, struct text name);

#endif
