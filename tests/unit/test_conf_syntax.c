/* SPDX-License-Identifier: MIT */
#include "conf_case.h"

#include <stdio.h>

static void a_syntax_error_is_told_with_all_that_came_before(void **state)
{
	(void)state;
	CHECK_TEXT(read_conf("max_ise = 1\n"
			     "service a {\n"
			     "  max_use = x\n"
			     "}\n"
			     "service b {\n"
			     "  listen = {\"*:1\"\n"
			     "            \"*:2\"}\n"
			     "  max_use = y\n"
			     "}\n"),
		"ostler.conf:1: there is no setting 'max_ise'; did you mean "
		"'max_use', in a service block?\n"
		"ostler.conf:2: service 'a': no listen; add listen = "
		"{\"ADDRESS:PORT\"}\n"
		"ostler.conf:2: service 'a': no command; add command = "
		"{\"PROGRAM\", \"ARGUMENT\"}\n"
		"ostler.conf:3: service 'a': max_use: 'x' is not a number; "
		"write digits and nothing else\n"
		"ostler.conf:7: service 'b': not expected here: '*:2'; correct "
		"it; the rest of the file was not read\n");
}

struct fault {
	const char *text;
	const char *said; /* without "ostler.conf:" */
};

static const struct fault faults[] = {
	{"servce a { }", "1: 'servce' is neither a setting nor a "
			 "block; did you mean 'service'?"},
	{"frobnicate(1)", "1: 'frobnicate' is neither a setting nor a "
			  "block; write NAME = VALUE, or service NAME "
			  "{ ... }"},
	{"service a {\nservice b {\n}\n}",
		"2: service 'a': 'service' inside of a service block; "
		"close the block that began on line 1 with }"},
	{"service a {\nservice b {\n}\n",
		"2: service 'a': 'service' inside of a service block; "
		"close the block that began on line 1 with }"},
	{"service a {\n\ninclude(\"x\")\n}",
		"3: service 'a': 'include' inside of a service block; "
		"include files outside of the service blocks"},
	{"service { }", "1: a block without a name: 'service'; "
			"correct it; the rest of the file was not "
			"read"},
	{"service a b { }",
		"1: no { behind the name of the block: 'service'; correct it; the rest of the "
		"file was not read"},
	{"\n}", "2: a } without its {; correct it; the rest of "
		"the file was not read"},
	{"log", "1: the file ends in the middle of something; correct it; the rest of the "
		"file was not read"},
	{"log stderr", "1: no = behind: 'log'; "
		       "correct it; the rest of the file was not "
		       "read"},
	{"log = = x", "1: no name before '=' or '('; write NAME = "
		      "VALUE, the name without quotes"},
	{"\"log\" = x", "1: no name before '=' or '('; write NAME = "
			"VALUE, the name without quotes"},
	{"\"service|log\" = x", "1: no name before '=' or '('; write "
				"NAME = VALUE, the name without "
				"quotes"},
	{"log = {}", "1: an empty list; leave the setting out, or give "
		     "it something"},
	{"log = {stderr", "1: a list that does not end; close it with "
			  "}"},
	{"\n\nservice a {\n\n", "3: a block that does not end; close "
				"it with }"},
	{"\nlog = \"stderr\n\n", "2: a string that does not end on its "
				 "line; close it with \""},
	{"log = 'stderr\n'", "1: a string that does not end on its "
			     "line; close it with '"},
	{"\n/* x\n\n", "2: a comment that does not end; write */"},
	{"log = \"a\\qb\"", "1: an escape sequence that is not known; "
			    "write \\\\ \\\" \\n \\r \\t or \\xHH"},
	{"log = \"a\\x00b\"", "1: an escape sequence that is not "
			      "known; write \\\\ \\\" \\n \\r \\t or "
			      "\\xHH"},
	{"log = \"a\\x1\"", "1: an escape sequence that is not known; "
			    "write \\\\ \\\" \\n \\r \\t or \\xHH"},
	{"log = \"a\\101\"", "1: an escape sequence that is not known; "
			     "write \\\\ \\\" \\n \\r \\t or \\xHH"},
	{"log = \"a\x01\"", "1: a control character in a string; write "
			    "it as \\xHH, or remove it"},
	{"log = *b", "1: a character that means nothing here; put "
		     "what it belongs to between quotes"},
	{"log = ${HOME}", "1: a character that means nothing here; put "
			  "what it belongs to between quotes"},
	{"log + x", "1: a character that means nothing here; put what "
		    "it belongs to between quotes"},
	{"log = \xc3\xa4", "1: a character that means nothing here; "
			   "put what it belongs to between quotes"},
	{"log = http://x", "1: a word with // in it, which is a "
			   "comment to some; put it between quotes"},
	{"include()", "1: nothing to include; write "
		      "include(\"FILE\")"},
	{"include(\"x\"", "1: no ) behind the file's name; write "
			  "include(\"FILE\")"},
	{"include(\"x\", \"y\")", "1: no ) behind the file's name; "
				  "write include(\"FILE\")"},
	{"include \"x\"",
		"1: no ( behind: 'include'; correct it; the rest of the "
		"file was not read"},
	{"log = stderr )", "1: a ) without its (; remove it"},
};

