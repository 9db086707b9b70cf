/* SPDX-License-Identifier: MIT */
#include "postfix_case.h"

#include <stdio.h>

#include "base/number.h"

/* Everywhere in this file: what Postfix 3.7.11 itself was seen to do. */

static void lines_are_put_together(void **state)
{
	(void)state;
	CHECK_TEXT(read_postfix("# comment\n\n"
				"a = b\n# c\n\n   \n c\n\t# comment\n\t d # "
				"not\n"
				"  # c\n"
				"e =f \n  g   \r\n"
				"h = i\\\n j\n"
				"k \v= \f l \v\n"
				"m-n==o = p\n"
				"q=\n"
				"r = s",
			   ""),
		"");
	CHECK_TEXT(maincf_raw(conf.main, "a"), "b c\t d # not");
	CHECK_TEXT(maincf_raw(conf.main, "e"), "f   g");
	CHECK_TEXT(maincf_raw(conf.main, "h"), "i\\ j");
	CHECK_TEXT(maincf_raw(conf.main, "k"), "l");
	CHECK_TEXT(maincf_raw(conf.main, "m-n"), "=o = p");
	CHECK_TEXT(maincf_raw(conf.main, "q"), "");
	CHECK_TEXT(maincf_raw(conf.main, "r"), "s");
	assert_null(maincf_raw(conf.main, "t"));
	assert_int_equal(maincf_line(conf.main, "a"), 3);
	assert_int_equal(maincf_line(conf.main, "e"), 11);
	assert_int_equal(maincf_line(conf.main, "r"), 18);
	assert_int_equal(maincf_line(conf.main, "t"), 0);
}

static void the_last_setting_wins_and_is_warned_about(void **state)
{
	(void)state;
	CHECK_TEXT(read_postfix("a = 1\na = 1\n", ""), "");
	CHECK_TEXT(read_postfix("a = 1\na = 2\na = 1\n"
				"config_directory = /x\n",
			   ""),
		"warning: /etc/postfix/main.cf, line 2: overriding earlier "
		"entry: a=1\n"
		"warning: /etc/postfix/main.cf, line 3: overriding earlier "
		"entry: a=2\n"
		"warning: /etc/postfix/main.cf, line 4: overriding earlier "
		"entry: config_directory=/etc/postfix\n");
	CHECK_TEXT(maincf_raw(conf.main, "a"), "1");
	CHECK_TEXT(maincf_raw(conf.main, "config_directory"), "/x");
}

static void every_bad_line_is_told(void **state)
{
	(void)state;
	CHECK_TEXT(read_postfix(" first = 1\n  more\n\n"
				"a\na b\n=x\na b = c\n{ d = e }\n",
			   "u unix\n"),
		"warning: /etc/postfix/main.cf: logical line must not start "
		"with whitespace: \" first = 1  more\"\n"
		"fatal: /etc/postfix/main.cf, line 4: missing '=' after "
		"attribute name: \"a\"\n"
		"fatal: /etc/postfix/main.cf, line 5: missing '=' after "
		"attribute name: \"a b\"\n"
		"fatal: /etc/postfix/main.cf, line 6: missing attribute name: "
		"\"=x\"\n"
		"fatal: /etc/postfix/main.cf, line 7: missing '=' after "
		"attribute name: \"a b = c\"\n"
		"fatal: /etc/postfix/main.cf, line 8: missing '=' after "
		"attribute name: \"{ d = e }\"\n"
		"fatal: /etc/postfix/master.cf: line 1: missing \"private\" "
		"field\n");
	assert_non_null(strstr(complaints,
		"/etc/postfix/main.cf:6: missing attribute name: \"=x\"; write "
		"NAME = VALUE\n"));
	assert_non_null(strstr(complaints,
		"/etc/postfix/master.cf:1: service 'u': missing \"private\" "
		"field; "));
}

static void what_is_behind_a_nul_does_not_count(void **state)
{
	static const char bytes[] = "a = b\0c\n d\nz = 1\n";

	(void)state;
	CHECK_TEXT(read_bytes((struct text){bytes, sizeof(bytes) - 1},
			   text_of("")),
		"");
	CHECK_TEXT(maincf_raw(conf.main, "a"), "b");
	CHECK_TEXT(maincf_raw(conf.main, "z"), "1");
	CHECK_TEXT(complaints,
		"/etc/postfix/main.cf:1: warning: there is a NUL byte, and "
		"what is behind it does not count; remove it\n");
}

struct wrong_value {
	const char *line;
	const char *log;
};

