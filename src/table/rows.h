/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_TABLE_ROWS_H
#define OSTLER_TABLE_ROWS_H

struct saved_reader;
struct table;
struct text_builder;

/*
 * rows - a table as lines of text, so that another master has the same
 *
 * Knows:   every member of a table, its rows and their endpoints.
 * Decides: nothing: what was once accepted is not asked again, but no number
 *          is outside of its range, and no row without its parts.
 * Never:   opens a file: a table that was loaded is the one that was in force,
 *          whatever the files say by now.
 */

/* Append the lines of TABLE; what a dialect keeps beside it is not in them. */
void table_save(const struct table *table, struct text_builder *out);

/*
 * A table of the lines that come next; the caller destroys it. NULL: refused,
 * and the reader says why.
 */
struct table *table_load(struct saved_reader *reader);

#endif
