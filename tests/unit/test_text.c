/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <stdbool.h>
#include <string.h>

#include "base/prng.h"
#include "base/text.h"

static char buffer[4096];
static struct text_builder built;

static int empty_the_builder(void **state)
{
	(void)state;
	text_builder_init(&built, buffer, sizeof(buffer));
	return 0;
}

/* Everything that can be read off RECORD, as "[key|value]..." and how it ended. */
static const char *read_back(const char *record)
{
	static char line[2048], store_bytes[1024];
	struct text rest = text_of(record), key, value;
	struct text_builder out, store;
	enum text_next next;

	text_builder_init(&out, line, sizeof(line));
	text_builder_init(&store, store_bytes, sizeof(store_bytes));
	while ((next = text_next_pair(&rest, &store, &key, &value)) ==
		TEXT_NEXT_PAIR) {
		text_put_char(&out, '[');
		text_put_text(&out, key);
		text_put_char(&out, '|');
		text_put_text(&out, value);
		text_put_char(&out, ']');
	}
	text_put(&out, next == TEXT_NEXT_END ? "end" : "bad");
	return line;
}

static void texts_are_equal_if_their_bytes_are(void **state)
{
	(void)state;
	assert_true(text_equal(text_of("abc"), text_of("abc")));
	assert_false(text_equal(text_of("abc"), text_of("abd")));
	assert_false(text_equal(text_of("abc"), text_of("ab")));
	assert_true(text_equal(text_of(""), text_of(NULL)));
	assert_true(text_is((struct text){"abcdef", 3}, "abc"));
	assert_true(text_starts_with(text_of("unix:x"), "unix:"));
	assert_false(text_starts_with(text_of("uni"), "unix:"));
}

static void blanks_are_trimmed_at_both_ends_only(void **state)
{
	(void)state;
	assert_true(text_is(text_trim(text_of(" \t a b\r\n")), "a b"));
	assert_true(text_is(text_trim(text_of(" \t ")), ""));
}

static void cutting_gives_every_piece_once(void **state)
{
	struct text rest = text_of("a,,b,"), piece;

	(void)state;
	assert_true(text_cut(&rest, ',', &piece));
	assert_true(text_is(piece, "a"));
	assert_true(text_cut(&rest, ',', &piece));
	assert_true(text_is(piece, ""));
	assert_true(text_cut(&rest, ',', &piece));
	assert_true(text_is(piece, "b"));
	assert_true(text_cut(&rest, ',', &piece));
	assert_true(text_is(piece, ""));
	assert_false(text_cut(&rest, ',', &piece));
}

static void a_builder_grows_piece_by_piece(void **state)
{
	(void)state;
	text_put(&built, "one ");
	text_put_char(&built, '2');
	text_put_format(&built, " %s %03d ", "three", 4);
	text_put_number(&built, UINT64_MAX);
	CHECK_TEXT(buffer, "one 2 three 004 18446744073709551615");
	assert_int_equal(built.n, strlen(buffer));
	assert_false(built.overflow);
	text_builder_reset(&built);
	CHECK_TEXT(buffer, "");
}

static void what_does_not_fit_is_cut_off_and_remembered(void **state)
{
	char small[8] = "xxxxxxx";
	struct text_builder builder;

	(void)state;
	text_builder_init(&builder, small, 6);
	text_put(&builder, "abc");
	assert_false(builder.overflow);
	text_put(&builder, "defg");
	assert_true(builder.overflow);
	CHECK_TEXT(small, "abcde");
	assert_int_equal(small[6], 'x');
	text_put_char(&builder, 'z');
	text_put_format(&builder, "%d", 1);
	CHECK_TEXT(small, "abcde");
	text_builder_reset(&builder);
	text_put_format(&builder, "%s", "0123456789");
	assert_true(builder.overflow);
	CHECK_TEXT(small, "01234");
	assert_int_equal(small[6], 'x');
}

