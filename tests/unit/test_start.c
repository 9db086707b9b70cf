/* SPDX-License-Identifier: MIT */
#include "lib/start.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define WORDS_MAX 90
#define MS UINT64_C(1000000)
#define S (1000 * MS)

static struct ostler__start start;
static char line[1024];
static char *words[WORDS_MAX + 1];

static const char *const variables[] = {"GENERATION", "OSTLER_SERVICE",
	"OSTLER_SOCKETS", "OSTLER_TRANSPORT", "OSTLER_MAX_USE",
	"OSTLER_MAX_IDLE", "OSTLER_PROCESS_LIMIT", "OSTLER_STRESS",
	"OSTLER_SOURCE_LIMIT", "OSTLER_PREFIX_LIMIT", "OSTLER_PREFIX_IPV4",
	"OSTLER_PREFIX_IPV6"};

static int clear(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		assert_return_code(unsetenv(variables[i]), errno);
	return 0;
}

static void set(const char *name, const char *value)
{
	assert_return_code(setenv(name, value, 1), errno);
}

/* Parse a command line written with blanks between its words. */
static int parse(const char *text)
{
	int argc = 0;

	(void)strncpy(line, text, sizeof(line) - 1);
	for (char *word = strtok(line, " "); word != NULL && argc < WORDS_MAX;
		word = strtok(NULL, " "))
		words[argc++] = word;
	words[argc] = NULL;
	return ostler__start_parse(&start, argc, words);
}

/* ------------------------------------------------- the native dialect */

static void a_native_worker_is_told_by_its_environment(void **state)
{
	(void)state;
	set("OSTLER_SERVICE", "web");
	set("OSTLER_SOCKETS", "3");
	set("OSTLER_TRANSPORT", "unix");
	set("OSTLER_MAX_USE", "100");
	set("OSTLER_MAX_IDLE", "0.25");
	set("OSTLER_PROCESS_LIMIT", "7");
	set("OSTLER_STRESS", "1");
	set("OSTLER_SOURCE_LIMIT", "3");
	set("OSTLER_PREFIX_IPV6", "48");
	set("GENERATION", "17");
	assert_int_equal(parse("/x/prog"), 0);
	assert_true(start.native);
	assert_string_equal(start.service, "web");
	assert_string_equal(start.transport, "unix");
	assert_int_equal(start.sockets_n, 3);
	assert_int_equal(start.max_use, 100);
	assert_int_equal(start.max_idle_ns, 250 * MS);
	assert_int_equal(start.process_limit, 7);
	assert_int_equal(start.stress, 1);
	assert_int_equal(start.source_limit, 3);
	assert_int_equal(start.prefix_limit, 0);
	assert_int_equal(start.prefix_ipv4, 24);
	assert_int_equal(start.prefix_ipv6, 48);
	assert_int_equal(start.generation, 15);
}

static void a_native_workers_arguments_are_its_own(void **state)
{
	(void)state;
	set("OSTLER_SERVICE", "web");
	assert_int_equal(parse("prog -n x -m 5 --foo -t inet"), 0);
	assert_int_equal(start.argc, 8);
	assert_string_equal(start.argv[0], "prog");
	assert_string_equal(start.argv[1], "-n");
	assert_int_equal(start.max_use, 0);
	assert_int_equal(start.sockets_n, 1);
	assert_int_equal(start.max_idle_ns, 0);
	assert_string_equal(start.transport, "inet");
}

