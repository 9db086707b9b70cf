/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_BASE_SAVED_H
#define OSTLER_BASE_SAVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct arena;

/*
 * saved - structs as lines of text, and back
 *
 * Knows:   a document: a first line with its format and version, lines of
 *          "kind key=value ...", a last one with their count and a checksum.
 * Decides: what is refused: a version, a kind or a key that is not known, a
 *          key said twice, a value out of its range, a line too few or too
 *          many, a bit that was turned.
 * Never:   trusts what it reads, or ends the program for it. What is zero is
 *          not written, so what is not there is zero: a newer reader takes an
 *          older document, and an older one refuses only what it would lose.
 */
enum saved_type {
	SAVED_U16,
	SAVED_U32,
	SAVED_U64,
	SAVED_BOOL,
	SAVED_INT,   /* int; not negative */
	SAVED_ENUM,  /* an enum without negative values */
	SAVED_TEXT,  /* const char *, or NULL; of the reader's arena */
	SAVED_LIST,  /* const char *const *, NULL-terminated; or NULL */
	SAVED_BYTES, /* an array of max bytes, in hexadecimal */
};

struct saved_field {
	const char *key;
	size_t offset;
	enum saved_type type;
	uint64_t max; /* of a number; the size of bytes */
};

/* The field MEMBER of struct STRUCT_TYPE; MAX as above. */
#define SAVED(struct_type, key, member, type, max)                             \
	{                                                                      \
		key, offsetof(struct struct_type, member), type, max           \
	}

#define SAVED_FIELDS_MAX 256

/* One kind of line: what it is called, and what is in it. */
struct saved_kind {
	const char *word;
	const struct saved_field *fields;
	unsigned fields_n;
};

#define SAVED_KIND(word, fields)                                               \
	{                                                                      \
		word, fields, sizeof(fields) / sizeof((fields)[0])             \
	}

/* ---- writing: into a builder that overflows if it is too small ------------- */

/* The first line. FORMAT is a word, "ostler-state" say. */
void saved_begin(
	struct text_builder *out, const char *format, unsigned version);

/* The line of OBJECT. */
void saved_put(struct text_builder *out, const struct saved_kind *kind,
	const void *object);

/* The last line: of everything in OUT, which saved_begin() began. */
void saved_end(struct text_builder *out);

/* ---- reading ----------------------------------------------------------------- */

struct saved_reader {
	struct text rest;    /* borrowed; lines that are not read yet */
	struct arena *arena; /* borrowed; for texts and lists; or NULL */
	unsigned line;	     /* of the last one read, from 1 */
	const char *problem; /* a sentence, once something was refused */
};

/*
 * Check the first line, the last one and the sum, and stand before what is
 * between. DOCUMENT has to stay until the reader is done. What is read into
 * texts and lists is in ARENA.
 */
bool saved_open(struct saved_reader *reader, struct text document,
	const char *format, unsigned version, struct arena *arena);

/* The same for lines that are no document: nothing is checked. */
void saved_lines(
	struct saved_reader *reader, struct text lines, struct arena *arena);

/* The next line is of this kind. */
bool saved_is(const struct saved_reader *reader, const struct saved_kind *kind);

/* Nothing is left. False too once something was refused. */
bool saved_is_end(const struct saved_reader *reader);

/*
 * Take the next line, which has to be of this KIND, into OBJECT, whose bytes
 * the caller has made zero. False: refused, and problem says why.
 */
bool saved_take(struct saved_reader *reader, const struct saved_kind *kind,
	void *object);

/* Refuse for PROBLEM, a sentence that stays; the first one counts. */
bool saved_refuse(struct saved_reader *reader, const char *problem);

#endif
