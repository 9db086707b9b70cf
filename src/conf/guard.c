/* SPDX-License-Identifier: MIT */
#include "conf/guard.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"

enum token {
	TOKEN_NONE, /* the beginning of the file */
	TOKEN_WORD,
	TOKEN_QUOTED,
	TOKEN_ASSIGN, /* = or += */
	TOKEN_LIST,   /* { behind an assignment */
	TOKEN_BLOCK,  /* any other { */
	TOKEN_CALL,   /* ( */
	TOKEN_OTHER,  /* } ) and , */
};

struct guard {
	struct text rest;
	unsigned line;
	char *text; /* in the arena; what is fit so far */
	size_t text_n;
	size_t text_size;
	size_t sound_n; /* of TEXT, up to the end of the last whole token */
	enum token last, before; /* the two tokens before this one */
	struct text last_text;	 /* of a word or quoted token, in TEXT */
	size_t word_at;		 /* where the last word begins in TEXT */
	size_t call_at;		 /* the same of the last NAME( */
	bool in_list;
	struct guarded *out;
	size_t blocks_size;
	struct arena *arena;
};

static char peek(const struct guard *guard, size_t ahead)
{
	return ahead < guard->rest.n ? guard->rest.bytes[ahead] : '\0';
}

static void emit(struct guard *guard, char c)
{
	assert(guard->text_n < guard->text_size);
	guard->text[guard->text_n++] = c;
}

static void skip(struct guard *guard, size_t n)
{
	assert(n <= guard->rest.n);
	guard->rest.bytes += n;
	guard->rest.n -= n;
}

static void keep(struct guard *guard, size_t n)
{
	for (size_t i = 0; i < n; i++)
		emit(guard, guard->rest.bytes[i]);
	skip(guard, n);
}

/* Always false, to be returned: nothing behind a fault is read. */
static bool fault(struct guard *guard, unsigned line, const char *problem,
	const char *remedy)
{
	guard->out->fault_line = line;
	guard->out->fault = problem;
	guard->out->remedy = remedy;
	return false;
}

static bool is_word_char(char c)
{
	return text_char_is_alnum(c) ||
	       (c != '\0' && strchr("._:/@%-", c) != NULL);
}

static bool is_comment(const struct guard *guard)
{
	char next = peek(guard, 1);

	return peek(guard, 0) == '#' ||
	       (peek(guard, 0) == '/' && (next == '/' || next == '*'));
}

static bool take_line_comment(struct guard *guard)
{
	while (guard->rest.n > 0 && peek(guard, 0) != '\n')
		skip(guard, 1);
	return true;
}

static bool take_block_comment(struct guard *guard)
{
	unsigned line = guard->line;

	skip(guard, 2);
	while (guard->rest.n > 0) {
		if (peek(guard, 0) == '*' && peek(guard, 1) == '/') {
			skip(guard, 2);
			emit(guard, ' ');
			return true;
		}
		if (peek(guard, 0) == '\n') {
			emit(guard, '\n');
			guard->line++;
		}
		skip(guard, 1);
	}
	return fault(guard, line, "a comment that does not end", "write */");
}

static bool is_hex(char c)
{
	return text_char_is_digit(c) || (c >= 'a' && c <= 'f') ||
	       (c >= 'A' && c <= 'F');
}

/* The length of the escape sequence at the beginning, or 0 if it is none. */
static size_t escape_length(const struct guard *guard)
{
	char c = peek(guard, 1);
	bool zero = peek(guard, 2) == '0' && peek(guard, 3) == '0';

	if (c != '\0' && strchr("\\\"nrt", c) != NULL)
		return 2;
	if (c == 'x' && is_hex(peek(guard, 2)) && is_hex(peek(guard, 3)))
		return zero ? 0 : 4;
	return 0;
}

/* One character between double quotes. */
static bool take_double_quoted_char(struct guard *guard)
{
	size_t n = 1;

	if (peek(guard, 0) == '\\') {
		n = escape_length(guard);
		if (n == 0)
			return fault(guard, guard->line,
				"an escape sequence that is not known",
				"write \\\\ \\\" \\n \\r \\t or \\xHH");
	}
	if (peek(guard, 0) == '$') {
		/* Else ${NAME} would be replaced from the environment. */
		for (const char *c = "\\x24"; *c != '\0'; c++)
			emit(guard, *c);
		skip(guard, 1);
		return true;
	}
	keep(guard, n);
	return true;
}

