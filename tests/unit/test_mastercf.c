/* SPDX-License-Identifier: MIT */
#include "postfix_case.h"

#include <stdio.h>

#include "base/number.h"

/* Everywhere in this file: what Postfix 3.7.11 itself was seen to do. */

static const char current[] = "compatibility_level = 3.6\n";

/* What Postfix logs about these entries, in an instance without a past. */
static const char *read_entries(const char *master_cf)
{
	return read_postfix(current, master_cf);
}

#define INET " inet n - n - - probe"

static const struct postfix_service *service_of(const char *title)
{
	const struct postfix_service *service =
		mastercf_find(&conf.master, title);

	if (service == NULL)
		fail_msg("there is no %s", title);
	return service;
}

static const struct service *row_of(const char *title)
{
	const struct service *row = table_find(table, title);

	if (row == NULL)
		fail_msg("there is no row %s", title);
	return row;
}

static void workers_get_the_command_line_of_postfix(void **state)
{
	static const struct {
		const char *title, *argv;
	} rows[] = {
		{"u/unix", "<probe><-n><u><-t><unix><-u><a  b><><><x{}><-o a=b>"
			   "<{a}><{a} b><}><}{ a{b c}d -o x=$y {\tt\t}>"},
		{"12701/inet", "<probe><-n><12701><-t><inet><-u><-o><stress=>"
			       "<-s><2>"},
		{"127.0.0.1:12702/inet",
			"<probe><-n><127.0.0.1:12702><-t><inet><-u><-x><foo>"},
		{"[::1]:12703/inet",
			"<probe><-z><-n><[::1]:12703><-t><inet><-c>"},
		{"12705/inet", "<probe><-z><-n><12705><-t><inet><-u><-s><2>"},
		{"12706/inet", "<probe><-l><-n><12706><-t><inet><-u><-s><2>"},
		{"12707/inet", "<probe><-n><12707><-t><inet><-u><-o><stress=>"
			       "<-s><2>"},
		{"pu/unix", "<../sbin/probe><-n><pu><-t><unix><-u><-o a b = c>"
			    "<trailing>"},
		{"ps/pass", "<probe><-n><ps><-t><pass><-u><-o><stress=>"},
		{"ps0/pass", "<probe><-z><-n><ps0><-t><pass><-u>"},
		{"pd/unix-dgram", "<probe><-n><pd><-t><unix-dgram><-u><-c>"},
		{"pf/fifo", "<probe><-l><-n><pf><-t><fifo>"},
		{"probe/unix", "<probe><-l><-t><unix><-u>"},
		{"127.0.0.1:probe/unix",
			"<probe><-l><-n><127.0.0.1:probe><-t><unix><-u>"},
		{"two.example:12708/inet",
			"<probe><-n><two.example:12708><-t><inet><-u><-o>"
			"<stress=><-s><2>"},
		{"localhost:12704/inet",
			"<probe><-n><localhost:12704><-t><inet><-u><-s><2>"},
	};

	(void)state;
	CHECK_TEXT(
		read_entries(
			"u unix - - n - - probe {  a  b } {} { } x{} "
			"{-o a=b} {{a}} { {a} b } } }{ a{b c}d -o x=$y {\tt\t}"
			"\n12701 inet n - n - - probe\n"
			"127.0.0.1:12702 inet n - n - - probe -x foo\n"
			"[::1]:12703 inet n n y - 0 probe\n"
			"localhost:12704 inet n - n - - probe\n"
			"12705 inet n - n - 0 probe\n"
			"12706 inet n - n - 1 probe\n"
			"12707 inet n - n - 2 probe\n"
			"two.example:12708 inet n - n - - probe\n"
			"pu unix - - n - - ../sbin/probe { -o a b = c } "
			"trailing\n"
			"ps pass - - n - - probe\nps0 pass - - n - 0 probe\n"
			"pd unix-dgram - - y - - probe\n"
			"pf fifo - n n - 1 probe\nprobe unix - - n - 1 probe\n"
			"127.0.0.1:probe unix - - n - 1 probe\n"),
		"");
	for (size_t i = 0; i < COUNT(rows); i++)
		CHECK_TEXT(argv_of(rows[i].title), rows[i].argv);
	request.birth = (struct postfix_birth){.debug = true, .verbose = true};
	CHECK_TEXT(argv_of("ps/pass"),
		"<probe><-n><ps><-t><pass><-d><-v><-u><-o><stress=>");
	request.birth = (struct postfix_birth){.verbose = true};
	CHECK_TEXT(argv_of("pf/fifo"), "<probe><-l><-n><pf><-t><fifo><-v>");
	CHECK_TEXT(
		row_of("pu/unix")->path, "/usr/lib/postfix/sbin/../sbin/probe");
	CHECK_TEXT(row_of("pu/unix")->command[0], "../sbin/probe");
	CHECK_TEXT(row_of("pu/unix")->command[6], "-o a b = c");
	assert_int_equal(row_of("pu/unix")->command_n, 8);
}