static void what_is_not_the_grammar_is_told_once(void **state)
{
	char expected[300];

	(void)state;
	for (size_t i = 0; i < COUNT(faults); i++) {
		(void)snprintf(expected, sizeof(expected), "ostler.conf:%s\n",
			faults[i].said);
		if (strcmp(read_conf(faults[i].text), expected) != 0)
			fail_msg("%s: %s", faults[i].text, complaints);
	}
}

static void a_nul_is_no_end(void **state)
{
	static const char text[] = "service a { listen = \"*:1\" "
				   "command = x }\n\0 log = y";
	static const char quoted[] = "log = \"a\0b\"";

	(void)state;
	CHECK_TEXT(read_bytes((struct text){text, sizeof(text) - 1}),
		"ostler.conf:2: a character that means nothing here; put what "
		"it belongs to between quotes\n");
	CHECK_TEXT(read_bytes((struct text){quoted, sizeof(quoted) - 1}),
		"ostler.conf:1: a control character in a string; write it as "
		"\\xHH, or remove it\n");
}

static void a_cut_off_file_is_never_taken_for_a_whole_one(void **state)
{
	static const char text[] =
		"log = \"stderr\" # c\n"
		"service a { listen = {\"*:1\", 'unix:x'} /* y */\n"
		"command = \"x\" ready = notify }";

	(void)state;
	CHECK_TEXT(read_conf(text), "");
	for (size_t n = 0; n < sizeof(text) - 2; n++) {
		(void)read_bytes((struct text){text, n});
		if (table != NULL)
			fail_msg("%zu bytes were enough", n);
	}
}

static void control_characters_are_shown_not_sent(void **state)
{
	(void)state;
	request.file = "a\x1b.conf";
	CHECK_TEXT(read_service("log = 1 on_deaf = \"\\x1b[2J\""),
		"a\\x1b.conf:4: service 'a': there is no setting 'log'; it "
		"belongs outside of the service blocks\n"
		"a\\x1b.conf:4: service 'a': on_deaf: there is no "
		"'\\x1b[2J'; write show or kill\n");
}

static void too_large_a_file_is_refused(void **state)
{
	static char text[1024 * 1024 + 1];

	(void)state;
	memset(text, '\n', sizeof(text));
	CHECK_TEXT(read_bytes((struct text){text, sizeof(text)}),
		"ostler.conf: larger than 1M; split it and use include\n");
	CHECK_TEXT(read_bytes((struct text){text, sizeof(text) - 1}),
		"ostler.conf: no service at all; add service NAME { ... }\n");
}

static void included_files_count_as_if_they_stood_there(void **state)
{
	static const struct virtual_file files[] = {
		{"conf.d/b.conf",
			"\nservice b { listen = \"*:2\" command = x }"},
		{"conf.d/c.conf", "log = syslog"},
		{NULL, NULL},
	};

	(void)state;
	virtual_files = files;
	CHECK_TEXT(read_conf("service a { listen = \"*:1\" command = x }\n"
			     "include(\"conf.d/*.conf\")\n"),
		"");
	assert_int_equal(table->services_n, 2);
	CHECK_TEXT(table->services[1].file, "conf.d/b.conf");
	assert_int_equal(table->services[1].line, 2);
	assert_int_equal(table->log, LOG_SYSLOG);
}

