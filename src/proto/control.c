/* SPDX-License-Identifier: MIT */
#include "proto/control.h"

#include <assert.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"

struct verb_row {
	const char *words;
	bool takes_service;
	bool needs_owner;
	bool takes_path;
};

static const struct verb_row verbs[] = {
#define VERB(verb, words, takes_service, needs_owner, takes_path)              \
	[verb] = {words, takes_service, needs_owner, takes_path},
	CONTROL_VERBS(VERB)
#undef VERB
};
static const unsigned verbs_n = sizeof(verbs) / sizeof(verbs[0]);

static const struct verb_row *row_of(enum control_verb verb)
{
	assert((unsigned)verb < verbs_n);
	return &verbs[verb];
}

bool control_needs_owner(enum control_verb verb)
{
	return row_of(verb)->needs_owner;
}

const char *control_verb_words(enum control_verb verb)
{
	return row_of(verb)->words;
}

/* The Postfix dialect has names with / and : in them; blanks never. */
static bool is_name(struct text name)
{
	for (size_t i = 0; i < name.n; i++)
		if (!text_char_is_printable(name.bytes[i]) ||
			name.bytes[i] == ' ')
			return false;
	return name.n > 0 && name.n < CONTROL_NAME_MAX;
}

static const char *const scale_words[] = {
#define SCALE(scale, word) [scale] = word,
	CONTROL_SCALES(SCALE)
#undef SCALE
};

static bool parse_scale(struct text pair, struct control_request *out)
{
	struct text rest = pair;
	struct text word;
	uint64_t number;

	if (!text_cut(&rest, '=', &word))
		return false;
	for (unsigned i = 0; i < CONTROL_SCALES_N; i++) {
		if (!text_is(word, scale_words[i]))
			continue;
		if ((out->scales & 1u << i) ||
			number_parse(rest,
				(struct number_limits){0, CONTROL_SCALE_MOST},
				&number) != NUMBER_OK)
			return false;
		out->scales |= 1u << i;
		out->scale[i] = (uint32_t)number;
		return true;
	}
	return false;
}

bool control_parse_scale(const char *pair, struct control_request *out)
{
	return parse_scale(text_of(pair), out);
}

/* A service, and at least one of the words. */
static bool parse_scales(struct text rest, struct control_request *out)
{
	struct text word;

	if (!text_cut(&rest, ' ', &word) || !is_name(word))
		return false;
	memcpy(out->service, word.bytes, word.n);
	out->service[word.n] = '\0';
	while (text_cut(&rest, ' ', &word))
		if (!parse_scale(word, out))
			return false;
	return out->scales != 0;
}

/* The rest of the line, blanks and all. */
static bool parse_path(struct text rest, struct control_request *out)
{
	for (size_t i = 0; i < rest.n; i++)
		if (!text_char_is_printable(rest.bytes[i]))
			return false;
	if (rest.n == 0 || rest.n >= CONTROL_PATH_MAX)
		return false;
	memcpy(out->path, rest.bytes, rest.n);
	out->path[rest.n] = '\0';
	return true;
}

bool control_can_name(const char *path)
{
	struct control_request request;

	return parse_path(text_of(path), &request);
}

static bool parse_as(
	struct text line, enum control_verb verb, struct control_request *out)
{
	const struct verb_row *row = row_of(verb);
	struct text rest = line;
	struct text word;

	*out = (struct control_request){.verb = verb};
	if (text_is(line, row->words))
		return verb != CONTROL_VERB_SCALE;
	if ((!row->takes_service && !row->takes_path) ||
		!text_cut(&rest, ' ', &word) || !text_is(word, row->words))
		return false;
	if (row->takes_path)
		return parse_path(rest, out);
	if (verb == CONTROL_VERB_SCALE)
		return parse_scales(rest, out);
	if (!is_name(rest))
		return false;
	memcpy(out->service, rest.bytes, rest.n);
	out->service[rest.n] = '\0';
	return true;
}

enum control_parse control_parse_request(
	const char *bytes, size_t n, struct control_request *out)
{
	size_t most = n < CONTROL_REQUEST_MAX ? n : CONTROL_REQUEST_MAX;
	const char *end = most > 0 ? memchr(bytes, '\n', most) : NULL;
	struct control_request request;
	struct text line;

	if (end == NULL && n < CONTROL_REQUEST_MAX)
		return CONTROL_PARSE_MORE;
	if (end == NULL)
		return CONTROL_PARSE_TOO_LONG;
	line = (struct text){bytes, (size_t)(end - bytes)};
	for (unsigned i = 0; i < verbs_n; i++) {
		if (!parse_as(line, (enum control_verb)i, &request))
			continue;
		*out = request;
		return CONTROL_PARSE_OK;
	}
	return CONTROL_PARSE_UNKNOWN;
}

void control_put_request(
	struct text_builder *out, const struct control_request *request)
{
	text_put(out, control_verb_words(request->verb));
	if (request->service[0] != '\0') {
		assert(row_of(request->verb)->takes_service);
		assert(is_name(text_of(request->service)));
		text_put_char(out, ' ');
		text_put(out, request->service);
	}
	if (request->path[0] != '\0') {
		assert(row_of(request->verb)->takes_path);
		assert(control_can_name(request->path));
		text_put_char(out, ' ');
		text_put(out, request->path);
	}
	for (unsigned i = 0; i < CONTROL_SCALES_N; i++)
		if (request->scales & 1u << i)
			text_put_format(out, " %s=%u", scale_words[i],
				request->scale[i]);
	text_put_char(out, '\n');
}
