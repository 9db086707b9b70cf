/* SPDX-License-Identifier: MIT */
#include "conf_case.h"

#include <stdio.h>

static void a_typo_in_a_value_is_never_a_default(void **state)
{
	static const struct refusal refusals[] = {
		{"max_use = 12x", "max_use: '12x' is not a number; write "
				  "digits and nothing else"},
		{"max_use = \"\"", "max_use: '' is not a number; write digits "
				   "and nothing else"},
		{"max_use = -1", "max_use: '-1' is not a number; write digits "
				 "and nothing else"},
		{"max_use = 0x10", "max_use: '0x10' is not a number; write "
				   "digits and nothing else"},
		{"max_use = 1000000001", "max_use: '1000000001' is too large; "
					 "give it 0 to 1000000000"},
		{"max_use = 99999999999999999999",
			"max_use: '99999999999999999999' is too large; give it "
			"0 to 1000000000"},
		{"process_limit = 100001", "process_limit: '100001' is too "
					   "large; give it 0 to 100000"},
		{"start_rate = 0",
			"start_rate: '0' is too small; give it 1 to 100000"},
		{"start_burst = -1", "start_burst: '-1' is not a number; write "
				     "digits and nothing else"},
		{"backlog = 0", "backlog: '0' is too small; give it 1 to "
				"65535"},
		{"max_idle = 100", "max_idle: '100' has no unit; write it as "
				   "in 100s, 1.5s, 200ms, 5m, 1h, 1d"},
		{"max_idle = 100sec",
			"max_idle: '100sec' has a unit that is not known; "
			"write it as in 100s, 1.5s, 200ms, 5m, 1h, 1d"},
		{"max_idle = ten", "max_idle: 'ten' is not a duration; write "
				   "it as in 100s, 1.5s, 200ms, 5m, 1h, 1d"},
		{"max_idle = 366d",
			"max_idle: '366d' is too large; give it 0 to 365d"},
		{"deaf_time = 1ms", "deaf_time: '1ms' is too small; give it "
				    "10ms to 365d"},
		{"throttle_time = 0", "throttle_time: '0' is too small; give "
				      "it 1ms to 365d"},
		{"umask = 088", "umask: '088' is not an octal number; write it "
				"as in 0660, with digits from 0 to 7"},
		{"socket_mode = 1777", "socket_mode: '1777' is too large; give "
				       "it 0000 to 0777"},
		{"limit_as = 1X", "limit_as: '1X' has a unit that is not "
				  "known; write it as in 65536, 64k, 1M, 2G"},
		{"limit_as = 1k", "limit_as: '1k' is too small; give it 64k or "
				  "more"},
		{"limit_as = unlimitd", "limit_as: 'unlimitd' is not a size; "
					"write it as in 65536, 64k, 1M, 2G"},
		{"limit_cpu = 10", "limit_cpu: '10' has no unit; write it as "
				   "in 100s, 1.5s, 200ms, 5m, 1h, 1d"},
		{"limit_cpu = 1.5s", "limit_cpu: '1.5s' is not a number of "
				     "whole seconds; round it"},
		{"limit_nofile = unlimited",
			"limit_nofile: 'unlimited' is not a number; write "
			"digits and nothing else"},
		{"retire_signal = true", "retire_signal: 'true' is neither yes "
					 "nor no; write yes or no"},
		{"on_deaf = kil",
			"on_deaf: there is no 'kil'; write show or kill"},
		{"ready = \"\"",
			"ready: there is no ''; write presume or notify"},
		{"max_use = {1, 2}", "max_use has 2 values; give it one"},
		{"max_use = 1 max_use += 2", "max_use has 2 values; give it "
					     "one"},
	};

	(void)state;
	check_refusals(refusals, COUNT(refusals));
}

static void names_and_paths_are_checked(void **state)
{
	static const struct refusal refusals[] = {
		{"user = \"\"",
			"user: '' is no name of a user; write a name, or a "
			"number"},
		{"user = \"a b\"",
			"user: 'a b' is no name of a user; write a name, or a "
			"number"},
		{"user = \"a:b\"",
			"user: 'a:b' is no name of a user; write a name, or a "
			"number"},
		{"group = \"-1\"",
			"group: '-1' is no name of a group; write a name, or a "
			"number"},
		{"socket_owner = \"\\n\"",
			"socket_owner: '\\x0a' is no name of a user; write a "
			"name, or a number"},
		{"directory = tmp", "directory: 'tmp' is not an absolute path; "
				    "begin it with /"},
		{"directory = \"\"", "directory: '' is not an absolute path; "
				     "begin it with /"},
		{"directory = /a/../b", "directory: '/a/../b' has a .. in it; "
					"write it without .."},
	};

	(void)state;
	check_refusals(refusals, COUNT(refusals));
}