static void the_word_for_stress_can_be_found(void **state)
{
	const struct service *row;

	(void)state;
	CHECK_TEXT(read_entries("ps pass - - n - - probe -o stress=\n"
				"u unix - - n - - probe -o stress=\n"),
		"");
	row = row_of("ps/pass");
	assert_true(row->pass);
	assert_int_equal(
		postfix_stress_word(service_of("ps/pass"), row->command), 7);
	assert_true(row->policy.stress_time_ns == 1000 * NS_PER_S);
	for (unsigned i = 0; i < row->command_n; i++)
		CHECK_TEXT(row->stress_command[i],
			i == 7 ? "stress=yes" : row->command[i]);
	assert_null(row->stress_command[row->command_n]);
	row = row_of("u/unix");
	assert_int_equal(
		postfix_stress_word(service_of("u/unix"), row->command), 0);
	assert_null(row->stress_command);
	assert_true(row->policy.stress_time_ns == 0);
}

static void fields_have_their_defaults(void **state)
{
	const struct postfix_service *service;

	(void)state;
	CHECK_TEXT(read_postfix("compatibility_level = 1\n"
				"default_process_limit = 7\n",
			   "u unix - - - - - probe\n"),
		"");
	service = service_of("u/unix");
	CHECK_TEXT(service->name, "u");
	CHECK_TEXT(service->canonical, "private/u");
	assert_true(service->is_private);
	assert_true(service->is_unprivileged);
	assert_false(service->is_chroot);
	assert_int_equal(service->wakeup_s, 0);
	assert_false(service->wakeup_is_conditional);
	assert_int_equal(service->limit, 7);
	assert_int_equal(service->arguments_n, 0);
	assert_null(service->arguments[0]);
	CHECK_TEXT(service->path, "/usr/lib/postfix/sbin/probe");
	assert_int_equal(service->line, 1);
}

static void without_a_level_a_service_is_in_a_jail(void **state)
{
	(void)state;
	CHECK_TEXT(read_postfix("", "u unix - - - - - probe\n"
				    "v unix - - n - - probe\n"
				    "w unix - - y - - probe\n"),
		"/etc/postfix/master.cf: line 1: using backwards-compatible "
		"default setting chroot=y\n");
	assert_true(service_of("u/unix")->is_chroot);
	assert_false(service_of("v/unix")->is_chroot);
	assert_true(service_of("w/unix")->is_chroot);
}

static void fields_are_read(void **state)
{
	const struct postfix_service *service;

	(void)state;
	CHECK_TEXT(read_entries("# a comment\n\nu fifo n n y 60? 3x\n"
				"# another\n"
				"  probe\n\n\ta {b c}\r\n"
				"v unix y y n 1?? 0 probe # x\n"
				"w unix - - n 0? 0007 probe\n"
				"x unix - - n 5x - probe\n"),
		"");
	service = service_of("u/fifo");
	assert_false(service->is_private);
	assert_false(service->is_unprivileged);
	assert_true(service->is_chroot);
	assert_int_equal(service->wakeup_s, 60);
	assert_true(service->wakeup_is_conditional);
	assert_int_equal(service->limit, 3);
	assert_int_equal(service->arguments_n, 2);
	CHECK_TEXT(service->arguments[1], "b c");
	CHECK_TEXT(service->canonical, "public/u");
	assert_int_equal(service->line, 3);
	service = service_of("v/unix");
	assert_int_equal(service->wakeup_s, 1);
	assert_true(service->wakeup_is_conditional);
	assert_int_equal(service->limit, 0);
	CHECK_TEXT(service->arguments[0], "#");
	service = service_of("w/unix");
	assert_int_equal(service->wakeup_s, 0);
	assert_false(service->wakeup_is_conditional);
	assert_int_equal(service->limit, 7);
	assert_int_equal(service_of("x/unix")->wakeup_s, 5);
	assert_false(service_of("x/unix")->wakeup_is_conditional);
}

