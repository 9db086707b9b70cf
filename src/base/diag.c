/* SPDX-License-Identifier: MIT */
#include "base/diag.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"

void diags_init(struct diags *diags, struct arena *arena)
{
	assert(arena != NULL);
	*diags = (struct diags){.arena = arena};
}

static bool grow(struct diags *diags)
{
	size_t size = diags->size == 0 ? 16 : diags->size * 2;
	struct diag *items;

	if (diags->n < diags->size)
		return true;
	items = arena_array(diags->arena, size, sizeof(*items));
	if (items == NULL)
		return false;
	if (diags->n > 0)
		memcpy(items, diags->items, diags->n * sizeof(*items));
	diags->items = items;
	diags->size = size;
	return true;
}

/* A copy of STRING, which may be NULL; false if there was no memory for it. */
static bool keep(struct arena *arena, const char **string)
{
	if (*string == NULL)
		return true;
	*string = arena_copy(arena, text_of(*string));
	return *string != NULL;
}

void diags_add(struct diags *diags, const struct diag *diag)
{
	struct diag copy = *diag;

	assert(diag->problem != NULL);
	if (diag->severity == DIAG_ERROR)
		diags->errors_n++;
	else
		diags->warnings_n++;
	if (!keep(diags->arena, &copy.file) ||
		!keep(diags->arena, &copy.service) ||
		!keep(diags->arena, &copy.problem) ||
		!keep(diags->arena, &copy.remedy) || !grow(diags))
		return;
	diags->items[diags->n++] = copy;
}

static bool is_later(const struct diag *a, const struct diag *b)
{
	int files = strcmp(
		a->file == NULL ? "" : a->file, b->file == NULL ? "" : b->file);

	return files != 0 ? files > 0 : a->line > b->line;
}

/* Two sorted runs of FROM, up to MIDDLE and up to END, into one of TO. */
static void merge(const struct diag *from, struct diag *to, size_t begin,
	size_t middle, size_t end)
{
	size_t left = begin, right = middle;

	for (size_t i = begin; i < end; i++) {
		bool take_right =
			left == middle ||
			(right < end && is_later(&from[left], &from[right]));

		to[i] = take_right ? from[right++] : from[left++];
	}
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

void diags_sort(struct diags *diags)
{
	struct diag *from = diags->items;
	struct diag *to = arena_array(diags->arena, diags->size, sizeof(*to));

	if (to == NULL)
		return; /* then they are told in the order of finding */
	for (size_t run = 1; run < diags->n; run *= 2) {
		struct diag *sorted = to;

		for (size_t i = 0; i < diags->n; i += 2 * run)
			merge(from, to, i, least(i + run, diags->n),
				least(i + 2 * run, diags->n));
		to = from;
		from = sorted;
	}
	diags->items = from;
}

void diag_put(struct text_builder *builder, const struct diag *diag)
{
	if (diag->file != NULL) {
		text_put_printable(builder, text_of(diag->file));
		text_put_char(builder, ':');
		if (diag->line > 0) {
			text_put_number(builder, diag->line);
			text_put_char(builder, ':');
		}
		text_put_char(builder, ' ');
	}
	if (diag->severity == DIAG_WARNING)
		text_put(builder, "warning: ");
	if (diag->service != NULL) {
		text_put(builder, "service '");
		text_put_printable(builder, text_of(diag->service));
		text_put(builder, "': ");
	}
	text_put_printable(builder, text_of(diag->problem));
	if (diag->remedy != NULL) {
		text_put(builder, "; ");
		text_put_printable(builder, text_of(diag->remedy));
	}
}