static void a_name_has_64_characters_at_most(void **state)
{
	char more[100];

	(void)state;
	for (int n = 64; n <= 65; n++) {
		(void)snprintf(more, sizeof(more), "user = \"%0*d\"", n, 1);
		assert_int_equal(
			strstr(read_service(more), "is no name") != NULL,
			n > 64);
	}
}

static void variables_are_checked(void **state)
{
	static const struct refusal refusals[] = {
		{"environment = A",
			"environment: 'A' is no variable; write "
			"\"NAME=VALUE\", the name of letters, digits and _"},
		{"environment = \"=x\"",
			"environment: '=x' is no variable; write "
			"\"NAME=VALUE\", the name of letters, digits and _"},
		{"environment = \"1A=x\"",
			"environment: '1A=x' is no variable; write "
			"\"NAME=VALUE\", the name of letters, digits and _"},
		{"environment = \"A B=x\"",
			"environment: 'A B=x' is no variable; write "
			"\"NAME=VALUE\", the name of letters, digits and _"},
		{"environment = \"GENERATION=1\"",
			"environment: 'GENERATION' is set by the master; "
			"remove it"},
		{"environment = \"OSTLER_SERVICE=x\"",
			"environment: 'OSTLER_SERVICE' is set by the master; "
			"remove it"},
		{"environment = {\"A=1\", \"AB=1\", \"A=2\"}",
			"environment: 'A' is given twice; remove one of them"},
	};

	(void)state;
	check_refusals(refusals, COUNT(refusals));
}

static void too_many_variables_are_refused(void **state)
{
	static char text[30000];
	struct text_builder builder;

	(void)state;
	text_builder_init(&builder, text, sizeof(text));
	text_put(&builder, "service a { listen = \"*:1\" command = x\n"
			   "environment = \"A=1\"");
	for (int i = 1; i < 201; i++)
		text_put_format(&builder, " environment += \"A%d=\"", i);
	text_put(&builder, "}");
	assert_false(builder.overflow);
	CHECK_TEXT(read_conf(text),
		"ostler.conf:2: service 'a': environment has 201 variables, "
		"and 200 may be; put the rest into a file that the command "
		"reads\n");
}

static void settings_that_do_not_go_together_are_refused(void **state)
{
	static const struct refusal refusals[] = {
		{"process_limit = 1 surge = 1",
			"surge with process_limit = 1: there must never be two "
			"workers; remove it, or raise process_limit"},
		{"process_limit = 4 spare_min = 5",
			"spare_min = 5 is more than process_limit = 4; lower "
			"it, or raise the other"},
		{"process_limit = 4 share = 5",
			"share = 5 is more than process_limit = 4; lower it, "
			"or raise the other"},
		{"wakeup = 99ms",
			"wakeup: so short a period would keep the master busy; "
			"give it 100ms or more, or 0 for never"},
		{"mold = yes status_channel = shared",
			"mold with status_channel = shared: who a mold has "
			"made is known by a channel of its own; remove "
			"status_channel = shared"},
		{"mold = yes nonblocking = no",
			"mold with nonblocking = no: such servers do not say "
			"when they are ready; remove nonblocking = no"},
	};

	(void)state;
	check_refusals(refusals, COUNT(refusals));
}

static void unknown_settings_get_the_nearest_name(void **state)
{
	static const struct refusal refusals[] = {
		{"max_ise = 1", "there is no setting 'max_ise'; did you mean "
				"'max_use'?"},
		{"Max_Use = 1", "there is no setting 'Max_Use'; did you mean "
				"'max_use'?"},
		{"workers_max = 1",
			"there is no setting 'workers_max'; it belongs outside "
			"of the service blocks"},
		{"run_time_directory = x",
			"there is no setting 'run_time_directory'; did you "
			"mean 'runtime_directory', outside of the blocks?"},
		{"frobnicate = {1, 2}",
			"there is no setting 'frobnicate'; see ostler.conf(5) "
			"for what there is"},
		{"a_name_longer_than_any_setting_could_ever_be = 1",
			"there is no setting "
			"'a_name_longer_than_any_setting_could_ever_be'; see "
			"ostler.conf(5) for what there is"},
	};

	(void)state;
	check_refusals(refusals, COUNT(refusals));
}