static void the_file_must_not_begin_with_a_continuation(void **state)
{
	(void)state;
	CHECK_TEXT(read_entries(" u unix - - n - - probe\n"
				"v unix - - n - - probe\n"),
		"warning: /etc/postfix/master.cf: logical line must not start "
		"with whitespace: \" u unix - - n - - probe\"\n");
	assert_int_equal(conf.master.services_n, 1);
}

static void a_file_may_have_no_service(void **state)
{
	(void)state;
	CHECK_TEXT(read_entries("# nothing\n"), "");
	assert_int_equal(conf.master.services_n, 0);
	assert_int_equal(table->services_n, 0);
}

static void of_duplicates_the_last_one_counts(void **state)
{
	(void)state;
	CHECK_TEXT(
		read_entries("25" INET " a\nu unix - - n - - probe\n:smtp" INET
			     " b\nsmtp" INET " c\n[::1]:26" INET
			     "\n[0::1]:26" INET "\nu unix - - n - - probe d\n"),
		"warning: duplicate master.cf entry for service \"25\" (25) -- "
		"using the last entry\n"
		"warning: duplicate master.cf entry for service \":smtp\" (25) "
		"-- using the last entry\n"
		"warning: duplicate master.cf entry for service \"[::1]:26\" "
		"([::1]:26) -- using the last entry\n"
		"warning: duplicate master.cf entry for service \"u\" "
		"(private/u) -- using the last entry\n");
	assert_int_equal(conf.master.services_n, 3);
	CHECK_TEXT(conf.master.services[0].name, "smtp");
	CHECK_TEXT(conf.master.services[0].arguments[0], "c");
	CHECK_TEXT(conf.master.services[1].arguments[0], "d");
	assert_int_equal(conf.master.services[1].line, 7);
}

static void identity_is_the_canonical_name_and_the_type(void **state)
{
	(void)state;
	CHECK_TEXT(read_entries("u unix y - n - - probe\n"
				"u unix n - n - - probe\n"
				"26" INET "\n26 unix - - n - - probe\n"),
		"");
	assert_int_equal(conf.master.services_n, 4);
	CHECK_TEXT(service_of("u/unix")->canonical, "private/u");
	CHECK_TEXT(service_of("public/u/unix")->canonical, "public/u");
	CHECK_TEXT(row_of("public/u/unix")->endpoints[0].path, "public/u");
	/* Two services for one socket; Postfix lets the later one win. */
	CHECK_TEXT(read_entries("u unix - - n - - a\nu pass - - n - - b\n"),
		"fatal: /etc/postfix/master.cf: line 2: "
		"unix:private/u is already taken by service "
		"'u/unix' at /etc/postfix/master.cf:1\n");
	assert_null(table);
	CHECK_TEXT(complaints,
		"/etc/postfix/master.cf:2: service 'u/pass': "
		"unix:private/u is already taken by service "
		"'u/unix' at /etc/postfix/master.cf:1; choose another name\n");
}

static void one_port_may_have_a_wildcard_and_an_address(void **state)
{
	(void)state;
	CHECK_TEXT(read_entries("26" INET "\n127.0.0.1:26" INET "\n"), "");
	assert_int_equal(table->services_n, 2);
}

/* Which of four services are left if LIST disables some. */
static const char *left_by(const char *list)
{
	static char text[200];
	char main_cf[300];
	struct text_builder builder;

	(void)snprintf(main_cf, sizeof(main_cf),
		"master_service_disable = %s\ncompatibility_level = 3.6\n",
		list);
	CHECK_TEXT(read_postfix(main_cf, "u unix - - n - - probe\n"
					 "w.x unix - - n - - probe\n"
					 "Z unix - - n - - probe\n"
					 "12600" INET),
		"");
	text_builder_init(&builder, text, sizeof(text));
	for (unsigned i = 0; i < conf.master.services_n; i++)
		text_put_format(&builder, "%s%s", i == 0 ? "" : " ",
			conf.master.services[i].name);
	return text;
}

static void services_can_be_disabled(void **state)
{
	(void)state;
	CHECK_TEXT(left_by("unix, inet"), "");
	CHECK_TEXT(left_by("UNIX"), "12600");
	CHECK_TEXT(left_by("u.unix"), "w.x Z 12600");
	CHECK_TEXT(left_by("u/unix w.x.unix z/UNIX"), "12600");
	CHECK_TEXT(left_by("!u/unix unix inet"), "u");
	CHECK_TEXT(left_by("!!u/unix unix"), "12600");
	CHECK_TEXT(left_by("unix !u/unix"), "12600");
	CHECK_TEXT(left_by("12600/inet , w.x.unix"), "u Z");
	CHECK_TEXT(left_by("! unix"), "12600");
	CHECK_TEXT(left_by("u /unix unix/u u/u/unix * .unix ! u/ fifo."),
		"u w.x Z 12600");
	/* What is disabled is not even looked at. */
	CHECK_TEXT(read_postfix("master_service_disable = a/unix\n",
			   "a unix ? ? ?\n"),
		"");
}

