/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CONF_POSTFIX_INDEX_H
#define OSTLER_CONF_POSTFIX_INDEX_H

#include "base/text.h"

struct arena;

/*
 * postfix_index - things by their names
 *
 * Knows:   one thing for each name.
 * Decides: nothing.
 * Never:   copies a name or a thing: both belong to the caller.
 */
struct postfix_index;

/* NULL if there is no memory. */
struct postfix_index *postfix_index_create(struct arena *arena);

/* NULL: none. */
void *postfix_index_find(const struct postfix_index *index, struct text name);

/* In the place of the thing that had this name, if one had. */
void postfix_index_put(
	struct postfix_index *index, const char *name, void *thing);

#endif