static void an_unknown_setting_stops_nothing(void **state)
{
	(void)state;
	CHECK_TEXT(read_conf("max_use = 1\n"
			     "one = 1\n"
			     "service a {\n"
			     "  two = {1,\n"
			     "  2}\n"
			     "  two = 3\n"
			     "  max_use = x\n"
			     "}\n"
			     "three = 3\n"
			     "service b { two = 4 }\n"),
		"ostler.conf:1: there is no setting 'max_use'; it belongs into "
		"a service block\n"
		"ostler.conf:2: there is no setting 'one'; see "
		"ostler.conf(5) for what there is\n"
		"ostler.conf:3: service 'a': no listen; add listen = "
		"{\"ADDRESS:PORT\"}\n"
		"ostler.conf:3: service 'a': no command; add command = "
		"{\"PROGRAM\", \"ARGUMENT\"}\n"
		"ostler.conf:4: service 'a': there is no setting 'two'; "
		"see ostler.conf(5) for what there is\n"
		"ostler.conf:6: service 'a': there is no setting 'two'; "
		"see ostler.conf(5) for what there is\n"
		"ostler.conf:7: service 'a': max_use: 'x' is not a number; "
		"write digits and nothing else\n"
		"ostler.conf:9: there is no setting 'three'; see "
		"ostler.conf(5) for what there is\n"
		"ostler.conf:10: service 'b': there is no setting 'two'; "
		"see ostler.conf(5) for what there is\n"
		"ostler.conf:10: service 'b': no listen; add listen = "
		"{\"ADDRESS:PORT\"}\n"
		"ostler.conf:10: service 'b': no command; add command = "
		"{\"PROGRAM\", \"ARGUMENT\"}\n");
}

static void a_block_that_lacks_something_is_refused_where_it_begins(
	void **state)
{
	(void)state;
	request.as_root = true;
	CHECK_TEXT(read_conf("\n\nservice a\n{\n\n}\n"),
		"ostler.conf:4: service 'a': no listen; add listen = "
		"{\"ADDRESS:PORT\"}\n"
		"ostler.conf:4: service 'a': no command; add command = "
		"{\"PROGRAM\", \"ARGUMENT\"}\n"
		"ostler.conf:4: service 'a': no user, and the master runs as "
		"root; add user = \"NAME\", one that no other service has\n");
}

static void root_is_a_user_that_must_be_said(void **state)
{
	(void)state;
	request.as_root = true;
	CHECK_TEXT(read_service("user = root"), "");
	CHECK_TEXT(read_service("user = 0"), "");
	assert_non_null(strstr(read_service(""), "no user"));
	request.as_root = false;
	CHECK_TEXT(read_service(""), "");
}

static void endpoints_that_cannot_be_are_refused(void **state)
{
	static const struct {
		const char *written;
		const char *said;
	} samples[] = {
		{"127.0.0.1", "has no port; write ADDRESS:PORT"},
		{"[::1]", "has no port"},
		{"[::1", "has no address"},
		{"::1:80", "has no address"},
		{":80", "has no address"},
		{"80", "has no port"},
		{"", "has no port"},
		{"127.0.0.1:", "has no port"},
		{"127.0.0.1:0", "has no such port"},
		{"127.0.0.1:65536", "has no such port"},
		{"127.0.0.1:-1", "has no such port"},
		{"127.0.0.1:http", "has no such port"},
		{"127.0.0.1: 80", "has no such port"},
		{"127.1:80", "has no address"},
		{"127.0.0.01:80", "has no address"},
		{"1.2.3.4.5:80", "has no address"},
		{"256.0.0.1:80", "has no address"},
		{"localhost:0", "'127.0.0.1:0' has no such port"},
		{"example.org:80", "names are not looked up"},
		{"[fe80::1%eth0]:80", "has no address"},
		{"[::ffff:1.2.3.4]:80", "an IPv4 address in IPv6 form"},
		{"[127.0.0.1]:80", "has no address"},
		{"[]:80", "has no address"},
		{"**:80", "has no address"},
		{"unix:", "has no usable name"},
		{"unix:.", "has no usable name"},
		{"unix:/", "has no usable name"},
		{"unix:../x", "has no usable name"},
		{"unix:a/../../x", "has no usable name"},
		{"unix:/run/ostler/", "has no usable name"},
		{"unix:control.sock", "'/run/ostler/control.sock' is the "
				      "master's own"},
		{"fifo:/run//ostler/./ostler.pid", "is the master's own"},
		{"tcp:80", "has no address"},
	};
	char text[200];

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		struct text_builder builder;
		const char *said;

		text_builder_init(&builder, text, sizeof(text));
		text_put_format(&builder,
			"service a { command = x\nlisten = \"%s\" }",
			samples[i].written);
		said = read_conf(text);
		if (strncmp(said, "ostler.conf:2: service 'a': listen: '",
			    37) != 0 ||
			strstr(said, samples[i].said) == NULL ||
			diags.errors_n != 1)
			fail_msg("%s: %s", samples[i].written, said);
	}
}