static void rows_are_as_postfix_would_have_them(void **state)
{
	const struct service *row;

	(void)state;
	CHECK_TEXT(read_postfix("queue_directory = /q//x/\nmail_owner = mo\n"
				"default_process_limit = 50\nmax_use = 9\n"
				"max_idle = 8\nservice_throttle_time = 7\n",
			   "s unix n - n 60? - probe\nf fifo - - n - 80 probe\n"
			   "d unix-dgram - - n - 0 probe\n25" INET),
		"");
	row = row_of("s/unix");
	CHECK_TEXT(row->endpoints[0].path, "public/s");
	assert_int_equal(row->endpoints[0].kind, ENDPOINT_UNIX);
	CHECK_TEXT(row->directory, "/q//x/");
	CHECK_TEXT(row->socket_owner, "mo");
	assert_null(row->socket_group);
	assert_null(row->user);
	assert_int_equal(row->socket_mode, 0666);
	assert_int_equal(row->umask, 077);
	assert_int_equal(row->backlog, 50);
	assert_int_equal(row->max_use, 9);
	assert_true(row->max_idle_ns == 8 * NS_PER_S);
	assert_true(row->flow && row->nonblocking);
	assert_int_equal(row->policy.process_limit, 50);
	assert_int_equal(row->policy.surge, 0);
	assert_false(row->policy.retire_signal);
	assert_true(row->policy.start_time_limit_ns == 0);
	assert_true(row->policy.wakeup_ns == 60 * NS_PER_S);
	assert_true(row->policy.throttle_time_ns == 7 * NS_PER_S);
	assert_true(row->policy.throttle_whole);
	assert_true(row->policy.wakeup_conditional);
	assert_true(row->policy.leave_time_ns == 0);
	assert_false(row->pass);
	CHECK_TEXT(row->file, "/etc/postfix/master.cf");
	assert_int_equal(row->line, 1);
	row = row_of("f/fifo");
	assert_int_equal(row->endpoints[0].kind, ENDPOINT_FIFO);
	assert_int_equal(row->socket_mode, 0622);
	assert_int_equal(row->backlog, 80);
	row = row_of("d/unix-dgram");
	assert_int_equal(row->endpoints[0].kind, ENDPOINT_DGRAM);
	assert_false(row->policy.wakeup_conditional);
	assert_int_equal(row->policy.process_limit, 0);
	assert_int_equal(row->backlog, 50);
	row = row_of("25/inet");
	assert_null(row->socket_owner);
	CHECK_TEXT(table->runtime_directory, "/run/ostler");
	assert_int_equal(table->log, LOG_SYSLOG);
}

