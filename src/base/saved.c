/* SPDX-License-Identifier: MIT */
#include "base/saved.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/number.h"

static const char end_word[] = "end";

/* FNV-1a: for accidents, not for enemies. */
static uint64_t sum_of(struct text text)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < text.n; i++) {
		sum ^= (unsigned char)text.bytes[i];
		sum *= UINT64_C(0x100000001b3);
	}
	return sum;
}

static uint64_t lines_of(struct text text)
{
	uint64_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += text.bytes[i] == '\n';
	return n;
}

/* The first and the last line. */
struct frame {
	uint64_t version;
	uint64_t lines;
	uint64_t sum;
};

static const struct saved_field first_fields[] = {
	SAVED(frame, "version", version, SAVED_U64, UINT64_MAX),
};
static const struct saved_field last_fields[] = {
	SAVED(frame, "lines", lines, SAVED_U64, UINT64_MAX),
	SAVED(frame, "sum", sum, SAVED_U64, UINT64_MAX),
};
static const struct saved_kind last_kind = SAVED_KIND(end_word, last_fields);

/* ---- one number ----------------------------------------------------------------- */

#define MEMBER(type, object, offset)                                           \
	(*(type const *)(const void *)((const char *)(object) + (offset)))
#define MEMBER_SET(type, object, offset, value)                                \
	(*(type *)(void *)((char *)(object) + (offset)) = (type)(value))

static uint64_t number_of(const struct saved_field *field, const void *object)
{
	switch (field->type) {
	case SAVED_U16:
		return MEMBER(uint16_t, object, field->offset);
	case SAVED_U32:
	case SAVED_ENUM:
		return MEMBER(uint32_t, object, field->offset);
	case SAVED_U64:
		return MEMBER(uint64_t, object, field->offset);
	case SAVED_BOOL:
		return MEMBER(bool, object, field->offset);
	case SAVED_INT:
		/* One below zero is written as what no reader accepts. */
		return (uint64_t)MEMBER(int, object, field->offset);
	case SAVED_TEXT:
	case SAVED_LIST:
	case SAVED_BYTES:
		break;
	}
	assert(false); /* those are no numbers */
	return 0;
}

static uint64_t type_max(enum saved_type type)
{
	switch (type) {
	case SAVED_U16:
		return UINT16_MAX;
	case SAVED_U32:
	case SAVED_ENUM:
		return UINT32_MAX;
	case SAVED_BOOL:
		return 1;
	case SAVED_INT:
		return INT32_MAX;
	case SAVED_U64:
	case SAVED_TEXT:
	case SAVED_LIST:
	case SAVED_BYTES:
		break;
	}
	return UINT64_MAX;
}

static void set_number(
	const struct saved_field *field, void *object, uint64_t number)
{
	switch (field->type) {
	case SAVED_U16:
		MEMBER_SET(uint16_t, object, field->offset, number);
		return;
	case SAVED_U32:
	case SAVED_ENUM:
		MEMBER_SET(uint32_t, object, field->offset, number);
		return;
	case SAVED_U64:
		MEMBER_SET(uint64_t, object, field->offset, number);
		return;
	case SAVED_BOOL:
		MEMBER_SET(bool, object, field->offset, number != 0);
		return;
	case SAVED_INT:
		MEMBER_SET(int, object, field->offset, number);
		return;
	case SAVED_TEXT:
	case SAVED_LIST:
	case SAVED_BYTES:
		break;
	}
	assert(false);
}

static bool take_number(
	const struct saved_field *field, void *object, struct text value)
{
	uint64_t most = type_max(field->type);
	struct number_limits limits = {
		0, field->max < most ? field->max : most};
	uint64_t number;

	if (number_parse(value, limits, &number) != NUMBER_OK)
		return false;
	set_number(field, object, number);
	return true;
}

/* ---- texts, lists, bytes -------------------------------------------------------- */

static void put_key(struct text_builder *out, const struct saved_field *field)
{
	text_put_char(out, ' ');
	text_put(out, field->key);
	text_put_char(out, '=');
}

static void put_number(struct text_builder *out,
	const struct saved_field *field, uint64_t number)
{
	put_key(out, field);
	text_put_number(out, number);
}

/* Each of them with a NUL behind it: an empty list is not none. */
static void put_list(struct text_builder *out, const struct saved_field *field,
	const char *const *list)
{
	put_key(out, field);
	text_put_char(out, '"');
	for (; *list != NULL; list++) {
		text_put_escaped(out, text_of(*list));
		text_put_escaped(out, (struct text){"", 1});
	}
	text_put_char(out, '"');
}