static void a_path_that_clients_could_not_reach_is_refused(void **state)
{
	char text[400];
	struct text_builder builder;

	(void)state;
	for (int n = 107; n <= 108; n++) {
		text_builder_init(&builder, text, sizeof(text));
		text_put_format(&builder,
			"service a { command = x listen = \"unix:/%0*d\" }",
			n - 1, 0);
		assert_int_equal(
			strstr(read_conf(text), "too long") != NULL, n > 107);
		text_builder_init(&builder, text, sizeof(text));
		text_put_format(&builder,
			"service a { command = x listen = \"fifo:/%0*d\" }",
			n - 1, 0);
		CHECK_TEXT(read_conf(text), "");
	}
}

static void names_of_services_are_checked(void **state)
{
	static const char *const bad[] = {"A", "-a", ".a", "_a", "a/b", "a:b",
		"@", "%a", "aaaaaaaaaabbbbbbbbbbccccccccccddd"};
	char text[200];

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct text_builder builder;

		text_builder_init(&builder, text, sizeof(text));
		text_put_format(&builder,
			"service %s { listen = \"*:1\" command = x }", bad[i]);
		if (strstr(read_conf(text), "not a name for a service; use") ==
			NULL)
			fail_msg("%s: %s", bad[i], complaints);
	}
	CHECK_TEXT(read_conf("service \"\" { listen = \"*:1\" command = x }"),
		"ostler.conf:1: service '': not a name for a service; use 1 to "
		"32 of a-z 0-9 . _ -, a letter or digit first\n");
	CHECK_TEXT(read_conf("service aaaaaaaaaabbbbbbbbbbccccccccccdd "
			     "{ listen = \"*:1\" command = x }"),
		"");
}

static void a_setting_given_twice_is_refused_at_the_second(void **state)
{
	(void)state;
	CHECK_TEXT(read_conf("log = stderr\n"
			     "service a {\n"
			     "  listen = \"*:1\"\n"
			     "  command = x\n"
			     "  max_use = 1\n"
			     "  max_use = 1\n"
			     "  listen = {\"*:2\",\n"
			     "            \"*:3\"}\n"
			     "}\n"
			     "log = stderr\n"),
		"ostler.conf:6: service 'a': max_use is given twice, first at "
		"ostler.conf:5; remove one of them\n"
		"ostler.conf:7: service 'a': listen is given twice, first at "
		"ostler.conf:3; remove one of them\n"
		"ostler.conf:10: log is given twice, first at ostler.conf:1; "
		"remove one of them\n");
}

static void a_service_given_twice_is_refused_at_the_second(void **state)
{
	(void)state;
	CHECK_TEXT(read_conf("service a { listen = \"*:1\" command = x }\n"
			     "service a { listen = \"*:2\" command = y }\n"),
		"ostler.conf:2: service 'a': there is already one of this name "
		"at ostler.conf:1; rename or remove one of them\n");
	CHECK_TEXT(read_conf("service a { }\nservice a { }\n"),
		"ostler.conf:1: service 'a': no listen; add listen = "
		"{\"ADDRESS:PORT\"}\n"
		"ostler.conf:1: service 'a': no command; add command = "
		"{\"PROGRAM\", \"ARGUMENT\"}\n"
		"ostler.conf:2: service 'a': no listen; add listen = "
		"{\"ADDRESS:PORT\"}\n"
		"ostler.conf:2: service 'a': no command; add command = "
		"{\"PROGRAM\", \"ARGUMENT\"}\n");
}

static void conflicts_between_services_are_told_with_both_lines(void **state)
{
	(void)state;
	CHECK_TEXT(
		read_conf("service b { listen = \"*:1\" command = x }\n"
			  "service a { listen = localhost:1 command = y }\n"),
		"ostler.conf:2: service 'a': 127.0.0.1:1 overlaps *:1, which "
		"is taken by service 'b' at ostler.conf:1; choose another "
		"address or port\n"
		"ostler.conf:2: service 'a': [::1]:1 overlaps *:1, which is "
		"taken by service 'b' at ostler.conf:1; choose another address "
		"or port\n");
}