static void complaints_name_the_included_file(void **state)
{
	static const struct virtual_file files[] = {
		{"/etc/x/b.conf", "\nservice b { listen = \"*:1\" command = x "
				  "max_use = x }\nlog = syslog\n"},
		{NULL, NULL},
	};

	(void)state;
	virtual_files = files;
	request.file = "/etc/x/a.conf";
	CHECK_TEXT(read_conf("include(\"b.conf\") log = stderr\n"
			     "service a { listen = \"*:1\" command = x }\n"),
		"/etc/x/b.conf:2: service 'b': max_use: 'x' is not a number; "
		"write digits and nothing else\n"
		"/etc/x/b.conf:2: service 'b': *:1 is already taken by service "
		"'a' at /etc/x/a.conf:2; choose another address or port\n"
		"/etc/x/b.conf:3: log is given twice, first at "
		"/etc/x/a.conf:1; remove one of them\n");
}

static void includes_count_from_the_file_that_says_so(void **state)
{
	static const struct virtual_file files[] = {
		{"/etc/x/sub/b.conf", "include(\"c.conf\")\n"
				      "include(\"/etc/d.conf\")"},
		{"/etc/x/sub/c.conf",
			"service c { listen = \"*:1\" command = x }"},
		{"/etc/d.conf", "service d { listen = \"*:2\" command = x }"},
		{NULL, NULL},
	};

	(void)state;
	virtual_files = files;
	request.file = "/etc/x/a.conf";
	CHECK_TEXT(read_conf("include(\"sub/b.conf\")"), "");
	assert_int_equal(table->services_n, 2);
}

static void an_include_that_fails_is_told_with_its_line(void **state)
{
	(void)state;
	CHECK_TEXT(read_conf("\n\ninclude(\"x.conf\")\ninclude(\"*\")"),
		"ostler.conf:3: cannot include x.conf: No such file or "
		"directory; correct the path, or remove the line\n");
	request.read = NULL;
	CHECK_TEXT(read_conf("include(\"x.conf\")"),
		"ostler.conf:1: include cannot be used here; write everything "
		"into one file\n");
}

static void a_cycle_is_refused(void **state)
{
	static const struct virtual_file files[] = {
		{"b.conf", "include(\"c.conf\")"},
		{"c.conf", "include(\"b.conf\")"},
		{"ostler.conf", "include(\"ostler.conf\")"},
		{NULL, NULL},
	};

	(void)state;
	virtual_files = files;
	CHECK_TEXT(read_conf("include(\"b.conf\")"),
		"c.conf: includes b.conf, which leads back to itself; remove "
		"the include\n");
	CHECK_TEXT(read_conf("include(\"ostler.conf\")"),
		"ostler.conf: includes ostler.conf, which leads back to "
		"itself; remove the include\n");
}

/* A file system without end: every name exists, and includes another. */
static const char *read_deeper(
	void *context, const char *pattern, struct conf_files *files)
{
	unsigned *serial = context;
	char name[80], text[80];

	(void)pattern;
	(void)snprintf(name, sizeof(name), "%u", ++*serial);
	(void)snprintf(text, sizeof(text),
		"include(\"x\") include(\"x\") include(\"x\")");
	conf_files_add(files, name, text_of(text));
	return NULL;
}

static void includes_without_end_come_to_one(void **state)
{
	unsigned serial = 0;

	(void)state;
	request.read = read_deeper;
	request.context = &serial;
	assert_non_null(
		strstr(read_conf("include(\"x\")"), "too many included files"));
	assert_true(serial < 1000);
}

/* A file system in which every file includes one more. */
static const char *read_one_deeper(
	void *context, const char *pattern, struct conf_files *files)
{
	unsigned *serial = context;
	char name[80];

	(void)pattern;
	(void)snprintf(name, sizeof(name), "%u", ++*serial);
	conf_files_add(files, name, text_of("include(\"x\")"));
	return NULL;
}

static void includes_go_eight_deep(void **state)
{
	unsigned serial = 0;

	(void)state;
	request.read = read_one_deeper;
	request.context = &serial;
	CHECK_TEXT(read_conf("include(\"x\")"),
		"8:1: too many included files; include less, or less deeply\n");
	assert_int_equal(serial, 8);
}