static void put_bytes(struct text_builder *out, const struct saved_field *field,
	const void *object)
{
	const uint8_t *bytes = (const uint8_t *)object + field->offset;
	unsigned any = 0;

	for (size_t i = 0; i < field->max; i++)
		any |= bytes[i];
	if (any == 0)
		return;
	put_key(out, field);
	for (size_t i = 0; i < field->max; i++)
		text_put_format(out, "%02x", bytes[i]);
}

static void put_field(struct text_builder *out, const struct saved_field *field,
	const void *object)
{
	uint64_t number;

	if (field->type == SAVED_TEXT) {
		const char *text = MEMBER(const char *, object, field->offset);

		if (text != NULL)
			text_put_key_value(out, field->key, text);
	} else if (field->type == SAVED_LIST) {
		const char *const *list =
			MEMBER(const char *const *, object, field->offset);

		if (list != NULL)
			put_list(out, field, list);
	} else if (field->type == SAVED_BYTES) {
		put_bytes(out, field, object);
	} else {
		number = number_of(field, object);
		if (number != 0)
			put_number(out, field, number);
	}
}

static int digit_of(char c)
{
	if (text_char_is_digit(c))
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool take_bytes(
	const struct saved_field *field, void *object, struct text value)
{
	uint8_t *bytes = (uint8_t *)object + field->offset;

	if (value.n != 2 * field->max)
		return false;
	for (size_t i = 0; i < field->max; i++) {
		int high = digit_of(value.bytes[2 * i]);
		int low = digit_of(value.bytes[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (uint8_t)(high * 16 + low);
	}
	return true;
}

static bool take_text(const struct saved_reader *reader,
	const struct saved_field *field, void *object, struct text value)
{
	const char *copy;

	if (memchr(value.bytes, '\0', value.n) != NULL)
		return false;
	copy = arena_copy(reader->arena, value);
	MEMBER_SET(const char *, object, field->offset, copy);
	return copy != NULL;
}

static bool take_list(const struct saved_reader *reader,
	const struct saved_field *field, void *object, struct text value)
{
	struct text piece;
	const char **list;
	size_t n = 0;

	if (value.n > 0 && value.bytes[value.n - 1] != '\0')
		return false;
	for (size_t i = 0; i < value.n; i++)
		n += value.bytes[i] == '\0';
	list = arena_array(reader->arena, n + 1, sizeof(*list));
	if (list == NULL)
		return false;
	for (size_t i = 0; i < n && text_cut(&value, '\0', &piece); i++) {
		list[i] = arena_copy(reader->arena, piece);
		if (list[i] == NULL)
			return false;
	}
	MEMBER_SET(const char *const *, object, field->offset, list);
	return true;
}

static bool take_field(const struct saved_reader *reader,
	const struct saved_field *field, void *object, struct text value)
{
	if (field->type == SAVED_TEXT)
		return take_text(reader, field, object, value);
	if (field->type == SAVED_LIST)
		return take_list(reader, field, object, value);
	if (field->type == SAVED_BYTES)
		return take_bytes(field, object, value);
	return take_number(field, object, value);
}

/* ---- writing ---------------------------------------------------------------------- */

void saved_put(struct text_builder *out, const struct saved_kind *kind,
	const void *object)
{
	assert(kind->fields_n <= SAVED_FIELDS_MAX);
	text_put(out, kind->word);
	for (unsigned i = 0; i < kind->fields_n; i++)
		put_field(out, &kind->fields[i], object);
	text_put_char(out, '\n');
}

void saved_begin(struct text_builder *out, const char *format, unsigned version)
{
	const struct saved_kind kind = SAVED_KIND(format, first_fields);

	assert(out->n == 0 && version > 0);
	saved_put(out, &kind, &(struct frame){.version = version});
}

void saved_end(struct text_builder *out)
{
	struct text text = text_built(out);

	saved_put(out, &last_kind,
		&(struct frame){.lines = lines_of(text), .sum = sum_of(text)});
}

/* ---- reading ---------------------------------------------------------------------- */

#define NUMBER_ROOM 128 /* for the value of a line without texts */

bool saved_refuse(struct saved_reader *reader, const char *problem)
{
	if (reader->problem == NULL)
		reader->problem = problem;
	return false;
}

void saved_lines(
	struct saved_reader *reader, struct text lines, struct arena *arena)
{
	*reader = (struct saved_reader){.rest = lines, .arena = arena};
}

/* Without its newline; an unfinished one is none. */
static bool cut_line(struct text *rest, struct text *out_line)
{
	const char *end =
		rest->n == 0 ? NULL : memchr(rest->bytes, '\n', rest->n);

	if (end == NULL)
		return false;
	out_line->bytes = rest->bytes;
	out_line->n = (size_t)(end - rest->bytes);
	rest->bytes += out_line->n + 1;
	rest->n -= out_line->n + 1;
	return true;
}

bool saved_is(const struct saved_reader *reader, const struct saved_kind *kind)
{
	struct text rest = reader->rest;
	struct text line;
	struct text word;

	return reader->problem == NULL && cut_line(&rest, &line) &&
	       text_next_word(&line, &word) && text_is(word, kind->word);
}

bool saved_is_end(const struct saved_reader *reader)
{
	return reader->problem == NULL && reader->rest.n == 0;
}

/* They mostly come in the order of the table. */
static unsigned find_field(
	const struct saved_kind *kind, struct text key, unsigned from)
{
	for (unsigned i = 0; i < kind->fields_n; i++) {
		unsigned at = (from + i) % kind->fields_n;

		if (text_is(key, kind->fields[at].key))
			return at;
	}
	return kind->fields_n;
}

static bool take_pairs(struct saved_reader *reader,
	const struct saved_kind *kind, struct text line,
	struct text_builder *store, void *object)
{
	bool said[SAVED_FIELDS_MAX] = {false};
	struct text key;
	struct text value;
	unsigned at = 0;
	enum text_next next;

	for (;; at++) {
		text_builder_reset(store);
		next = text_next_pair(&line, store, &key, &value);
		if (next == TEXT_NEXT_END)
			return true;
		if (next == TEXT_NEXT_BAD)
			return saved_refuse(reader, "a line is garbled");
		at = find_field(kind, key, at);
		if (at == kind->fields_n)
			return saved_refuse(reader, "a key is not known");
		if (said[at])
			return saved_refuse(reader, "a key is said twice");
		said[at] = true;
		if (!take_field(reader, &kind->fields[at], object, value))
			return saved_refuse(reader, "a value is out of range");
	}
}

bool saved_take(struct saved_reader *reader, const struct saved_kind *kind,
	void *object)
{
	char local[NUMBER_ROOM];
	char *room = local;
	size_t size = sizeof(local);
	struct text_builder store;
	struct text line;
	struct text word;

	assert(kind->fields_n > 0 && kind->fields_n <= SAVED_FIELDS_MAX);
	if (reader->problem != NULL)
		return false;
	if (!saved_is(reader, kind))
		return saved_refuse(reader, "another line is expected");
	(void)cut_line(&reader->rest, &line);
	reader->line++;
	(void)text_next_word(&line, &word);
	if (reader->arena != NULL) {
		size = line.n + 2;
		room = arena_alloc(reader->arena, size);
		if (room == NULL)
			return saved_refuse(reader, "out of memory");
	}
	text_builder_init(&store, room, size);
	return take_pairs(reader, kind, line, &store, object);
}

/* The last line, off the end of REST. */
static bool cut_last(struct text *rest, struct text *out_line)
{
	size_t at = rest->n;

	if (at == 0 || rest->bytes[at - 1] != '\n')
		return false;
	for (at--; at > 0 && rest->bytes[at - 1] != '\n';)
		at--;
	*out_line = (struct text){rest->bytes + at, rest->n - at};
	rest->n = at;
	return true;
}

static bool check_sum(struct saved_reader *reader)
{
	struct saved_reader last = {.arena = NULL};
	struct frame frame = {.version = 0};

	if (!cut_last(&reader->rest, &last.rest) ||
		!saved_take(&last, &last_kind, &frame))
		return saved_refuse(reader, "the last line is missing");
	if (frame.lines != lines_of(reader->rest))
		return saved_refuse(reader, "lines are missing, or too many");
	if (frame.sum != sum_of(reader->rest))
		return saved_refuse(reader, "the sum is wrong");
	return true;
}

bool saved_open(struct saved_reader *reader, struct text document,
	const char *format, unsigned version, struct arena *arena)
{
	const struct saved_kind first = SAVED_KIND(format, first_fields);
	struct frame frame = {.version = 0};

	saved_lines(reader, document, NULL);
	if (!saved_is(reader, &first))
		return saved_refuse(reader, "it is of another format");
	if (!check_sum(reader) || !saved_take(reader, &first, &frame))
		return false;
	if (frame.version != version)
		return saved_refuse(reader, "it is of another version");
	reader->arena = arena;
	return true;
}
