/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CONF_POSTFIX_WORD_H
#define OSTLER_CONF_POSTFIX_WORD_H

#include <stdbool.h>

#include "base/text.h"

/*
 * postfix_word - how Postfix cuts a line into fields, words and items
 *
 * Knows:   white space, separators, and braces that keep them together.
 * Decides: nothing.
 * Never:   knows of quotes or escapes: there are none.
 */
#define POSTFIX_BLANKS " \t\r\n"
#define POSTFIX_LIST_SEPARATORS ", \t\r\n"

/* As isspace() has it in the C locale. */
bool postfix_is_space(char c);

/* Letters, digits and _: what names of parameters are made of. */
bool postfix_is_name(char c);

bool postfix_is_digits(struct text text);

/* The same letters, whatever their case. */
bool postfix_same_word(struct text a, struct text b);

struct text postfix_trim(struct text text);

/* What is behind the first N bytes. */
struct text postfix_behind(struct text text, size_t n);

/* The next piece between SEPARATORS; false if there is none. */
bool postfix_cut_field(
	struct text *rest, const char *separators, struct text *out_field);

/* The part of TEXT, which begins with OPEN, up to its CLOSE; 0: none. */
size_t postfix_balanced(struct text text, char open, char close);

enum postfix_word_result {
	POSTFIX_WORD,
	POSTFIX_WORD_END,      /* there is no more */
	POSTFIX_WORD_UNCLOSED, /* missing '}' */
	POSTFIX_WORD_FOLLOWED, /* something stands right behind the '}' */
};

/*
 * The next piece between SEPARATORS that are not within braces. One that
 * begins with a brace comes without its braces and the blanks inside them; if
 * that is impossible, *OUT_WORD is what is wrong.
 */
enum postfix_word_result postfix_cut_word(
	struct text *rest, const char *separators, struct text *out_word);

#endif