static const char *find_only_true(void *context, const char *path)
{
	unsigned *asked = context;

	++*asked;
	return strcmp(path, "/bin/true") == 0 ? NULL
					      : "No such file or directory";
}

static void commands_are_looked_for(void **state)
{
	unsigned asked = 0;

	(void)state;
	request.probe = find_only_true;
	request.context = &asked;
	CHECK_TEXT(read_conf("service a { listen = \"*:1\" "
			     "command = {\"/bin/true\", \"/bin/false\"} }\n"
			     "service b { listen = \"*:2\" command = true }\n"
			     "service c { listen = \"*:3\"\n"
			     "command = \"/bin/false\" }\n"),
		"ostler.conf:2: service 'b': command: "
		"/usr/libexec/ostler/true: No such file or directory; write "
		"the whole path, if it is somewhere else\n"
		"ostler.conf:4: service 'c': command: /bin/false: No such file "
		"or directory; correct the path\n");
	assert_int_equal(asked, 3);
}

/* Whatever allocation is the first to fail. */
static void running_out_of_memory_is_a_complaint(void **state)
{
	static const struct virtual_file files[] = {
		{"b.conf", "service b { listen = \"*:1\" command = x "
			   "environment = {\"A=1\", \"B=2\"} }"},
		{NULL, NULL},
	};
	size_t refused = 0;

	(void)state;
	virtual_files = files;
	for (size_t bytes = 1; bytes < 30000; bytes += 16) {
		request.bytes_max = bytes;
		(void)read_conf("nonsense = 1 include(\"b.conf\") "
				"service a { listen = {\"*:1\", unix:a} "
				"command = {x, y} user = u bad = 3 }");
		assert_null(table);
		if (strstr(complaints, "not enough memory") != NULL)
			refused++;
	}
	assert_true(refused > 100);
	for (size_t bytes = 1; bytes < 30000; bytes += 16) {
		request.bytes_max = bytes;
		(void)read_service("user = u");
		if (table == NULL)
			CHECK_TEXT(complaints,
				"ostler.conf: not enough memory for this "
				"configuration; make it smaller, or the "
				"machine larger\n");
	}
	assert_non_null(table);
}

/* The same in the table itself: endpoints take more there than as words. */
static void running_out_of_memory_for_the_table_is_a_complaint(void **state)
{
	static char text[4000];
	struct text_builder builder;
	unsigned refused = 0;

	(void)state;
	text_builder_init(&builder, text, sizeof(text));
	text_put_format(&builder, "runtime_directory = /%080d\n", 0);
	text_put(&builder, "service a { command = x listen = {unix:0");
	for (int i = 1; i < 50; i++)
		text_put_format(&builder, ",unix:%d", i);
	text_put_char(&builder, '}');
	text_put(&builder, "}");
	assert_false(builder.overflow);
	for (size_t bytes = 1; bytes < 30000; bytes += 16) {
		request.bytes_max = bytes;
		(void)read_conf(text);
		if (table != NULL)
			assert_int_equal(table->services_n, 1);
		else
			refused++;
	}
	assert_true(refused > 100);
	assert_non_null(table);
	assert_true(arena_bytes_used(table->arena) > 8000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONF_TEST(a_syntax_error_is_told_with_all_that_came_before),
		CONF_TEST(what_is_not_the_grammar_is_told_once),
		CONF_TEST(a_nul_is_no_end),
		CONF_TEST(a_cut_off_file_is_never_taken_for_a_whole_one),
		CONF_TEST(control_characters_are_shown_not_sent),
		CONF_TEST(too_large_a_file_is_refused),
		CONF_TEST(included_files_count_as_if_they_stood_there),
		CONF_TEST(complaints_name_the_included_file),
		CONF_TEST(includes_count_from_the_file_that_says_so),
		CONF_TEST(an_include_that_fails_is_told_with_its_line),
		CONF_TEST(a_cycle_is_refused),
		CONF_TEST(includes_without_end_come_to_one),
		CONF_TEST(includes_go_eight_deep),
		CONF_TEST(commands_are_looked_for),
		CONF_TEST(running_out_of_memory_is_a_complaint),
		CONF_TEST(running_out_of_memory_for_the_table_is_a_complaint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