static void exactly_full_is_not_too_much(void **state)
{
	char small[4];
	struct text_builder builder;

	(void)state;
	text_builder_init(&builder, small, sizeof(small));
	text_put_format(&builder, "%s", "abc");
	assert_false(builder.overflow);
	text_put(&builder, "");
	assert_false(builder.overflow);
	text_put(&builder, "d");
	assert_true(builder.overflow);
}

static void harmless_values_are_written_bare(void **state)
{
	(void)state;
	text_put_key_value(&built, "a", "127.0.0.1:80");
	text_put_key_value(&built, "b", "/usr/bin/x@1,2+3%4-5_6");
	text_put_key_value(&built, "c", "[::1]:80");
	text_put_key_value(&built, "d", "*:80");
	text_put_key_number(&built, "e", 12);
	CHECK_TEXT(buffer,
		"a=127.0.0.1:80 b=/usr/bin/x@1,2+3%4-5_6 c=[::1]:80 d=*:80 "
		"e=12");
}

static void strange_values_are_quoted_and_escaped(void **state)
{
	(void)state;
	text_put(&built, "kind");
	text_put_key_value(&built, "a", "");
	text_put_key_value(&built, "b", "two words");
	text_put_key_value(&built, "c", "\"\\\n\t\r\x01\x7f\x80\xff");
	text_put_key_value(&built, "d", "x=y");
	text_put_key_text(&built, "e", (struct text){"\0", 1});
	CHECK_TEXT(buffer,
		"kind a=\"\" b=\"two words\" "
		"c=\"\\\"\\\\\\n\\t\\x0d\\x01\\x7f\\x80\\xff\" d=\"x=y\" "
		"e=\"\\x00\"");
}

static void no_blank_comes_at_the_beginning_of_a_line(void **state)
{
	(void)state;
	text_put_key_value(&built, "a", "1");
	text_put_char(&built, '\n');
	text_put_key_value(&built, "b", "2");
	CHECK_TEXT(buffer, "a=1\nb=2");
}

static void a_pair_that_does_not_fit_leaves_no_half(void **state)
{
	char small[20];
	struct text_builder builder;

	(void)state;
	for (size_t size = 1; size < sizeof(small); size++) {
		text_builder_init(&builder, small, size);
		text_put_key_value(&builder, "a", "123");
		text_put_key_value(&builder, "bcd", "x y z\n");
		if (size < 6)
			CHECK_TEXT(small, "");
		else
			CHECK_TEXT(small, "a=123");
		assert_true(builder.overflow);
	}
}

static void text_for_people_has_no_control_characters(void **state)
{
	(void)state;
	text_put_printable(&built, text_of("it's \"so\" \x1b[31m\n"));
	CHECK_TEXT(buffer, "it's \"so\" \\x1b[31m\\x0a");
	text_builder_reset(&built);
	text_put_quoted(&built, text_of("bare"));
	CHECK_TEXT(buffer, "\"bare\"");
}

static void a_record_is_read_word_by_pair(void **state)
{
	struct text record = text_of("worker-died pid=12 why=\"a b\"");
	struct text word;

	(void)state;
	assert_true(text_next_word(&record, &word));
	assert_true(text_is(word, "worker-died"));
	CHECK_TEXT(read_back(record.bytes), "[pid|12][why|a b]end");
	assert_false(text_next_word(&record, &word));
	record = text_of("alone");
	assert_true(text_next_word(&record, &word));
	assert_int_equal(record.n, 0);
}

static void a_word_that_is_none_is_refused_and_nothing_is_taken(void **state)
{
	static const char *const bad[] = {
		"", " a", "a ", "A", "1a", "a=1", "a\tb", "a  b=1"};

	(void)state;
	for (size_t i = 0; i < COUNT(bad) - 1; i++) {
		struct text record = text_of(bad[i]), word = {NULL, 7};

		assert_false(text_next_word(&record, &word));
		assert_ptr_equal(record.bytes, bad[i]);
		assert_int_equal(word.n, 7);
	}
}

