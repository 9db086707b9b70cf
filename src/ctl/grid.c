/* SPDX-License-Identifier: MIT */
#include "ctl/grid.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/text.h"
#include "proto/control.h"

static const char *const colours[] = {
	[GRID_PLAIN] = "",
	[GRID_GOOD] = "\x1b[32m",
	[GRID_POOR] = "\x1b[33m",
	[GRID_BAD] = "\x1b[31m",
};
static const char colour_off[] = "\x1b[0m";

void grid_init(struct grid *grid, const struct grid_column *columns,
	unsigned columns_n)
{
	assert(columns_n <= GRID_COLUMNS_MAX);
	*grid = (struct grid){
		.arena = arena_create(0),
		.columns = columns,
		.columns_n = columns_n,
	};
	grid->exhausted = grid->arena == NULL;
}

struct grid_row *grid_add(struct grid *grid)
{
	static struct grid_row nowhere;

	if (grid->n == grid->size && !grid->exhausted) {
		size_t size = grid->size > 0 ? 2 * grid->size : 64;
		struct grid_row *rows =
			reallocarray(grid->rows, size, sizeof(*rows));

		if (rows != NULL) {
			grid->rows = rows;
			grid->size = size;
		}
		grid->exhausted = rows == NULL;
	}
	if (grid->exhausted)
		return &nowhere;
	grid->rows[grid->n] = (struct grid_row){.note = NULL};
	return &grid->rows[grid->n++];
}

static const char *cell(struct grid *grid, const char *made)
{
	if (made == NULL)
		grid->exhausted = true;
	return made != NULL ? made : "";
}

const char *grid_text(struct grid *grid, const char *text)
{
	struct text raw = text_of(text);
	struct text_builder builder;
	size_t size = 4 * raw.n + 1;
	char *shown = grid->exhausted ? NULL : arena_alloc(grid->arena, size);

	if (shown == NULL)
		return cell(grid, NULL);
	text_builder_init(&builder, shown, size);
	text_put_printable(&builder, raw);
	return shown;
}

const char *grid_number(struct grid *grid, uint64_t number)
{
	if (number == CONTROL_UNKNOWN)
		return "-";
	return grid_format(grid, "%" PRIu64, number);
}

const char *grid_format(struct grid *grid, const char *format, ...)
{
	char line[CONTROL_LINE_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	return grid_text(grid, line);
}

static const char *shown_cell(const struct grid_row *row, unsigned column)
{
	return row->cells[column] != NULL ? row->cells[column] : "";
}

static void measure(const struct grid *grid, size_t *width)
{
	for (unsigned c = 0; c < grid->columns_n; c++)
		width[c] = strlen(grid->columns[c].title);
	for (size_t r = 0; r < grid->n; r++) {
		if (grid->rows[r].note != NULL)
			continue;
		for (unsigned c = 0; c < grid->columns_n; c++) {
			size_t n = strlen(shown_cell(&grid->rows[r], c));

			if (n > width[c])
				width[c] = n;
		}
	}
}

/* No blanks at the end of a line: COLUMNS is where the row really ends. */
static unsigned used_columns(
	const struct grid *grid, const struct grid_row *row)
{
	unsigned n = grid->columns_n;

	while (n > 0 && shown_cell(row, n - 1)[0] == '\0')
		n--;
	return n;
}

static void print_row(const struct grid *grid, const struct grid_row *row,
	const size_t *width, FILE *stream, bool colour)
{
	unsigned n = used_columns(grid, row);

	for (unsigned c = 0; c < n; c++) {
		const char *text = shown_cell(row, c);
		bool last = c + 1 == grid->columns_n;
		int pad = (int)width[c];

		if (c > 0)
			fputs("  ", stream);
		if (last && colour && row->colour != GRID_PLAIN)
			fprintf(stream, "%s%s%s", colours[row->colour], text,
				colour_off);
		else if (grid->columns[c].right)
			fprintf(stream, "%*s", pad, text);
		else
			fprintf(stream, "%-*s", c + 1 == n ? 0 : pad, text);
	}
	fputc('\n', stream);
}

void grid_print(const struct grid *grid, FILE *stream, bool colour)
{
	size_t width[GRID_COLUMNS_MAX];
	struct grid_row head = {.note = NULL};

	assert(!grid->exhausted);
	measure(grid, width);
	for (unsigned c = 0; c < grid->columns_n; c++)
		head.cells[c] = grid->columns[c].title;
	print_row(grid, &head, width, stream, false);
	for (size_t r = 0; r < grid->n; r++)
		if (grid->rows[r].note != NULL)
			fprintf(stream, "    %s\n", grid->rows[r].note);
		else
			print_row(grid, &grid->rows[r], width, stream, colour);
}

void grid_finish(struct grid *grid)
{
	arena_destroy(grid->arena);
	grid->arena = NULL;
	free(grid->rows);
	grid->rows = NULL;
	grid->n = 0;
	grid->size = 0;
}

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0';
}

bool grid_may_colour(void)
{
	const char *terminal = getenv("TERM");

	if (is_set("NO_COLOR"))
		return false;
	if (is_set("CLICOLOR_FORCE"))
		return strcmp(getenv("CLICOLOR_FORCE"), "0") != 0;
	if (terminal != NULL && strcmp(terminal, "dumb") == 0)
		return false;
	return isatty(STDOUT_FILENO) == 1;
}
