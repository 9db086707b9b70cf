/* SPDX-License-Identifier: MIT */
#include "postfix_case.h"

#include <stdio.h>

/* Everywhere in this file: what Postfix 3.7.11 itself was seen to do. */

static const char current[] = "compatibility_level = 3.6\n";

/* What Postfix logs about these entries, in an instance without a past. */
static const char *read_entries(const char *master_cf)
{
	return read_postfix(current, master_cf);
}

struct wrong_entry {
	const char *entry;
	const char *log; /* behind "fatal: /etc/postfix/master.cf: line 1: " */
};

static void check_wrong(const struct wrong_entry *rows, size_t n)
{
	char should[1024];

	for (size_t i = 0; i < n; i++) {
		const char *is = read_entries(rows[i].entry);

		(void)snprintf(should, sizeof(should),
			"fatal: /etc/postfix/master.cf: line 1: %s\n",
			rows[i].log);
		if (strcmp(is, should) != 0)
			fail_msg("%s: is %s, should be %s", rows[i].entry, is,
				should);
		assert_null(table);
		assert_int_equal(diags.n, 1);
		assert_int_equal(diags.items[0].line, 1);
	}
}

static void a_wrong_field_is_refused_as_postfix_does(void **state)
{
	static const struct wrong_entry rows[] = {
		{"u", "missing \"transport type\" field"},
		{"u unix", "missing \"private\" field"},
		{"u unix -", "missing \"unprivileged\" field"},
		{"u unix - -", "missing \"chroot\" field"},
		{"u unix - - n", "missing \"wakeup_time\" field"},
		{"u unix - - n -", "missing \"max_proc\" field"},
		{"u unix - - n - -", "missing \"command\" field"},
		{"u unix - - n - 1", "missing \"command\" field"},
		{"u - - - n - - probe",
			"field \"transport type\" has no default value"},
		{"u\vunix - - n - - probe",
			"field \"transport type\" has no default value"},
		{"25 inet - - n - - probe", "inet service cannot be private"},
		{"25 inet y - n - - probe", "inet service cannot be private"},
		{"25 inet n - n - - -",
			"field \"command\" has no default value"},
		{"u Unix - - n - - probe", "bad transport type: Unix"},
		{"u unix Y - n - - probe",
			"field \"private\": bad value: \"Y\""},
		{"u unix - x n - - probe",
			"field \"unprivileged\": bad value: \"x\""},
		{"u unix - - maybe - - probe",
			"field \"chroot\": bad value: \"maybe\""},
		{"u unix - - n x1 - probe",
			"field \"wakeup_time\": bad value: \"x1\""},
		{"u unix - - n ? - probe",
			"field \"wakeup_time\": bad value: \"?\""},
		{"u unix - - n -1 - probe",
			"field \"wakeup_time\": bad value: \"-1\""},
		{"u unix - - n 2147483648 - probe",
			"field \"wakeup_time\": bad value: \"2147483648\""},
		{"u unix - - n - -1 probe",
			"field \"max_proc\": bad value: \"-1\""},
		{"u unix - - n - x probe",
			"field \"max_proc\": bad value: \"x\""},
		{"u unix - - n - 2147483648 probe",
			"field \"max_proc\": bad value: \"2147483648\""},
		{"u unix - - n - - probe { a", "missing '}' in \"{ a\""},
		{"u unix - - n - - probe {a}b",
			"syntax error after '}' in \"{a}b\""},
		{"u unix - - n - - probe a{b c}d {e}f",
			"syntax error after '}' in \"{e}f\""},
		{"u unix - - n - - probe {a}}",
			"syntax error after '}' in \"{a}}\""},
	};

	(void)state;
	check_wrong(rows, COUNT(rows));
}

#define INET " inet n - n - - probe"