static const struct wrong_value wrong_values[] = {
	{"default_process_limit=0",
		"fatal: invalid default_process_limit parameter value "
		"0 < 1\n"},
	{"default_process_limit=-1",
		"fatal: invalid default_process_limit parameter value "
		"-1 < 1\n"},
	{"default_process_limit=1x", "fatal: bad numerical configuration: "
				     "default_process_limit = 1x\n"},
	{"default_process_limit=", "fatal: bad numerical configuration: "
				   "default_process_limit = \n"},
	{"default_process_limit=5 $x", "fatal: bad numerical configuration: "
				       "default_process_limit = 5 \n"},
	{"default_process_limit=2147483648",
		"fatal: bad numerical configuration: "
		"default_process_limit = 2147483648\n"},
	{"max_use=0", "fatal: invalid max_use parameter value 0 < 1\n"},
	{"service_throttle_time=0",
		"fatal: invalid service_throttle_time: 0 (min 1)\n"},
	{"in_flow_delay=11", "fatal: invalid in_flow_delay: 11 (max 10)\n"},
	{"service_throttle_time=1y",
		"fatal: parameter service_throttle_time: bad time "
		"value or unit: 1y\n"},
	{"service_throttle_time=1M",
		"fatal: parameter service_throttle_time: bad time "
		"value or unit: 1M\n"},
	{"service_throttle_time=-1",
		"fatal: parameter service_throttle_time: bad time "
		"value or unit: -1\n"},
	{"service_throttle_time=",
		"fatal: parameter service_throttle_time: bad time "
		"value or unit: \n"},
	{"service_throttle_time=2147483648",
		"fatal: parameter service_throttle_time: bad time "
		"value or unit: 2147483648\n"},
	{"service_throttle_time=35792394m",
		"fatal: parameter service_throttle_time: bad time "
		"value or unit: 35792394m\n"},
	{"multi_instance_enable=maybe", "fatal: bad boolean configuration: "
					"multi_instance_enable = maybe\n"},
	{"smtputf8_enable=$compatibility_level x",
		"fatal: bad boolean configuration: smtputf8_enable = 0 x\n"},
	{"multi_instance_enable=$x yes", "fatal: bad boolean configuration: "
					 "multi_instance_enable =  yes\n"},
	{"mail_owner=", "fatal: bad string length 0 < 1: mail_owner = \n"},
	{"inet_protocols=ipv4 x",
		"fatal: unknown inet_protocols value \"x\" in "
		"\"ipv4 x\"\n"},
	{"inet_protocols=ALL", "fatal: unknown inet_protocols value \"ALL\" in "
			       "\"ALL\"\n"},
	{"compatibility_level=3.6.0.0",
		"fatal: malformed compatibility level syntax: "
		"\"3.6.0.0\"\n"},
	/* Nothing has a value yet. */
	{"compatibility_level=$mail_version",
		"fatal: malformed compatibility level syntax: \"\"\n"},
	{"syslog_facility=LOCAL0",
		"fatal: file /etc/postfix/main.cf: parameter "
		"syslog_facility: unrecognized value: LOCAL0\n"},
	{"myhostname=.x", "warning: valid_hostname: misplaced delimiter: .x\n"
			  "fatal: file /etc/postfix/main.cf: parameter "
			  "myhostname: bad parameter value: .x\n"},
	{"mydomain=1\nmyhostname=a.b",
		"warning: valid_hostname: numeric hostname: 1\n"
		"fatal: file /etc/postfix/main.cf: parameter mydomain: "
		"bad parameter value: 1\n"},
	{"maillog_file=/x", "fatal: maillog_file value '/x' does not match any "
			    "prefix in maillog_file_prefixes\n"},
	{"queue_directory=rel", "fatal: file /etc/postfix/main.cf: parameter "
				"queue_directory: not an absolute path: rel\n"},
	{"mail_owner=${x", "warning: truncated macro reference: \"${x\"\n"
			   "fatal: dictionary mail_dict: macro processing "
			   "error\n"},
	{"import_environment={ a",
		"fatal: import_environment: missing '}' in \"{ a\"\n"},
	{"import_environment= {A=b}c",
		"fatal: import_environment: syntax error after '}' in "
		"\"{A=b}c\"\n"},
	{"import_environment= { =A }",
		"fatal: clean_env: missing attribute name in: =A\n"},
	{"inet_interfaces=nosuch.invalid",
		"fatal: config variable inet_interfaces: host not "
		"found: nosuch.invalid\n"},
	{"inet_interfaces=all 127.0.0.1",
		"fatal: config variable inet_interfaces: host not "
		"found: all\n"},
	{"inet_interfaces=ALL",
		"fatal: config variable inet_interfaces: host not "
		"found: ALL\n"},
};

