/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CONF_POSTFIX_INET_H
#define OSTLER_CONF_POSTFIX_INET_H

#include <stdbool.h>

#include "base/text.h"

struct arena;
struct endpoint;
struct postfix_network;

/*
 * postfix_inet - the name of an inet service: host, port, or both
 *
 * Knows:   "port", ":port", "host:port", "[host]:port", "[ipv6:addr]:port".
 * Decides: where clients of such a service knock, and what it is called
 *          whichever way it is written.
 * Never:   names a file or a line.
 */
struct postfix_inet {
	struct endpoint *endpoints; /* without file and line */
	unsigned endpoints_n;
	const char *canonical; /* "25", "[127.0.0.1]:25", "[localhost]:25" */
	bool is_local;	       /* every address is a loopback address */
};

struct postfix_inet_fault {
	struct text_builder problem; /* in Postfix's words, where it has some */
	const char *remedy;	     /* or NULL */
	bool is_bare;		     /* Postfix does not say where that was */
};

/* False, and why in FAULT. Memory is ARENA's. */
bool postfix_inet_parse(struct arena *arena,
	const struct postfix_network *network, const char *name,
	struct postfix_inet *out, struct postfix_inet_fault *fault);

#endif