static void a_wrong_inet_name_is_refused_as_postfix_does(void **state)
{
	static const struct wrong_entry rows[] = {
		{"host:" INET, "missing service information in \"host:\""},
		{":" INET, "missing service information in \":\""},
		{"::" INET, "missing service information in \"::\""},
		{"[::1" INET, "missing \"]\" in \"[::1\""},
		{"[::1]x" INET, "garbage after \"]\" in \"[::1]x\""},
		{"[::1]:" INET, "missing service information in \"[::1]:\""},
		{"[::1]" INET, "missing service information in \"[::1]\""},
		{"[]:" INET, "missing service information in \"[]:\""},
		{"[]:25" INET, "valid hostname or network address required in "
			       "\"[]:25\""},
		{"33x" INET, "garbage after numerical service in \"33x\""},
		{"1.2.3.4" INET,
			"garbage after numerical service in \"1.2.3.4\""},
		{"127.0.0.1:33x" INET, "garbage after numerical service in "
				       "\"127.0.0.1:33x\""},
		{"a:12x" INET, "garbage after numerical service in \"a:12x\""},
		{"-x:25" INET, "valid hostname or network address required in "
			       "\"-x:25\""},
		{"1.2.3:25" INET,
			"valid hostname or network address required in "
			"\"1.2.3:25\""},
		{"256.1.1.1:25" INET,
			"valid hostname or network address required in "
			"\"256.1.1.1:25\""},
		{"*:25" INET, "valid hostname or network address required in "
			      "\"*:25\""},
		{"a..b:25" INET,
			"valid hostname or network address required in "
			"\"a..b:25\""},
		{"localhost.:25" INET,
			"valid hostname or network address required in "
			"\"localhost.:25\""},
		{"a:b:c" INET, "valid hostname or network address required in "
			       "\"a:b:c\""},
		{"::1" INET, "valid hostname or network address required in "
			     "\"::1\""},
		{"x]:25" INET, "valid hostname or network address required in "
			       "\"x]:25\""},
		{"ipv6:::1:25" INET,
			"valid hostname or network address required in "
			"\"ipv6:::1:25\""},
		{"fe80::1%lo:25" INET,
			"valid hostname or network address required in "
			"\"fe80::1%lo:25\""},
		{"[ipv6:127.0.0.1]:25" INET,
			"malformed IPv6 address in \"[ipv6:127.0.0.1]:25\""},
		{"[ipv6:x]:25" INET,
			"malformed IPv6 address in \"[ipv6:x]:25\""},
		{"nosuch.invalid:25" INET,
			"bad hostname or network address: nosuch.invalid:25"},
		{"a_b:25" INET, "bad hostname or network address: a_b:25"},
		/* These Postfix takes, to listen somewhere else, or to fail
		 * where it cannot say where. */
		{"127.0.0.1:70000" INET,
			"port not from 1 to 65535 in \"127.0.0.1:70000\""},
		{"0" INET, "port not from 1 to 65535 in \"0\""},
		{"[::ffff:127.0.0.1]:25" INET, "IPv4 address in IPv6 form in "
					       "\"[::ffff:127.0.0.1]:25\""},
		{"../x unix - - n - - probe", "bad service name: ../x"},
	};

	(void)state;
	check_wrong(rows, COUNT(rows));
}

static void some_errors_have_no_place_in_the_log(void **state)
{
	(void)state;
	CHECK_TEXT(read_entries("\nnosuch" INET),
		"fatal: 0.0.0.0:nosuch: Servname not supported for "
		"ai_socktype\n");
	CHECK_TEXT(complaints,
		"/etc/postfix/master.cf:2: service 'nosuch': 0.0.0.0:nosuch: "
		"Servname not supported for ai_socktype; write a number, or a "
		"name that is in known_tcp_ports or /etc/services\n");
	CHECK_TEXT(read_entries("127.0.0.1:SMTP" INET),
		"fatal: 127.0.0.1:SMTP: Servname not supported for "
		"ai_socktype\n");
	CHECK_TEXT(
		read_entries("nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
			     "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
			     "nnnnnn unix - - n - - probe"),
		"fatal: unix-domain name too long: "
		"private/nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
		"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
		"nnnnnn\n");
}

static void every_error_of_a_line_is_told(void **state)
{
	(void)state;
	CHECK_TEXT(read_entries("33x inet y q q q q a {b\nu unix - - n - - u\n"
				"v unix z\n"),
		"fatal: /etc/postfix/master.cf: line 1: inet service cannot be "
		"private\n"
		"fatal: /etc/postfix/master.cf: line 1: field "
		"\"unprivileged\": bad value: \"q\"\n"
		"fatal: /etc/postfix/master.cf: line 1: field \"chroot\": bad "
		"value: \"q\"\n"
		"fatal: /etc/postfix/master.cf: line 1: field \"wakeup_time\": "
		"bad value: \"q\"\n"
		"fatal: /etc/postfix/master.cf: line 1: field \"max_proc\": "
		"bad value: \"q\"\n"
		"fatal: /etc/postfix/master.cf: line 1: missing '}' in "
		"\"{b\"\n"
		"fatal: /etc/postfix/master.cf: line 1: garbage after "
		"numerical service in \"33x\"\n"
		"fatal: /etc/postfix/master.cf: line 3: field \"private\": bad "
		"value: \"z\"\n"
		"fatal: /etc/postfix/master.cf: line 3: missing "
		"\"unprivileged\" field\n");
	assert_int_equal(conf.master.services_n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		POSTFIX_TEST(a_wrong_field_is_refused_as_postfix_does),
		POSTFIX_TEST(a_wrong_inet_name_is_refused_as_postfix_does),
		POSTFIX_TEST(some_errors_have_no_place_in_the_log),
		POSTFIX_TEST(every_error_of_a_line_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