static void a_wrong_value_is_refused_as_postfix_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(wrong_values); i++) {
		const char *is = read_postfix(wrong_values[i].line, "");

		assert_null(table);
		if (strcmp(is, wrong_values[i].log) != 0)
			fail_msg("%s: %s", wrong_values[i].line, is);
		assert_int_equal(diags.errors_n, 1);
		assert_int_equal(diags.items[0].line, 1);
		assert_non_null(diags.items[0].problem);
	}
}

static void every_wrong_value_is_told(void **state)
{
	(void)state;
	CHECK_TEXT(read_postfix("max_use = x\nmax_idle = y\n\n# c\n"
				"multi_instance_enable = z\n",
			   "u unix - - - - - u\n"),
		"fatal: bad boolean configuration: multi_instance_enable = z\n"
		"fatal: bad numerical configuration: max_use = x\n"
		"fatal: parameter max_idle: bad time value or unit: y\n"
		"/etc/postfix/master.cf: line 1: using backwards-compatible "
		"default setting chroot=y\n");
	CHECK_TEXT(complaints,
		"/etc/postfix/main.cf:1: bad numerical configuration: max_use "
		"= x; write a whole number\n"
		"/etc/postfix/main.cf:2: parameter max_idle: bad time value or "
		"unit: y; write it as in 60s, 5m, 1h, 1d, 1w\n"
		"/etc/postfix/main.cf:5: bad boolean configuration: "
		"multi_instance_enable = z; write yes or no\n"
		"/etc/postfix/master.cf:1: warning: service 'u': using "
		"backwards-compatible default setting chroot=y; write y or n, "
		"or raise compatibility_level\n");
}

static int32_t number_of(const char *line, enum postfix_setting_id id)
{
	CHECK_TEXT(read_postfix(line, ""), "");
	return maincf_number(conf.main, id);
}

static unsigned throttle_s(const char *value)
{
	char line[100];

	(void)snprintf(line, sizeof(line), "service_throttle_time = %s", value);
	CHECK_TEXT(read_postfix(line, ""), "");
	return (unsigned)(maincf_time_ns(
				  conf.main, POSTFIX_service_throttle_time) /
			  NS_PER_S);
}

static void numbers_and_times_are_read(void **state)
{
	const enum postfix_setting_id limit = POSTFIX_default_process_limit;

	(void)state;
	assert_int_equal(number_of("", limit), 100);
	assert_int_equal(number_of("default_process_limit= 07\n", limit), 7);
	assert_int_equal(number_of("default_process_limit=+5\n", limit), 5);
	assert_int_equal(number_of("default_process_limit=$x 5\n", limit), 5);
	assert_int_equal(number_of("default_process_limit=2147483647", limit),
		2147483647);
	assert_int_equal(
		number_of("n=3\ndefault_process_limit=$n$n\n", limit), 33);
	assert_int_equal(
		number_of("tcp_windowsize=-1\n", POSTFIX_tcp_windowsize), -1);
	assert_int_equal(throttle_s("7"), 7);
	assert_int_equal(throttle_s("7s"), 7);
	assert_int_equal(throttle_s("2m"), 120);
	assert_int_equal(throttle_s("2minutes"), 120);
	assert_int_equal(throttle_s("1ms"), 60);
	assert_int_equal(throttle_s("1h"), 3600);
	assert_int_equal(throttle_s("1d"), 86400);
	assert_int_equal(throttle_s("1w"), 604800);
	assert_int_equal(throttle_s("007m"), 420);
	assert_int_equal(throttle_s("35792m"), 35792 * 60);
	assert_int_equal(throttle_s("$max_idle"), 100);
}

static void switches_do_not_care_about_case(void **state)
{
	(void)state;
	CHECK_TEXT(read_postfix("multi_instance_enable = YeS\n", ""), "");
	assert_true(maincf_switch(conf.main, POSTFIX_multi_instance_enable));
	CHECK_TEXT(read_postfix("multi_instance_enable = nO\n", ""), "");
	assert_false(maincf_switch(conf.main, POSTFIX_multi_instance_enable));
}

static const char *text_after(const char *line, enum postfix_setting_id id)
{
	CHECK_TEXT(read_postfix(line, ""), "");
	return maincf_text(conf.main, id);
}

static void a_default_is_seen_by_what_comes_after_it(void **state)
{
	(void)state;
	CHECK_TEXT(text_after("debugger_command = [$queue_directory]",
			   POSTFIX_debugger_command),
		"[/var/spool/postfix]");
	CHECK_TEXT(text_after("daemon_directory = /x/$queue_directory",
			   POSTFIX_daemon_directory),
		"/x/");
	CHECK_TEXT(text_after("daemon_directory = /x$queue_directory\n"
			      "queue_directory = /q",
			   POSTFIX_daemon_directory),
		"/x/q");
	CHECK_TEXT(text_after("multi_instance_name = postfix-out",
			   POSTFIX_syslog_name),
		"postfix-out");
	CHECK_TEXT(text_after("", POSTFIX_syslog_name), "postfix");
	CHECK_TEXT(text_after("maillog_file = /dev/stdout\n",
			   POSTFIX_maillog_file),
		"/dev/stdout");
}

