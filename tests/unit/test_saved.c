/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/saved.h"
#include "check.h"

enum colour { COLOUR_NONE, COLOUR_RED, COLOUR_BLUE, COLOURS };

struct thing {
	uint16_t port;
	uint32_t number;
	uint64_t time_ns;
	bool on;
	int code;
	enum colour colour;
	const char *name;
	const char *const *words;
	uint8_t address[4];
};

static const struct saved_field fields[] = {
	SAVED(thing, "port", port, SAVED_U16, UINT64_MAX),
	SAVED(thing, "number", number, SAVED_U32, 1000),
	SAVED(thing, "time-ns", time_ns, SAVED_U64, UINT64_MAX),
	SAVED(thing, "on", on, SAVED_BOOL, 1),
	SAVED(thing, "code", code, SAVED_INT, 255),
	SAVED(thing, "colour", colour, SAVED_ENUM, COLOURS - 1),
	SAVED(thing, "name", name, SAVED_TEXT, 0),
	SAVED(thing, "words", words, SAVED_LIST, 0),
	SAVED(thing, "address", address, SAVED_BYTES, 4),
};
static const struct saved_kind kind = SAVED_KIND("thing", fields);

static const char *const no_words[] = {NULL};
static const char *const some_words[] = {"a b", "", "c\"\n\\", "d", NULL};

static const struct thing full = {
	.port = 65535,
	.number = 1000,
	.time_ns = UINT64_MAX,
	.on = true,
	.code = 255,
	.colour = COLOUR_BLUE,
	.name = "a name, \xe4 and \"more\"",
	.words = some_words,
	.address = {127, 0, 0, 1},
};

static struct text write_document(
	struct text_builder *out, const struct thing *things, size_t n)
{
	saved_begin(out, "test-things", 3);
	for (size_t i = 0; i < n; i++)
		saved_put(out, &kind, &things[i]);
	saved_end(out);
	return text_built(out);
}

static void check_same(const struct thing *a, const struct thing *b)
{
	assert_int_equal(a->port, b->port);
	assert_int_equal(a->number, b->number);
	assert_true(a->time_ns == b->time_ns);
	assert_int_equal(a->on, b->on);
	assert_int_equal(a->code, b->code);
	assert_int_equal(a->colour, b->colour);
	assert_memory_equal(a->address, b->address, sizeof(a->address));
	assert_true((a->name == NULL) == (b->name == NULL));
	if (a->name != NULL)
		CHECK_TEXT(a->name, b->name);
	assert_true((a->words == NULL) == (b->words == NULL));
	for (size_t i = 0; a->words != NULL; i++) {
		assert_true((a->words[i] == NULL) == (b->words[i] == NULL));
		if (a->words[i] == NULL)
			break;
		CHECK_TEXT(a->words[i], b->words[i]);
	}
}

static void what_is_read_is_what_was_written(void **state)
{
	const struct thing things[] = {full, {.name = NULL},
		{.name = "", .words = no_words, .address = {0, 0, 0, 9}}};
	char buffer[1000];
	struct text_builder out;
	struct saved_reader reader;
	struct arena *arena = arena_create(0);

	(void)state;
	text_builder_init(&out, buffer, sizeof(buffer));
	assert_true(saved_open(&reader, write_document(&out, things, 3),
		"test-things", 3, arena));
	for (size_t i = 0; i < 3; i++) {
		struct thing thing = {.port = 0};

		assert_true(saved_is(&reader, &kind));
		assert_false(saved_is_end(&reader));
		assert_true(saved_take(&reader, &kind, &thing));
		check_same(&thing, &things[i]);
	}
	assert_true(saved_is_end(&reader));
	assert_false(saved_is(&reader, &kind));
	arena_destroy(arena);
}

static void what_is_zero_is_not_written(void **state)
{
	char buffer[100];
	struct text_builder out;

	(void)state;
	text_builder_init(&out, buffer, sizeof(buffer));
	saved_put(&out, &kind, &(struct thing){.on = true});
	CHECK_TEXT(buffer, "thing on=1\n");
	text_builder_reset(&out);
	saved_put(&out, &kind, &(struct thing){.on = false});
	CHECK_TEXT(buffer, "thing\n");
}

