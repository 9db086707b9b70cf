/* SPDX-License-Identifier: MIT */
#include "conf/postfix_import.h"

#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "conf/maincf.h"
#include "conf/postfix_report.h"
#include "conf/postfix_word.h"

static const char setting[] = "import_environment";

static bool refuse(const struct postfix_report *report,
	const struct maincf *maincf, const char *what, struct text word)
{
	bool is_braces = strchr(what, '}') != NULL;

	postfix_say(report,
		&(struct postfix_remark){.severity = POSTFIX_FATAL,
			.form = POSTFIX_BARE,
			.line = maincf_line(maincf, setting),
			.remedy = "write NAME, NAME=VALUE or { NAME = VALUE }"},
		is_braces ? "%s: %s in \"%.*s\"" : "%s: %s in: %.*s",
		is_braces ? setting : "clean_env", what, (int)word.n,
		word.bytes);
	return false;
}

/* "NAME", or "NAME = VALUE". */
static bool read_item(
	struct arena *arena, struct text word, struct postfix_variable *out)
{
	struct text value = word, name;

	*out = (struct postfix_variable){0};
	if (!text_cut(&value, '=', &name) || postfix_trim(name).n == 0)
		return false;
	out->name = arena_copy(arena, postfix_trim(name));
	if (value.bytes != NULL)
		out->value = arena_copy(arena, postfix_trim(value));
	return true;
}

bool postfix_import_read(struct arena *arena, const struct maincf *maincf,
	const struct postfix_report *report, struct postfix_import *out)
{
	struct text rest =
		text_of(maincf_text(maincf, POSTFIX_import_environment));
	struct postfix_variable *items =
		arena_array(arena, rest.n / 2 + 2, sizeof(*items));
	bool good = items != NULL;
	struct text word;

	*out = (struct postfix_import){.items = items};
	while (items != NULL) {
		switch (postfix_cut_word(
			&rest, POSTFIX_LIST_SEPARATORS, &word)) {
		case POSTFIX_WORD_END:
			return good && !arena_is_exhausted(arena);
		case POSTFIX_WORD_UNCLOSED:
			good = refuse(report, maincf, "missing '}'", word);
			break;
		case POSTFIX_WORD_FOLLOWED:
			good = refuse(
				report, maincf, "syntax error after '}'", word);
			break;
		case POSTFIX_WORD:
			if (read_item(arena, word, &items[out->n]))
				out->n++;
			else
				good = refuse(report, maincf,
					"missing attribute name", word);
			break;
		}
	}
	return false;
}
