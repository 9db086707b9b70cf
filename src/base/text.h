/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_BASE_TEXT_H
#define OSTLER_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * text - views of bytes, a bounded builder, and records of key=value
 *
 * Knows:   how long a piece of text is, and how a value is written so that
 *          it stays on one line, in ASCII, and comes back byte for byte.
 * Decides: nothing.
 * Never:   allocates, or writes behind the end of the caller's buffer. What
 *          did not fit is remembered, not written.
 */
struct text {
	const char *bytes; /* borrowed; not NUL-terminated, unless said so */
	size_t n;
};

/* A view of a NUL-terminated string; NULL is the empty text. */
struct text text_of(const char *string);

bool text_equal(struct text a, struct text b);
bool text_is(struct text text, const char *string);
bool text_starts_with(struct text text, const char *prefix);

/* Without the blanks (space, tab, CR, NL) at both ends. */
struct text text_trim(struct text text);

/*
 * Cut the piece before the next SEPARATOR off *REST and step behind it;
 * false when *REST was used up. Two separators in a row enclose an empty piece.
 */
bool text_cut(struct text *rest, char separator, struct text *out_piece);

/* ASCII, whatever the locale says. */
bool text_char_is_digit(char c);
bool text_char_is_lower(char c);
bool text_char_is_alnum(char c);
bool text_char_is_printable(char c);

/*
 * A text that grows in a buffer of the caller's, always NUL-terminated. Once
 * something did not fit, overflow stays true and nothing more is added: what
 * is there is a clean beginning of what was meant.
 */
struct text_builder {
	char *bytes; /* borrowed */
	size_t size; /* with the NUL; at least 1 */
	size_t n;    /* without the NUL */
	bool overflow;
};

void text_builder_init(struct text_builder *builder, char *buffer, size_t size);

/* Empty it again; the buffer stays. */
void text_builder_reset(struct text_builder *builder);

struct text text_built(const struct text_builder *builder);

void text_put(struct text_builder *builder, const char *string);
void text_put_text(struct text_builder *builder, struct text text);
void text_put_char(struct text_builder *builder, char c);
void text_put_number(struct text_builder *builder, uint64_t number);
void text_put_format(struct text_builder *builder, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * The one way a value is written in the log, on the control socket and in the
 * state that is handed over. Bare, if it is not empty and has nothing but
 * letters, digits and . _ : / @ % + , - [ ] *; else between double quotes,
 * with \" \\ \n \t, and \xHH for every other byte that is not printable ASCII.
 */
void text_put_value(struct text_builder *builder, struct text value);

/* The same, but always between quotes: how complaints show strangers' text. */
void text_put_quoted(struct text_builder *builder, struct text value);

/* What would be between the quotes. */
void text_put_escaped(struct text_builder *builder, struct text value);

/*
 * For people's eyes, not to be read back: printable ASCII as it is, and \xHH
 * for every other byte, so that a name from outside cannot talk to a terminal.
 */
void text_put_printable(struct text_builder *builder, struct text text);

/*
 * " KEY=VALUE", with the blank only if there is something before it on the
 * line. KEY is ours: lower-case letters, digits, _ and -, a letter first. It
 * is all there or not at all.
 */
void text_put_key_value(
	struct text_builder *builder, const char *key, const char *value);
void text_put_key_text(
	struct text_builder *builder, const char *key, struct text value);
void text_put_key_number(
	struct text_builder *builder, const char *key, uint64_t number);

enum text_next {
	TEXT_NEXT_PAIR, /* one more was read */
	TEXT_NEXT_END,	/* the record ended as it should */
	TEXT_NEXT_BAD,	/* not what the functions above write, or no room */
};

/* The word a record begins with (its kind), and the blank behind it. */
bool text_next_word(struct text *record, struct text *out_word);

/*
 * Read one pair off *RECORD (a line without its newline). The value is
 * unescaped into STORE, behind what is there, and NUL-terminated, so one
 * store can hold all values of a record; it may have NULs inside. On
 * TEXT_NEXT_BAD the record is to be thrown away.
 */
enum text_next text_next_pair(struct text *record, struct text_builder *store,
	struct text *out_key, struct text *out_value);

#endif