/* One bit of the document is turned, wherever: nobody takes it for whole. */
static void no_bit_may_be_turned(void **state)
{
	char buffer[1000];
	struct text_builder out;
	struct saved_reader reader;
	struct text document;

	(void)state;
	text_builder_init(&out, buffer, sizeof(buffer));
	document = write_document(&out, &full, 1);
	for (size_t i = 0; i < document.n * 8; i++) {
		buffer[i / 8] = (char)(buffer[i / 8] ^ (1 << i % 8));
		assert_false(
			saved_open(&reader, document, "test-things", 3, NULL));
		assert_non_null(reader.problem);
		buffer[i / 8] = (char)(buffer[i / 8] ^ (1 << i % 8));
	}
	assert_true(saved_open(&reader, document, "test-things", 3, NULL));
}

static void no_part_of_it_is_enough(void **state)
{
	char buffer[1000];
	struct text_builder out;
	struct saved_reader reader;
	struct text document;

	(void)state;
	text_builder_init(&out, buffer, sizeof(buffer));
	document = write_document(&out, &full, 1);
	while (document.n-- > 0)
		assert_false(
			saved_open(&reader, document, "test-things", 3, NULL));
}

static void another_format_or_version_is_refused(void **state)
{
	char buffer[1000];
	struct text_builder out;
	struct saved_reader reader;
	struct text document;

	(void)state;
	text_builder_init(&out, buffer, sizeof(buffer));
	document = write_document(&out, &full, 1);
	assert_false(saved_open(&reader, document, "other-things", 3, NULL));
	CHECK_TEXT(reader.problem, "it is of another format");
	assert_false(saved_open(&reader, document, "test-things", 4, NULL));
	CHECK_TEXT(reader.problem, "it is of another version");
}

static void what_is_not_understood_is_refused(void **state)
{
	static const struct {
		const char *lines;
		const char *problem;
	} cases[] = {
		{"thing", "another line is expected"}, /* not finished */
		{"other on=1\n", "another line is expected"},
		{"thing on\n", "a line is garbled"},
		{"thing  on=1\n", "a line is garbled"},
		{"thing new=1\n", "a key is not known"},
		{"thing on=1 on=1\n", "a key is said twice"},
		{"thing on=2\n", "a value is out of range"},
		{"thing on=\"\"\n", "a value is out of range"},
		{"thing port=65536\n", "a value is out of range"},
		{"thing number=1001\n", "a value is out of range"},
		{"thing number=-1\n", "a value is out of range"},
		{"thing time-ns=18446744073709551616\n",
			"a value is out of range"},
		{"thing code=256\n", "a value is out of range"},
		{"thing colour=3\n", "a value is out of range"},
		{"thing address=7f0000\n", "a value is out of range"},
		{"thing address=7f00000g\n", "a value is out of range"},
		{"thing name=\"a\\x00b\"\n", "a value is out of range"},
		{"thing words=\"a\\x00b\"\n", "a value is out of range"},
	};
	struct arena *arena = arena_create(0);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct saved_reader reader;
		struct thing thing = {.port = 0};

		saved_lines(&reader, text_of(cases[i].lines), arena);
		assert_false(saved_take(&reader, &kind, &thing));
		CHECK_TEXT(reader.problem, cases[i].problem);
		/* And nothing is read behind it. */
		assert_false(saved_is(&reader, &kind));
		assert_false(saved_is_end(&reader));
	}
	arena_destroy(arena);
}

static void a_negative_code_is_no_number_that_is_taken(void **state)
{
	char buffer[100];
	struct text_builder out;
	struct saved_reader reader;
	struct thing thing = {.code = -1};

	(void)state;
	text_builder_init(&out, buffer, sizeof(buffer));
	saved_put(&out, &kind, &thing);
	saved_lines(&reader, text_built(&out), NULL);
	assert_false(saved_take(&reader, &kind, &thing));
}

static void what_does_not_fit_is_known(void **state)
{
	char buffer[100];
	struct text_builder out;
	struct saved_reader reader;

	(void)state;
	text_builder_init(&out, buffer, sizeof(buffer));
	(void)write_document(&out, &full, 1);
	assert_true(out.overflow);
	assert_false(
		saved_open(&reader, text_built(&out), "test-things", 3, NULL));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_read_is_what_was_written),
		cmocka_unit_test(what_is_zero_is_not_written),
		cmocka_unit_test(no_bit_may_be_turned),
		cmocka_unit_test(no_part_of_it_is_enough),
		cmocka_unit_test(another_format_or_version_is_refused),
		cmocka_unit_test(what_is_not_understood_is_refused),
		cmocka_unit_test(a_negative_code_is_no_number_that_is_taken),
		cmocka_unit_test(what_does_not_fit_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
