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

/* Insertion: complaints are few, nearly in order, and must keep ties. */
void diags_sort(struct diags *diags)
{
	for (size_t i = 1; i < diags->n; i++) {
		struct diag diag = diags->items[i];
		size_t at = i;

		while (at > 0 && is_later(&diags->items[at - 1], &diag)) {
			diags->items[at] = diags->items[at - 1];
			at--;
		}
		diags->items[at] = diag;
	}
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
