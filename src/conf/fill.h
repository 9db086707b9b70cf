/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CONF_FILL_H
#define OSTLER_CONF_FILL_H

struct arena;
struct block;
struct conf_request;
struct diags;
struct service;
struct table;

/*
 * fill - what was given, or its default, into the rows
 *
 * Knows:   which setting is which field.
 * Decides: what goes together within one service.
 * Never:   looks at two services at a time: the table does.
 */

/* The settings outside of all blocks, into TABLE and its arena. */
void fill_table(const struct conf_request *request, const struct block *globals,
	struct table *table, struct diags *diags);

/* One block into OUT, its strings into the arena of TABLE. */
void fill_service(const struct conf_request *request, const struct block *block,
	const struct table *table, struct diags *diags, struct service *out);

#endif