static void the_machine_has_a_name_and_a_domain(void **state)
{
	(void)state;
	CHECK_TEXT(text_after("", POSTFIX_myhostname), "host.localdomain");
	CHECK_TEXT(text_after("", POSTFIX_mydomain), "localdomain");
	CHECK_TEXT(text_after("x = ex\nmydomain = $x.org", POSTFIX_myhostname),
		"host.ex.org");
	CHECK_TEXT(text_after("myhostname = a.b.c", POSTFIX_mydomain), "b.c");
	CHECK_TEXT(
		text_after("myhostname = a", POSTFIX_mydomain), "localdomain");
	request.main.hostname = "full.example.org";
	CHECK_TEXT(text_after("", POSTFIX_myhostname), "full.example.org");
	CHECK_TEXT(text_after("", POSTFIX_mydomain), "example.org");
}

static void the_environment_to_keep_is_a_list(void **state)
{
	const struct postfix_import *import = &conf.import;

	(void)state;
	CHECK_TEXT(read_postfix("import_environment = TZ, X=y { A = b c } "
				"{ D } E=",
			   ""),
		"");
	assert_int_equal(import->n, 5);
	CHECK_TEXT(import->items[0].name, "TZ");
	assert_null(import->items[0].value);
	CHECK_TEXT(import->items[1].name, "X");
	CHECK_TEXT(import->items[1].value, "y");
	CHECK_TEXT(import->items[2].name, "A");
	CHECK_TEXT(import->items[2].value, "b c");
	CHECK_TEXT(import->items[3].name, "D");
	assert_null(import->items[3].value);
	CHECK_TEXT(import->items[4].value, "");
	CHECK_TEXT(read_postfix("", ""), "");
	assert_int_equal(import->n, 9);
	CHECK_TEXT(import->items[6].name, "LANG");
	CHECK_TEXT(import->items[6].value, "C");
	CHECK_TEXT(read_postfix("import_environment =", ""), "");
	assert_int_equal(import->n, 0);
}

static void too_little_memory_is_an_error(void **state)
{
	(void)state;
	for (size_t bytes_max = 1; bytes_max < 120000; bytes_max += 997) {
		request.bytes_max = bytes_max;
		(void)read_postfix("a = b\n", "u unix - - n - - u -o a=b\n");
		if (table == NULL)
			CHECK_TEXT(complaints,
				"/etc/postfix/main.cf: not enough memory for "
				"the configuration\n");
	}
	assert_non_null(table);
}

/* What was in force at the start stays, and what is written is told. */
static void a_pin_keeps_a_value(void **state)
{
	const struct maincf_pin pins[] = {
		{POSTFIX_queue_directory, "/queue/$old"},
		{POSTFIX_inet_protocols, "ipv4"}};

	(void)state;
	request.main.pins = pins;
	request.main.pins_n = COUNT(pins);
	assert_string_equal(
		read_postfix("queue_directory=/new/${mail_name}\n"
			     "inet_protocols=ipv4\nx=$queue_directory\n",
			""),
		"");
	assert_string_equal(
		maincf_text(conf.main, POSTFIX_queue_directory), "/queue/$old");
	assert_string_equal(maincf_ignored(conf.main, POSTFIX_queue_directory),
		"/new/Postfix");
	assert_null(maincf_ignored(conf.main, POSTFIX_inet_protocols));
	assert_null(maincf_ignored(conf.main, POSTFIX_daemon_directory));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		POSTFIX_TEST(a_pin_keeps_a_value),
		POSTFIX_TEST(lines_are_put_together),
		POSTFIX_TEST(the_last_setting_wins_and_is_warned_about),
		POSTFIX_TEST(every_bad_line_is_told),
		POSTFIX_TEST(what_is_behind_a_nul_does_not_count),
		POSTFIX_TEST(a_wrong_value_is_refused_as_postfix_does),
		POSTFIX_TEST(every_wrong_value_is_told),
		POSTFIX_TEST(numbers_and_times_are_read),
		POSTFIX_TEST(switches_do_not_care_about_case),
		POSTFIX_TEST(a_default_is_seen_by_what_comes_after_it),
		POSTFIX_TEST(the_machine_has_a_name_and_a_domain),
		POSTFIX_TEST(the_environment_to_keep_is_a_list),
		POSTFIX_TEST(too_little_memory_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
