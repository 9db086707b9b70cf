/* SPDX-License-Identifier: MIT */
#include "lib/settings.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define S UINT64_C(1000000000)

static char directory[] = "/tmp/test_worker_settings.XXXXXX";
static char path[64];
static struct ostler__start start;

static int make_directory(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/main.cf", directory);
	return setenv("MAIL_CONFIG", directory, 1);
}

static int remove_directory(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(directory);
}

static int begin(void **state)
{
	(void)state;
	(void)unlink(path);
	memset(&start, 0, sizeof(start));
	start.max_use = 100;
	start.max_idle_ns = 100 * S;
	return 0;
}

static int read_text(const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	return ostler__settings_read(&start);
}

static void a_file_that_is_not_there_says_nothing(void **state)
{
	(void)state;
	assert_int_equal(ostler__settings_read(&start), 0);
	assert_int_equal(start.max_use, 100);
	assert_string_equal(start.mail_owner, "");
}

static void a_file_that_cannot_be_read_is_refused(void **state)
{
	(void)state;
	assert_int_equal(setenv("MAIL_CONFIG", "/dev/null", 1), 0);
	assert_int_equal(ostler__settings_read(&start), -ENOTDIR);
	assert_int_equal(setenv("MAIL_CONFIG", directory, 1), 0);
	assert_non_null(strstr(start.problem, "/dev/null/main.cf: Not a dir"));
}

static void the_four_settings_are_read(void **state)
{
	(void)state;
	assert_int_equal(
		read_text("max_use=7\nqueue_directory = /var/spool/x \n"
			  "mail_owner\t=\tmail\nmax_idle = 2m\n"),
		0);
	assert_int_equal(start.max_use, 7);
	assert_int_equal(start.max_idle_ns, 120 * S);
	assert_string_equal(start.queue_directory, "/var/spool/x");
	assert_string_equal(start.mail_owner, "mail");
}