static void a_figure_that_is_none_is_refused_by_name(void **state)
{
	static const struct {
		const char *name;
		const char *value;
	} bad[] = {
		{"OSTLER_SOCKETS", "x"},
		{"OSTLER_SOCKETS", ""},
		{"OSTLER_SOCKETS", "0"},
		{"OSTLER_MAX_USE", "-1"},
		{"OSTLER_MAX_USE", "4294967296"},
		{"OSTLER_MAX_USE", "99999999999999999999999"},
		{"OSTLER_PROCESS_LIMIT", "1 "},
		{"OSTLER_SOURCE_LIMIT", "-1"},
		{"OSTLER_PREFIX_LIMIT", "x"},
		{"OSTLER_PREFIX_IPV4", "33"},
		{"OSTLER_PREFIX_IPV6", "129"},
		{"OSTLER_MAX_IDLE", "soon"},
		{"OSTLER_MAX_IDLE", ""},
		{"OSTLER_MAX_IDLE", ".5"},
		{"OSTLER_MAX_IDLE", "1.5.5"},
		{"OSTLER_MAX_IDLE", "1x"},
		{"OSTLER_MAX_IDLE", "99999999999999999999"},
		{"GENERATION", "8"},
		{"GENERATION", "0x1"},
		{"GENERATION", "40000000000"},
		{"GENERATION", ""},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)clear(state);
		set("OSTLER_SERVICE", "web");
		set(bad[i].name, bad[i].value);
		assert_int_equal(parse("prog"), -EINVAL);
		assert_non_null(strstr(start.problem, bad[i].name));
	}
}

static void the_largest_generation_is_read(void **state)
{
	(void)state;
	set("OSTLER_SERVICE", "web");
	set("GENERATION", "37777777777");
	assert_int_equal(parse("prog"), 0);
	assert_int_equal(start.generation, UINT32_MAX);
}

/* ------------------------------------------------- Postfix's dialect */

/* The lines of real children (postfix_spec 3). */
static void what_postfix_gives_is_understood(void **state)
{
	(void)state;
	set("GENERATION", "4");
	assert_int_equal(parse("probe -n 12525 -t inet -u -o stress= -s 2"), 0);
	assert_false(start.native);
	assert_string_equal(start.service, "12525");
	assert_string_equal(start.transport, "inet");
	assert_true(start.unprivileged);
	assert_int_equal(start.sockets_n, 2);
	assert_int_equal(start.overrides_n, 1);
	assert_string_equal(ostler__start_override(&start, "stress"), "");
	assert_int_equal(start.generation, 4);
	assert_int_equal(start.argc, 1);
	assert_null(start.argv[1]);

	assert_int_equal(
		parse("probe -n 127.0.0.1:12526 -t inet -u -x"), -EINVAL);
	assert_int_equal(parse("probe -z -n [::1]:12527 -t inet -u"), 0);
	assert_true(start.unlimited);
	assert_int_equal(parse("probe -l -n pf -t fifo"), 0);
	assert_true(start.alone);
	assert_int_equal(start.process_limit, 1);
	assert_string_equal(start.transport, "fifo");
	assert_int_equal(parse("../../x/pickup -l -t unix -u"), 0);
	assert_string_equal(start.service, "pickup");
	assert_int_equal(parse("probe -n ps -t pass -u -c -o stress=yes"), 0);
	assert_string_equal(ostler__start_override(&start, "stress"), "yes");
	assert_true(start.jailed);
}

static void every_option_of_postfix_is_stored(void **state)
{
	(void)state;
	assert_int_equal(
		parse("p -vv -v -d -D -V -S -m 7 -i 2m -r 30 -t unix"), 0);
	assert_int_equal(start.verbose, 3);
	assert_true(start.by_hand);
	assert_true(start.debugger);
	assert_true(start.talkative);
	assert_true(start.one_shot);
	assert_int_equal(start.max_use, 7);
	assert_int_equal(start.max_idle_ns, 120 * S);
	assert_int_equal(start.retire_after_ns, 30 * S);
}

static void options_may_be_written_together(void **state)
{
	(void)state;
	assert_int_equal(parse("p -zuvtunix -s4 rest"), 0);
	assert_true(start.unlimited);
	assert_true(start.unprivileged);
	assert_int_equal(start.verbose, 1);
	assert_string_equal(start.transport, "unix");
	assert_int_equal(start.sockets_n, 4);
	assert_int_equal(start.argc, 2);
	assert_string_equal(start.argv[0], "p");
	assert_string_equal(start.argv[1], "rest");
}