static bool take_single_quoted_char(struct guard *guard)
{
	char next = peek(guard, 1);
	bool pair = peek(guard, 0) == '\\' && (next == '\\' || next == '\'');

	keep(guard, pair ? 2 : 1);
	return true;
}

static bool take_quoted(struct guard *guard)
{
	char quote = peek(guard, 0);
	size_t start;

	keep(guard, 1);
	start = guard->text_n;
	while (guard->rest.n > 0 && peek(guard, 0) != '\n') {
		char c = peek(guard, 0);
		bool good;

		if (c == quote) {
			guard->last_text = (struct text){
				guard->text + start, guard->text_n - start};
			keep(guard, 1);
			return true;
		}
		if ((unsigned char)c < ' ' && c != '\t')
			return fault(guard, guard->line,
				"a control character in a string",
				"write it as \\xHH, or remove it");
		good = quote == '"' ? take_double_quoted_char(guard)
				    : take_single_quoted_char(guard);
		if (!good)
			return false;
	}
	return fault(guard, guard->line,
		"a string that does not end on its line",
		quote == '"' ? "close it with \"" : "close it with '");
}

static bool take_word(struct guard *guard)
{
	size_t start = guard->text_n;

	guard->word_at = start;
	while (is_word_char(peek(guard, 0))) {
		if (peek(guard, 0) == '/' && peek(guard, 1) == '/')
			return fault(guard, guard->line,
				"a word with // in it, which is a comment to "
				"some",
				"put it between quotes");
		keep(guard, 1);
	}
	guard->last_text =
		(struct text){guard->text + start, guard->text_n - start};
	return true;
}

/* Room for one more block, by doubling. */
static bool grow_blocks(struct guard *guard)
{
	struct guarded *out = guard->out;
	size_t size = guard->blocks_size == 0 ? 16 : guard->blocks_size * 2;
	struct guard_block *blocks;

	if (out->blocks_n < guard->blocks_size)
		return true;
	blocks = arena_array(guard->arena, size, sizeof(*blocks));
	if (blocks == NULL)
		return false;
	if (out->blocks_n > 0)
		memcpy(blocks, out->blocks, out->blocks_n * sizeof(*blocks));
	out->blocks = blocks;
	guard->blocks_size = size;
	return true;
}

static bool open_block(struct guard *guard)
{
	struct guarded *out = guard->out;
	const char *name = arena_copy(guard->arena, guard->last_text);

	if (name == NULL || !grow_blocks(guard))
		return fault(guard, guard->line, "out of memory", NULL);
	out->blocks[out->blocks_n++] = (struct guard_block){name, guard->line};
	return true;
}

static bool has_name(struct guard *guard)
{
	if (guard->last == TOKEN_WORD)
		return true;
	return fault(guard, guard->line, "no name before '=' or '('",
		"write NAME = VALUE, the name without quotes");
}

static bool take_brace(struct guard *guard, enum token *out_token)
{
	bool is_list = guard->last == TOKEN_ASSIGN;
	bool is_block =
		guard->last == TOKEN_WORD || guard->last == TOKEN_QUOTED;

	keep(guard, 1);
	guard->in_list = is_list;
	*out_token = is_list ? TOKEN_LIST : TOKEN_BLOCK;
	return is_block ? open_block(guard) : true;
}

static void close_brace(struct guard *guard)
{
	struct guarded *out = guard->out;

	if (!guard->in_list && out->blocks_closed < out->blocks_n)
		out->blocks_closed++;
	guard->in_list = false;
}

static bool take_punctuation(struct guard *guard, enum token *out_token)
{
	char c = peek(guard, 0);
	size_t n = c == '+' ? 2 : 1;

	if (c == '{')
		return take_brace(guard, out_token);
	if (c == '}' && guard->last == TOKEN_LIST)
		return fault(guard, guard->line, "an empty list",
			"leave the setting out, or give it something");
	*out_token = TOKEN_OTHER;
	if (c == '}')
		close_brace(guard);
	if (c == '(')
		guard->call_at = guard->word_at;
	if (c == '(' || c == '=' || c == '+') {
		if (!has_name(guard))
			return false;
		*out_token = c == '(' ? TOKEN_CALL : TOKEN_ASSIGN;
	}
	keep(guard, n);
	return true;
}

