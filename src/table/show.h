/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_TABLE_SHOW_H
#define OSTLER_TABLE_SHOW_H

#include "table/diff.h"

struct service;
struct text_builder;

/*
 * show - what differs between two rows, in the words of ostler.conf(5)
 *
 * Knows:   the setting that each member of a row comes from, and its unit.
 * Decides: which members people need not hear of: those that follow from
 *          others.
 * Never:   is used to write a file: a value that was computed is shown, too.
 */
struct row_difference {
	enum row_change change;
	unsigned field;
};

#define ROW_DIFFERENCES_MAX 128

/* What differs, into OUT[ROW_DIFFERENCES_MAX]; how many. */
unsigned row_differences(const struct service *before,
	const struct service *after, struct row_difference *out);

/* The name of that setting. */
void row_put_name(struct text_builder *out, unsigned field);

/* The value of that setting in ROW, as the file would have it. */
void row_put_value(
	struct text_builder *out, const struct service *row, unsigned field);

#endif
