/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CTL_GRID_H
#define OSTLER_CTL_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct arena;

/*
 * grid - rows of cells, as wide as they need to be
 *
 * Knows:   the cells, printable already, and the notes between the rows.
 * Decides: the width of the columns.
 * Never:   cuts a cell off.
 */
enum { GRID_COLUMNS_MAX = 8 };

enum grid_colour {
	GRID_PLAIN,
	GRID_GOOD,
	GRID_POOR,
	GRID_BAD,
};

struct grid_column {
	const char *title;
	bool right; /* numbers */
};

struct grid_row {
	const char *cells[GRID_COLUMNS_MAX]; /* NULL: empty */
	const char *note;	 /* instead of the cells, a line by itself */
	enum grid_colour colour; /* of the last cell */
};

struct grid {
	struct arena *arena;		   /* owned */
	const struct grid_column *columns; /* borrowed */
	unsigned columns_n;
	struct grid_row *rows; /* owned */
	size_t n;
	size_t size;
	bool exhausted; /* memory ran out: nothing of it may be shown */
};

void grid_init(struct grid *grid, const struct grid_column *columns,
	unsigned columns_n);

/* Add an empty row. Never NULL, valid until the next one is added. */
struct grid_row *grid_add(struct grid *grid);

/* Cells: TEXT made printable; NUMBER, or "-" if it is CONTROL_UNKNOWN. */
const char *grid_text(struct grid *grid, const char *text);
const char *grid_number(struct grid *grid, uint64_t number);
const char *grid_format(struct grid *grid, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

void grid_print(const struct grid *grid, FILE *stream, bool colour);

void grid_finish(struct grid *grid);

/* stdout is a terminal, and neither NO_COLOR nor TERM=dumb is against it. */
bool grid_may_colour(void);

#endif