static void conflicts_are_told_even_if_there_are_other_errors(void **state)
{
	const char *said;

	(void)state;
	said = read_conf(
		"service b { listen = \"*:1\" command = x max_use = x }"
		"service c { }"
		"service a { listen = \"*:1\" command = y }\n");
	assert_non_null(strstr(said, "max_use"));
	assert_non_null(strstr(said, "no listen"));
	assert_non_null(strstr(said, "is already taken"));
}

static void a_file_without_a_service_is_refused(void **state)
{
	static const char said[] =
		"ostler.conf: no service at all; add service NAME { ... }\n";

	(void)state;
	CHECK_TEXT(read_conf(""), said);
	CHECK_TEXT(read_conf("\n# nothing\n"), said);
	CHECK_TEXT(read_conf("log = syslog"), said);
}

static void commands_are_paths_or_our_own(void **state)
{
	(void)state;
	CHECK_TEXT(read_conf("service a { listen = \"*:1\"\n"
			     "command = \"bin/x\" }"),
		"ostler.conf:2: service 'a': command: 'bin/x' is not an "
		"absolute path; write the whole path\n");
	CHECK_TEXT(read_conf("service a { listen = \"*:1\"\n"
			     "command = \"\" }"),
		"ostler.conf:2: service 'a': command: '' is not an absolute "
		"path; write the whole path\n");
}

static void an_effect_that_never_comes_is_a_warning(void **state)
{
	(void)state;
	CHECK_TEXT(read_service("start_time_limit = 5s"),
		"ostler.conf:4: warning: service 'a': start_time_limit has no "
		"effect: nobody promised to be ready in time; add ready = "
		"notify if the workers say when they are ready\n");
	assert_non_null(table);
	assert_int_equal(diags.warnings_n, 1);
}

/* B12 */
static void two_services_of_one_user_are_a_warning(void **state)
{
	(void)state;
	CHECK_TEXT(read_conf("service a { user = u listen = \"*:1\" "
			     "command = x }\n"
			     "service b { listen = \"*:2\" command = x\n"
			     " user = u }"),
		"ostler.conf:2: warning: service 'b': user 'u' is also that of "
		"service 'a': their workers can kill and trace each other; "
		"give each service a user of its own\n");
	assert_non_null(table);
}

static void too_many_unknown_names_are_not_all_told(void **state)
{
	static char text[4000];
	struct text_builder builder;

	(void)state;
	text_builder_init(&builder, text, sizeof(text));
	for (int i = 0; i < 40; i++)
		text_put_format(&builder, "unknown%d = 1\n", i);
	assert_non_null(strstr(read_conf(text),
		"ostler.conf:33: one unknown setting too many: 'unknown32'"));
	assert_int_equal(diags.errors_n, 33);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONF_TEST(a_typo_in_a_value_is_never_a_default),
		CONF_TEST(names_and_paths_are_checked),
		CONF_TEST(a_name_has_64_characters_at_most),
		CONF_TEST(variables_are_checked),
		CONF_TEST(too_many_variables_are_refused),
		CONF_TEST(settings_that_do_not_go_together_are_refused),
		CONF_TEST(unknown_settings_get_the_nearest_name),
		CONF_TEST(an_unknown_setting_stops_nothing),
		CONF_TEST(
			a_block_that_lacks_something_is_refused_where_it_begins),
		CONF_TEST(root_is_a_user_that_must_be_said),
		CONF_TEST(endpoints_that_cannot_be_are_refused),
		CONF_TEST(a_path_that_clients_could_not_reach_is_refused),
		CONF_TEST(names_of_services_are_checked),
		CONF_TEST(a_setting_given_twice_is_refused_at_the_second),
		CONF_TEST(a_service_given_twice_is_refused_at_the_second),
		CONF_TEST(conflicts_between_services_are_told_with_both_lines),
		CONF_TEST(conflicts_are_told_even_if_there_are_other_errors),
		CONF_TEST(a_file_without_a_service_is_refused),
		CONF_TEST(commands_are_paths_or_our_own),
		CONF_TEST(an_effect_that_never_comes_is_a_warning),
		CONF_TEST(two_services_of_one_user_are_a_warning),
		CONF_TEST(too_many_unknown_names_are_not_all_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