static void garbage_is_never_a_pair(void **state)
{
	static const char *const bad[] = {"a", "=", "=1", "a=", "a= ", "a=1 ",
		" a=1", "A=1", "1=1", "a=\"", "a=\"x", "a=\"\\", "a=\"\\q\"",
		"a=\"\\x\"", "a=\"\\x1\"", "a=\"\\x1g\"", "a=\"\\xAB\"",
		"a=\"x\"y", "a=\"x\"\"y\"", "a=x\"y\"", "a=b=c", "a=\x80",
		"a=\"\x01\"", "a=\"\n\"", "a=\"\xc3\xa4\"", "a=1\n", "a=(",
		"a =1", "a=\\", "a=1  b=2", "a=1\tb=2"};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		const char *got = read_back(bad[i]);

		if (strcmp(got + strlen(got) - 3, "bad") != 0)
			fail_msg("%s was read as %s", bad[i], got);
	}
	CHECK_TEXT(read_back(""), "end");
}

static void one_store_holds_all_values_of_a_record(void **state)
{
	struct text record = text_of("a=1 b=\"2 3\""), key, first, second;
	char bytes[6];
	struct text_builder store;

	(void)state;
	text_builder_init(&store, bytes, sizeof(bytes));
	assert_int_equal(
		text_next_pair(&record, &store, &key, &first), TEXT_NEXT_PAIR);
	assert_int_equal(
		text_next_pair(&record, &store, &key, &second), TEXT_NEXT_BAD);
	assert_true(store.overflow);
	CHECK_TEXT(first.bytes, "1");
}

static void anything_comes_back_as_it_was_written(void **state)
{
	struct prng prng;
	char bytes[40], store_bytes[60];

	(void)state;
	prng_seed(&prng, 1);
	for (int round = 0; round < 20000; round++) {
		struct text value = {bytes, (size_t)prng_below(&prng, 40)};
		struct text record, key, got;
		struct text_builder store;

		for (size_t i = 0; i < value.n; i++)
			bytes[i] = (char)prng_below(&prng, 256);
		text_builder_reset(&built);
		text_put_key_text(&built, "key", value);
		text_put_key_text(&built, "next", value);
		for (size_t i = 0; i < built.n; i++)
			assert_true(text_char_is_printable(buffer[i]));
		record = text_built(&built);
		for (int pair = 0; pair < 2; pair++) {
			text_builder_init(
				&store, store_bytes, sizeof(store_bytes));
			assert_int_equal(
				text_next_pair(&record, &store, &key, &got),
				TEXT_NEXT_PAIR);
			assert_true(text_equal(got, value));
		}
		assert_int_equal(text_next_pair(&record, &store, &key, &got),
			TEXT_NEXT_END);
	}
}

static void random_records_are_read_without_harm(void **state)
{
	static const char letters[] = "ab=\"\\xn 1\x01\xff";
	struct prng prng;
	char bytes[24];

	(void)state;
	prng_seed(&prng, 2);
	for (int round = 0; round < 50000; round++) {
		size_t n = (size_t)prng_below(&prng, sizeof(bytes));

		for (size_t i = 0; i < n; i++)
			bytes[i] =
				letters[prng_below(&prng, sizeof(letters) - 1)];
		bytes[n] = '\0';
		(void)read_back(bytes);
	}
}

#define TEST(name) cmocka_unit_test_setup(name, empty_the_builder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(texts_are_equal_if_their_bytes_are),
		TEST(blanks_are_trimmed_at_both_ends_only),
		TEST(cutting_gives_every_piece_once),
		TEST(a_builder_grows_piece_by_piece),
		TEST(what_does_not_fit_is_cut_off_and_remembered),
		TEST(exactly_full_is_not_too_much),
		TEST(harmless_values_are_written_bare),
		TEST(strange_values_are_quoted_and_escaped),
		TEST(no_blank_comes_at_the_beginning_of_a_line),
		TEST(a_pair_that_does_not_fit_leaves_no_half),
		TEST(text_for_people_has_no_control_characters),
		TEST(a_record_is_read_word_by_pair),
		TEST(a_word_that_is_none_is_refused_and_nothing_is_taken),
		TEST(garbage_is_never_a_pair),
		TEST(one_store_holds_all_values_of_a_record),
		TEST(anything_comes_back_as_it_was_written),
		TEST(random_records_are_read_without_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