/* The entries that Debian installs, as facts (reference section 5.6). */
static void the_services_of_debian_are_understood(void **state)
{
	const struct postfix_service *service;

	(void)state;
	CHECK_TEXT(read_entries(
			   "smtp      inet  n  -  y  -     -  smtpd\n"
			   "pickup    unix  n  -  y  60    1  pickup\n"
			   "cleanup   unix  n  -  y  -     0  cleanup\n"
			   "qmgr      unix  n  -  n  300   1  qmgr\n"
			   "tlsmgr    unix  -  -  y  1000? 1  tlsmgr\n"
			   "rewrite   unix  -  -  y  -     -  trivial-rewrite\n"
			   "bounce    unix  -  -  y  -     0  bounce\n"
			   "defer     unix  -  -  y  -     0  bounce\n"
			   "flush     unix  n  -  y  1000? 0  flush\n"
			   "proxymap  unix  -  -  n  -     -  proxymap\n"
			   "proxywrite unix -  -  n  -     1  proxymap\n"
			   "smtp      unix  -  -  y  -     -  smtp\n"
			   "relay     unix  -  -  y  -     -  smtp\n"
			   "        -o syslog_name=postfix/$service_name\n"
			   "local     unix  -  n  n  -     -  local\n"
			   "anvil     unix  -  -  y  -     1  anvil\n"
			   "postlog   unix-dgram n - n -   1  postlogd\n"
			   "maildrop  unix  -  n  n  -     -  pipe\n"
			   "  flags=DRXhu user=vmail argv=/usr/bin/maildrop -d "
			   "${recipient}\n"),
		"");
	assert_int_equal(table->services_n, 17);
	CHECK_TEXT(argv_of("smtp/inet"),
		"<smtpd><-n><smtp><-t><inet><-u><-c><-o><stress=><-s><2>");
	CHECK_TEXT(argv_of("pickup/unix"), "<pickup><-l><-t><unix><-u><-c>");
	CHECK_TEXT(argv_of("cleanup/unix"), "<cleanup><-z><-t><unix><-u><-c>");
	CHECK_TEXT(argv_of("defer/unix"),
		"<bounce><-z><-n><defer><-t><unix><-u><-c>");
	CHECK_TEXT(argv_of("relay/unix"),
		"<smtp><-n><relay><-t><unix><-u><-c><-o>"
		"<syslog_name=postfix/$service_name>");
	CHECK_TEXT(argv_of("local/unix"), "<local><-t><unix>");
	CHECK_TEXT(argv_of("postlog/unix-dgram"),
		"<postlogd><-l><-n><postlog><-t><unix-dgram><-u>");
	CHECK_TEXT(argv_of("maildrop/unix"),
		"<pipe><-n><maildrop><-t><unix><flags=DRXhu><user=vmail>"
		"<argv=/usr/bin/maildrop><-d><${recipient}>");
	service = service_of("tlsmgr/unix");
	assert_true(service->wakeup_is_conditional);
	assert_int_equal(service->wakeup_s, 1000);
	CHECK_TEXT(service_of("qmgr/unix")->canonical, "public/qmgr");
}

/* The file itself, where there is one; it is not ours to keep a copy of. */
static void the_file_that_debian_installs_is_read(void **state)
{
	static char text[64 * 1024];
	FILE *file = fopen("/usr/share/postfix/master.cf.dist", "r");
	size_t n;

	(void)state;
	if (file == NULL)
		skip();
	n = fread(text, 1, sizeof(text) - 1, file);
	assert_int_equal(fclose(file), 0);
	text[n] = '\0';
	CHECK_TEXT(read_entries(text), "");
	assert_int_equal(diags.n, 0);
	assert_in_range(table->services_n, 25, 40);
	CHECK_TEXT(argv_of("smtp/inet"),
		"<smtpd><-n><smtp><-t><inet><-u><-c><-o><stress=><-s><2>");
	CHECK_TEXT(argv_of("relay/unix"),
		"<smtp><-n><relay><-t><unix><-u><-c><-o>"
		"<syslog_name=postfix/$service_name>");
	CHECK_TEXT(argv_of("trace/unix"),
		"<bounce><-z><-n><trace><-t><unix><-u><-c>");
}

static void a_thousand_services_are_no_problem(void **state)
{
	static char text[256 * 1024];
	struct text_builder builder;

	(void)state;
	text_builder_init(&builder, text, sizeof(text));
	for (unsigned i = 0; i < 2100; i++)
		text_put_format(
			&builder, "u%u unix - - n - - probe\n", i % 2000);
	assert_false(builder.overflow);
	(void)read_entries(text);
	assert_int_equal(conf.master.services_n, 2000);
	assert_int_equal(table->services_n, 2000);
	assert_int_equal(diags.warnings_n, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		POSTFIX_TEST(workers_get_the_command_line_of_postfix),
		POSTFIX_TEST(the_word_for_stress_can_be_found),
		POSTFIX_TEST(fields_have_their_defaults),
		POSTFIX_TEST(without_a_level_a_service_is_in_a_jail),
		POSTFIX_TEST(fields_are_read),
		POSTFIX_TEST(the_file_must_not_begin_with_a_continuation),
		POSTFIX_TEST(a_file_may_have_no_service),
		POSTFIX_TEST(of_duplicates_the_last_one_counts),
		POSTFIX_TEST(identity_is_the_canonical_name_and_the_type),
		POSTFIX_TEST(one_port_may_have_a_wildcard_and_an_address),
		POSTFIX_TEST(services_can_be_disabled),
		POSTFIX_TEST(rows_are_as_postfix_would_have_them),
		POSTFIX_TEST(the_services_of_debian_are_understood),
		POSTFIX_TEST(the_file_that_debian_installs_is_read),
		POSTFIX_TEST(a_thousand_services_are_no_problem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