/* What of all that is the value of queue_directory? */
static void lines_are_as_postfix_has_them(void **state)
{
	static const struct {
		const char *text, *value;
	} cases[] = {
		{"", ""},
		{"queue_directory = /a\nqueue_directory = /b\n", "/b"},
		{"queue_directory = /a\nqueue_directory =\n", ""},
		{"queue_directory = /a", "/a"},
		{"queue_directory = /a\r\n", "/a"},
		{"queue_directory =\n  /a\n", "/a"},
		{"queue_directory = /a\n b\n", "/a b"},
		{"queue_directory = /a\n# no\n\n \t\n  # no\n b\nx = y\n z\n",
			"/a b"},
		{"#queue_directory = /a\n", ""},
		{"x = y\n queue_directory = /a\n", ""},
		{"queue_directory2 = /a\nqueue_director = /b\n", ""},
		{"queue_directory /a\n", ""},
		{"x = 1\nqueue_directory = /a # b\n", "/a # b"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(NULL);
		assert_int_equal(read_text(cases[i].text), 0);
		assert_string_equal(start.queue_directory, cases[i].value);
	}
}

static void names_stand_for_their_values(void **state)
{
	static const struct {
		const char *text, *value;
	} cases[] = {
		{"queue_directory = /a/$x\nx = b\n", "/a/b"},
		{"queue_directory = /a/${x}c/$(y)\nx = b\ny = $x$x\n",
			"/a/bc/bb"},
		{"queue_directory = $x$x\nx = /b\n", "/b/b"},
		{"queue_directory = $x_1\nx_1 = /b\nx = c\n", "/b"},
		{"queue_directory = /a$$b$$\n", "/a$b$"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(NULL);
		assert_int_equal(read_text(cases[i].text), 0);
		assert_string_equal(start.queue_directory, cases[i].value);
	}
}

static void option_o_beats_the_file(void **state)
{
	(void)state;
	start.overrides[start.overrides_n++] = "mail_owner=one";
	start.overrides[start.overrides_n++] = " x = /o ";
	assert_int_equal(
		read_text("mail_owner = two\nx = /f\nqueue_directory = $x\n"),
		0);
	assert_string_equal(start.mail_owner, "one");
	assert_string_equal(start.queue_directory, "/o");
}

static void limits_that_were_said_elsewhere_stay(void **state)
{
	(void)state;
	start.use_said = start.idle_said = true;
	assert_int_equal(read_text("max_use = 1\nmax_idle = 1\n"), 0);
	assert_int_equal(start.max_use, 100);
	assert_int_equal(start.max_idle_ns, 100 * S);
}

static void what_is_not_understood_is_refused_by_name(void **state)
{
	static const struct {
		const char *text, *problem;
	} cases[] = {
		{"max_use = many\n", "max_use is not a number"},
		{"max_use = -1\n", "max_use is not a number"},
		{"max_idle = 1 fortnight\n", "max_idle is not a time"},
		{"mail_owner = $nobody_set_this\n",
			"mail_owner uses a name that is not set"},
		{"mail_owner = ${x?y}\nx = 1\n", "mail_owner is an expression"},
		{"mail_owner = ${{a} == {b} ? {x} : {y}}\n",
			"mail_owner is an expression"},
		{"mail_owner = ${x\nx = 1\n", "mail_owner is an expression"},
		{"mail_owner = $(x}\nx = 1\n", "mail_owner is an expression"},
		{"mail_owner = a$\n", "mail_owner is an expression"},
		{"mail_owner = $mail_owner\n", "mail_owner goes round"},
		{"mail_owner = $x\nx = $y\ny = a$x\n", "mail_owner goes round"},
		{"mail_owner = $x\nx = $y$y\ny = $x$x\n", "mail_owner"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(NULL);
		assert_int_equal(read_text(cases[i].text), -EINVAL);
		if (strstr(start.problem, cases[i].problem) == NULL)
			fail_msg("%s: %s", cases[i].text, start.problem);
	}
}

/* N times "a" after what is there. */
static void put_many(char *text, size_t n)
{
	size_t from = strlen(text);

	memset(text + from, 'a', n);
	memcpy(text + from + n, "\n", 2);
}

static void a_value_that_is_too_long_is_refused(void **state)
{
	static char text[400 * 1024];

	(void)state;
	(void)strcpy(text, "mail_owner = ");
	put_many(text, OSTLER__VALUE_BYTES - 1);
	assert_int_equal(read_text(text), 0);
	begin(NULL);
	(void)strcpy(text, "mail_owner = ");
	put_many(text, OSTLER__VALUE_BYTES);
	assert_int_equal(read_text(text), -EINVAL);
	begin(NULL);
	(void)strcpy(text, "mail_owner = $x$x\nx = ");
	put_many(text, OSTLER__VALUE_BYTES / 2);
	assert_int_equal(read_text(text), -EINVAL);
	begin(NULL); /* one that is not ours may be */
	(void)strcpy(text, "mynetworks = ");
	put_many(text, 100000);
	assert_int_equal(read_text(text), 0);
	begin(NULL);
	(void)strcpy(text, "#");
	put_many(text, 300000);
	assert_int_equal(read_text(text), -EFBIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			a_file_that_is_not_there_says_nothing, begin),
		cmocka_unit_test_setup(
			a_file_that_cannot_be_read_is_refused, begin),
		cmocka_unit_test_setup(the_four_settings_are_read, begin),
		cmocka_unit_test_setup(lines_are_as_postfix_has_them, begin),
		cmocka_unit_test_setup(names_stand_for_their_values, begin),
		cmocka_unit_test_setup(option_o_beats_the_file, begin),
		cmocka_unit_test_setup(
			limits_that_were_said_elsewhere_stay, begin),
		cmocka_unit_test_setup(
			what_is_not_understood_is_refused_by_name, begin),
		cmocka_unit_test_setup(
			a_value_that_is_too_long_is_refused, begin),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