static bool is_punctuation(const struct guard *guard)
{
	char c = peek(guard, 0);

	if (c == '+')
		return peek(guard, 1) == '=';
	return c != '\0' && strchr("{}()=,", c) != NULL;
}

/* A call is a name and one value between parentheses, whatever the name. */
static bool call_is_sound(struct guard *guard, char first, enum token token)
{
	bool in_call = guard->last == TOKEN_CALL;
	bool behind = guard->before == TOKEN_CALL;

	if (in_call && token != TOKEN_QUOTED && token != TOKEN_WORD)
		return fault(guard, guard->line, "nothing to include",
			"write include(\"FILE\")");
	if (behind && first != ')')
		return fault(guard, guard->line, "no ) behind the file's name",
			"write include(\"FILE\")");
	if (first == ')' && !behind)
		return fault(
			guard, guard->line, "a ) without its (", "remove it");
	return true;
}

static bool take_token(struct guard *guard)
{
	char first = peek(guard, 0);
	enum token token;
	bool good;

	if (first == '"' || first == '\'') {
		token = TOKEN_QUOTED;
		good = take_quoted(guard);
	} else if (is_word_char(first)) {
		token = TOKEN_WORD;
		good = take_word(guard);
	} else if (is_punctuation(guard)) {
		good = take_punctuation(guard, &token);
	} else {
		return fault(guard, guard->line,
			"a character that means nothing here",
			"put what it belongs to between quotes");
	}
	if (!good || !call_is_sound(guard, first, token))
		return false;
	guard->before = guard->last;
	guard->last = token;
	guard->sound_n = guard->text_n;
	return true;
}

static bool take_anything(struct guard *guard)
{
	char c = peek(guard, 0);

	if (c == '\n')
		guard->line++;
	if (c == '\n' || c == ' ' || c == '\t' || c == '\r') {
		emit(guard, c == '\r' ? ' ' : c);
		skip(guard, 1);
		return true;
	}
	if (is_comment(guard))
		return peek(guard, 1) == '*' && c == '/'
			       ? take_block_comment(guard)
			       : take_line_comment(guard);
	return take_token(guard);
}

/* Every $ may become four characters; nothing else grows. */
static size_t size_at_most(struct text bytes)
{
	size_t size = bytes.n + 1;

	for (size_t i = 0; i < bytes.n; i++)
		if (bytes.bytes[i] == '$')
			size += 3;
	return size;
}

static bool is_in_call(const struct guard *guard)
{
	return guard->last == TOKEN_CALL || guard->before == TOKEN_CALL;
}

/* libconfuse takes the end of the file for any } that is missing. */
static bool check_end(struct guard *guard)
{
	const struct guarded *out = guard->out;

	if (is_in_call(guard))
		return call_is_sound(guard, '\0', TOKEN_OTHER);
	if (guard->in_list)
		return fault(guard, guard->line, "a list that does not end",
			"close it with }");
	if (out->blocks_closed < out->blocks_n)
		return fault(guard, out->blocks[out->blocks_n - 1].line,
			"a block that does not end", "close it with }");
	return true;
}

static bool take_all(struct guard *guard)
{
	if (text_starts_with(guard->rest, "\xef\xbb\xbf"))
		skip(guard, 3); /* the byte order mark of some editors */
	while (guard->rest.n > 0)
		if (!take_anything(guard))
			return false;
	return check_end(guard);
}

bool guard_bytes(struct arena *arena, struct text bytes, struct guarded *out)
{
	struct guard guard = {.rest = bytes, .line = 1, .arena = arena};

	*out = (struct guarded){0};
	guard.out = out;
	guard.text_size = size_at_most(bytes);
	guard.text = arena_alloc(arena, guard.text_size);
	if (guard.text == NULL)
		return false;
	/*
	 * Of what is at fault libconfuse sees nothing: it would print half an
	 * escape sequence, and leak half a call. It finds the end of the file
	 * there, and what it says about that is not worth telling.
	 */
	if (!take_all(&guard))
		guard.text_n =
			is_in_call(&guard) ? guard.call_at : guard.sound_n;
	emit(&guard, '\0');
	out->text = guard.text;
	return !arena_is_exhausted(arena);
}