static void what_is_behind_the_options_is_the_programs(void **state)
{
	static const struct {
		const char *line;
		const char *first;
		int argc;
	} cases[] = {
		{"p -t unix user=x -s 2", "user=x", 4},
		{"p -t unix -- -s 2", "-s", 3},
		{"p -t unix --multi", "--multi", 2},
		{"p -t unix - x", "-", 3},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(parse(cases[i].line), 0);
		assert_int_equal(start.argc, cases[i].argc);
		assert_string_equal(start.argv[0], "p");
		assert_string_equal(start.argv[1], cases[i].first);
		assert_int_equal(start.sockets_n, 1);
	}
}

static void limits_are_options_then_overrides_then_postfixs_own(void **state)
{
	(void)state;
	assert_int_equal(parse("p -t unix"), 0);
	assert_int_equal(start.max_use, 100);
	assert_int_equal(start.max_idle_ns, 100 * S);
	assert_int_equal(
		parse("p -t unix -o max_use=3 -o max_idle=5 -o max_use=4"), 0);
	assert_int_equal(start.max_use, 4);
	assert_int_equal(start.max_idle_ns, 5 * S);
	assert_int_equal(
		parse("p -m 9 -i 1 -t unix -o max_use=3 -o max_idle=5"), 0);
	assert_int_equal(start.max_use, 9);
	assert_int_equal(start.max_idle_ns, 1 * S);
	assert_int_equal(parse("p -t unix -m 0 -i 0"), 0);
	assert_int_equal(start.max_use, 0);
	assert_int_equal(start.max_idle_ns, 0);
}

static void a_bad_line_is_refused_with_the_option_named(void **state)
{
	static const struct {
		const char *line;
		const char *problem;
	} bad[] = {
		{"p -t unix -q", "option -q"},
		{"p -t", "option -t"},
		{"p -t unix -s 0", "option -s"},
		{"p -t unix -s x", "option -s"},
		{"p -t unix -m -5", "option -m"},
		{"p -t unix -i never", "option -i"},
		{"p -t unix -o max_use=x", "option -o"},
		{"p -t unix -o max_use", "option -o"},
		{"p -t unix -o max_idle=x", "option -o"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(parse(bad[i].line), -EINVAL);
		assert_non_null(strstr(start.problem, bad[i].problem));
	}
}

static void too_many_overrides_are_refused_not_overrun(void **state)
{
	static char program[] = "p", transport[] = "-tunix", one[] = "-oa=b";
	char *many[OSTLER__OVERRIDES_MAX + 10] = {program, transport};
	int argc = 2;

	(void)state;
	for (int i = 0; i < OSTLER__OVERRIDES_MAX; i++)
		many[argc++] = one;
	assert_int_equal(ostler__start_parse(&start, argc, many), 0);
	assert_int_equal(start.overrides_n, OSTLER__OVERRIDES_MAX);
	many[argc - 1] = many[argc] = one; /* [argc - 1] is the new argv[0] */
	assert_int_equal(ostler__start_parse(&start, argc + 1, many), -EINVAL);
}

static void a_program_started_by_hand_is_told_who_starts_it(void **state)
{
	(void)state;
	assert_int_equal(parse("prog"), -EINVAL);
	assert_non_null(strstr(start.problem, "no master"));
	assert_int_equal(ostler__start_parse(&start, 0, words), -EINVAL);
}

#define TEST(name) cmocka_unit_test_setup(name, clear)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_native_worker_is_told_by_its_environment),
		TEST(a_native_workers_arguments_are_its_own),
		TEST(a_figure_that_is_none_is_refused_by_name),
		TEST(the_largest_generation_is_read),
		TEST(what_postfix_gives_is_understood),
		TEST(every_option_of_postfix_is_stored),
		TEST(options_may_be_written_together),
		TEST(what_is_behind_the_options_is_the_programs),
		TEST(limits_are_options_then_overrides_then_postfixs_own),
		TEST(a_bad_line_is_refused_with_the_option_named),
		TEST(too_many_overrides_are_refused_not_overrun),
		TEST(a_program_started_by_hand_is_told_who_starts_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
