/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CORE_TRACE_H
#define OSTLER_CORE_TRACE_H

#include <stdbool.h>
#include <stddef.h>

struct action;
struct event;

/*
 * trace - events and actions as lines of text, and back
 *
 * Knows:   a name for every kind and every field it uses:
 *          "clients service=3 depth=5", "spawn service=3 slot=0 serial=7".
 * Decides: nothing.
 * Never:   loses a field that the kind uses: parsing what was printed gives
 *          the same value, and fields that it does not use are zero.
 */
#define TRACE_LINE_MAX 1024

/* Write one line without its newline; the length, as snprintf() gives it. */
size_t trace_event(const struct event *event, char *out, size_t room);
size_t trace_action(const struct action *action, char *out, size_t room);

/* False if the line is none; *OUT is then unchanged. */
bool trace_parse_event(const char *line, struct event *out);
bool trace_parse_action(const char *line, struct action *out);

#endif
