/* SPDX-License-Identifier: MIT */
#include "conf_case.h"

#include "base/number.h"

static void the_example_of_the_manual_is_read(void **state)
{
	const struct service *row;

	(void)state;
	CHECK_TEXT(read_conf("runtime_directory = \"/run/test\"   # all of it\n"
			     "service echo {\n"
			     "    listen        = {\"127.0.0.1:7007\", "
			     "\"[::1]:7007\", \"unix:echo\"}   # also\n"
			     "    command       = {\"ostler-echo\", \"-v\"}\n"
			     "    user          = \"nobody\"\n"
			     "    process_limit = 10\n"
			     "    max_use       = 1000\n"
			     "    max_idle      = \"10s\"\n"
			     "    wakeup        = \"60s\"\n"
			     "    throttle_time = \"30s\"\n"
			     "}\n"),
		"");
	row = table_find(table, "echo");
	assert_non_null(row);
	CHECK_TEXT(table->runtime_directory, "/run/test");
	assert_int_equal(row->endpoints_n, 3);
	CHECK_TEXT(row->endpoints[0].text, "127.0.0.1:7007");
	CHECK_TEXT(row->endpoints[1].text, "[::1]:7007");
	CHECK_TEXT(row->endpoints[2].text, "unix:/run/test/echo");
	CHECK_TEXT(row->endpoints[2].path, "/run/test/echo");
	assert_int_equal(row->endpoints[2].kind, ENDPOINT_UNIX);
	CHECK_TEXT(row->command[0], "/usr/libexec/ostler/ostler-echo");
	CHECK_TEXT(row->command[1], "-v");
	assert_null(row->command[2]);
	assert_int_equal(row->command_n, 2);
	CHECK_TEXT(row->user, "nobody");
	assert_int_equal(row->policy.process_limit, 10);
	assert_int_equal(row->max_use, 1000);
	assert_true(row->max_idle_ns == 10 * NS_PER_S);
	assert_true(row->policy.wakeup_ns == 60 * NS_PER_S);
	assert_true(row->policy.throttle_time_ns == 30 * NS_PER_S);
	CHECK_TEXT(row->file, "ostler.conf");
	assert_int_equal(row->line, 2);
	assert_int_equal(row->endpoints[0].line, 3);
	CHECK_TEXT(row->endpoints[0].file, "ostler.conf");
}

static void check_spares(const struct policy *policy, uint32_t least,
	uint32_t most, uint32_t share, uint64_t interval_s)
{
	assert_int_equal(policy->spare_min, least);
	assert_int_equal(policy->spare_max, most);
	assert_int_equal(policy->share, share);
	assert_true(policy->trim_interval_ns == interval_s * NS_PER_S);
}

static void what_is_not_given_has_its_default(void **state)
{
	const struct service *row = service_with("");
	const struct policy *policy = &row->policy;

	(void)state;
	CHECK_TEXT(table->runtime_directory, "/run/ostler");
	assert_null(table->control_group);
	assert_null(table->hook);
	assert_int_equal(table->workers_max, 0);
	assert_int_equal(table->log, LOG_STDERR);
	assert_null(row->user);
	assert_null(row->group);
	CHECK_TEXT(row->directory, "/");
	assert_int_equal(row->umask, 022);
	assert_int_equal(row->environment_n, 0);
	assert_null(row->environment[0]);
	assert_int_equal(row->max_use, 100);
	assert_true(row->max_idle_ns == 100 * NS_PER_S);
	assert_int_equal(row->channel, CHANNEL_PRIVATE);
	assert_true(row->nonblocking);
	assert_false(row->flow);
	assert_true(row->page);
	assert_int_equal(row->clients_per_worker, 0);
	assert_null(row->socket_owner);
	assert_null(row->socket_group);
	assert_int_equal(row->socket_mode, 0660);
	assert_int_equal(row->backlog, 511);
	assert_int_equal(policy->process_limit, 100);
	check_spares(policy, 0, 0, 0, 30);
	assert_int_equal(policy->surge, 25);
	assert_int_equal(policy->start_rate, 200);
	assert_int_equal(policy->start_burst, 200);
	assert_true(policy->throttle_time_ns == 60 * NS_PER_S);
	assert_true(policy->quick_exit_ns == NS_PER_S);
	assert_true(policy->deaf_time_ns == NS_PER_S);
	assert_true(policy->start_time_limit_ns == 0);
	assert_true(policy->wakeup_ns == 0);
	assert_true(policy->retire_grace_ns == 5 * NS_PER_S);
	assert_true(policy->drain_time_ns == 300 * NS_PER_S);
	assert_true(policy->leave_time_ns == 300 * NS_PER_S);
	assert_true(policy->stop_time_ns == 30 * NS_PER_S);
	assert_true(policy->kill_time_ns == 5 * NS_PER_S);
	assert_false(policy->ready_notify);
	assert_true(policy->retire_signal);
	assert_false(policy->on_deaf_kill);
	assert_true(row->limits.core_bytes == RLIMIT_UNSET);
	assert_true(row->limits.nofile == RLIMIT_UNSET);
	assert_true(row->limits.nproc == RLIMIT_UNSET);
	assert_true(row->limits.as_bytes == RLIMIT_UNSET);
	assert_true(row->limits.fsize_bytes == RLIMIT_UNSET);
	assert_true(row->limits.cpu_seconds == RLIMIT_UNSET);
	assert_true(row->limits.stack_bytes == RLIMIT_UNSET);
}

static void a_mold_is_asked_for(void **state)
{
	(void)state;
	assert_true(service_with("mold = yes")->policy.mold);
	assert_false(service_with("mold = no")->policy.mold);
	assert_false(service_with("")->policy.mold);
}

static void every_setting_reaches_its_field(void **state)
{
	const struct service *row =
		service_with("user = u group = g directory = \"/tmp//x/./\" "
			     "umask = 077 environment = {\"A=1\", \"B=\"} "
			     "process_limit = 8 max_use = 0 max_idle = 0 "
			     "spare_min = 2 spare_max = 4 share = 6 "
			     "trim_interval = 11s "
			     "wakeup = 7s throttle_time = 6s surge = 3 "
			     "start_rate = 4 start_burst = 5 quick_exit = 1ms "
			     "deaf_time = 2s start_time_limit = 3s "
			     "ready = notify retire_grace = 4s "
			     "retire_signal = no drain_time = 5s "
			     "stop_time = 8s kill_time = 9s on_deaf = kill "
			     "status_channel = shared nonblocking = no "
			     "status_page = no clients_per_worker = 14 "
			     "flow = yes socket_owner = o socket_group = 12 "
			     "socket_mode = 0600 backlog = 9 "
			     "limit_core = 0 limit_nofile = 64 "
			     "limit_nproc = unlimited limit_as = 1G "
			     "limit_fsize = 64k limit_cpu = 1m "
			     "limit_stack = 8M");
	const struct policy *policy = &row->policy;

	(void)state;
	CHECK_TEXT(row->user, "u");
	CHECK_TEXT(row->group, "g");
	CHECK_TEXT(row->directory, "/tmp/x");
	assert_int_equal(row->umask, 077);
	assert_int_equal(row->environment_n, 2);
	CHECK_TEXT(row->environment[0], "A=1");
	CHECK_TEXT(row->environment[1], "B=");
	assert_null(row->environment[2]);
	assert_int_equal(row->max_use, 0);
	assert_true(row->max_idle_ns == 0);
	assert_int_equal(row->channel, CHANNEL_SHARED);
	assert_false(row->nonblocking);
	assert_true(row->flow);
	assert_false(row->page);
	assert_int_equal(row->clients_per_worker, 14);
	CHECK_TEXT(row->socket_owner, "o");
	CHECK_TEXT(row->socket_group, "12");
	assert_int_equal(row->socket_mode, 0600);
	assert_int_equal(row->backlog, 9);
	assert_int_equal(policy->process_limit, 8);
	check_spares(policy, 2, 4, 6, 11);
	assert_int_equal(policy->surge, 3);
	assert_int_equal(policy->start_rate, 4);
	assert_int_equal(policy->start_burst, 5);
	assert_true(policy->wakeup_ns == 7 * NS_PER_S);
	assert_true(policy->throttle_time_ns == 6 * NS_PER_S);
	assert_true(policy->quick_exit_ns == NS_PER_MS);
	assert_true(policy->deaf_time_ns == 2 * NS_PER_S);
	assert_true(policy->start_time_limit_ns == 3 * NS_PER_S);
	assert_true(policy->retire_grace_ns == 4 * NS_PER_S);
	assert_true(policy->drain_time_ns == 5 * NS_PER_S);
	assert_true(policy->leave_time_ns == 5 * NS_PER_S);
	assert_true(policy->stop_time_ns == 8 * NS_PER_S);
	assert_true(policy->kill_time_ns == 9 * NS_PER_S);
	assert_true(policy->ready_notify);
	assert_false(policy->retire_signal);
	assert_true(policy->on_deaf_kill);
	assert_true(row->limits.core_bytes == 0);
	assert_true(row->limits.nofile == 64);
	assert_true(row->limits.nproc == RLIMIT_NONE);
	assert_true(row->limits.as_bytes == UINT64_C(1) << 30);
	assert_true(row->limits.fsize_bytes == 65536);
	assert_true(row->limits.cpu_seconds == 60);
	assert_true(row->limits.stack_bytes == 8 << 20);
}

static void under_stress_nobody_is_over_the_limit(void **state)
{
	const struct service *row =
		service_with("process_limit = 8 stress_time = 90s");

	(void)state;
	assert_true(row->policy.stress_time_ns == 90 * NS_PER_S);
	assert_int_equal(row->policy.surge, 0);
	assert_false(row->policy.replace_first);
	row = service_with("process_limit = 8");
	assert_true(row->policy.stress_time_ns == 0);
	assert_int_equal(row->policy.surge, 2);
}

static void every_setting_of_wear_reaches_its_field(void **state)
{
	const struct service *row =
		service_with("max_age = 1h request_time_limit = 2m "
			     "max_memory = 64M memory_kind = rss "
			     "request_signal = abrt liveness = 3m");
	const struct policy *policy = &row->policy;

	(void)state;
	assert_true(policy->max_age_ns == 3600 * NS_PER_S);
	assert_true(policy->replace_first);
	assert_true(policy->request_time_ns == 120 * NS_PER_S);
	assert_int_equal(row->request_signal, 4);
	assert_true(row->max_memory == UINT64_C(64) << 20);
	assert_true(row->memory_rss);
	assert_true(policy->liveness_ns == 180 * NS_PER_S);
	/* Signs of life are words. */
	assert_false(row->page);
	assert_true(service_with("request_time_limit = 2m")->page);
}

static void every_global_setting_reaches_its_field(void **state)
{
	(void)state;
	CHECK_TEXT(read_conf("runtime_directory = /run/x/\n"
			     "control_group = adm\nworkers_max = 5\n"
			     "hook = {\"/bin/x\", y}\nhook_user = \"8\"\n"
			     "hook_timeout = 3s\n"
			     "log = syslog\nservice a { listen = unix:b "
			     "command = /bin/x }"),
		"");
	CHECK_TEXT(table->runtime_directory, "/run/x");
	CHECK_TEXT(table->control_group, "adm");
	assert_int_equal(table->workers_max, 5);
	CHECK_TEXT(table->hook[0], "/bin/x");
	CHECK_TEXT(table->hook[1], "y");
	assert_null(table->hook[2]);
	CHECK_TEXT(table->hook_user, "8");
	assert_true(table->hook_timeout_ns == 3 * NS_PER_S);
	assert_int_equal(table->log, LOG_SYSLOG);
	CHECK_TEXT(table->services[0].endpoints[0].path, "/run/x/b");
	CHECK_TEXT(table->services[0].command[0], "/bin/x");
}

static void a_promise_to_be_ready_has_thirty_seconds(void **state)
{
	const struct service *row = service_with("ready = notify");

	(void)state;
	assert_true(row->policy.start_time_limit_ns == 30 * NS_PER_S);
}

static void surge_and_burst_follow_the_limit(void **state)
{
	static const struct {
		const char *setting;
		uint32_t surge;
		uint32_t burst;
	} samples[] = {
		{"process_limit = 0", 0, 200},
		{"process_limit = 1", 0, 200},
		{"process_limit = 2", 1, 200},
		{"process_limit = 5", 1, 200},
		{"process_limit = 8", 2, 200},
		{"process_limit = 101", 25, 202},
		{"process_limit = 100000", 25000, 200000},
		{"process_limit = 8 surge = auto start_burst = auto", 2, 200},
		{"process_limit = 8 surge = 0 start_burst = 1", 0, 1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		const struct service *row = service_with(samples[i].setting);

		assert_int_equal(row->policy.surge, samples[i].surge);
		assert_int_equal(row->policy.start_burst, samples[i].burst);
	}
}

struct endpoint_sample {
	const char *written;
	const char *shown;
	enum endpoint_kind kind;
	enum endpoint_family family;
	uint16_t port;
};

static void endpoints_have_one_canonical_form(void **state)
{
	static const struct endpoint_sample samples[] = {
		{"127.0.0.1:80", "127.0.0.1:80", ENDPOINT_INET, FAMILY_IPV4,
			80},
		{"0.0.0.0:65535", "0.0.0.0:65535", ENDPOINT_INET, FAMILY_IPV4,
			65535},
		{"[0:0:0:0:0:0:0:1]:1", "[::1]:1", ENDPOINT_INET, FAMILY_IPV6,
			1},
		{"[2001:DB8::0A]:1", "[2001:db8::a]:1", ENDPOINT_INET,
			FAMILY_IPV6, 1},
		{"*:80", "*:80", ENDPOINT_INET, FAMILY_BOTH, 80},
		{"unix:a", "unix:/run/ostler/a", ENDPOINT_UNIX, FAMILY_NONE, 0},
		{"unix:a//./b", "unix:/run/ostler/a/b", ENDPOINT_UNIX,
			FAMILY_NONE, 0},
		{"dgram:/tmp//a", "dgram:/tmp/a", ENDPOINT_DGRAM, FAMILY_NONE,
			0},
		{"fifo:a b", "fifo:/run/ostler/a b", ENDPOINT_FIFO, FAMILY_NONE,
			0},
	};
	char text[200];

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		struct text_builder builder;
		const struct endpoint *endpoint;

		text_builder_init(&builder, text, sizeof(text));
		text_put_format(&builder,
			"service a { command = x listen = \"%s\" }",
			samples[i].written);
		CHECK_TEXT(read_conf(text), "");
		endpoint = &table->services[0].endpoints[0];
		CHECK_TEXT(endpoint->text, samples[i].shown);
		assert_int_equal(endpoint->kind, samples[i].kind);
		assert_int_equal(endpoint->family, samples[i].family);
		assert_int_equal(endpoint->port, samples[i].port);
		if (samples[i].kind == ENDPOINT_INET)
			assert_null(endpoint->path);
		else
			assert_int_equal(endpoint->path[0], '/');
	}
}

static void addresses_are_in_network_order(void **state)
{
	static const uint8_t ipv4[16] = {10, 2, 3, 4};
	static const uint8_t ipv6[16] = {0xfe, 0x80, [15] = 9};

	(void)state;
	CHECK_TEXT(read_conf("service a { command = x "
			     "listen = {\"10.2.3.4:1\", \"[fe80::9]:1\"} }"),
		"");
	assert_memory_equal(table->services[0].endpoints[0].address, ipv4, 16);
	assert_memory_equal(table->services[0].endpoints[1].address, ipv6, 16);
}

static void localhost_is_both_families(void **state)
{
	(void)state;
	CHECK_TEXT(read_conf("service a { command = x\n"
			     "listen = localhost:80 }"),
		"");
	assert_int_equal(table->services[0].endpoints_n, 2);
	CHECK_TEXT(table->services[0].endpoints[0].text, "127.0.0.1:80");
	CHECK_TEXT(table->services[0].endpoints[1].text, "[::1]:80");
	assert_int_equal(table->services[0].endpoints[1].line, 2);
}

static void lists_grow_with_plus(void **state)
{
	(void)state;
	CHECK_TEXT(read_conf("service a { command = x command += {y, \"z w\"}\n"
			     "listen = {\"*:1\",\n\"*:2\",}\n"
			     "listen += \"*:3\" }"),
		"");
	assert_int_equal(table->services[0].command_n, 3);
	CHECK_TEXT(table->services[0].command[2], "z w");
	assert_int_equal(table->services[0].endpoints_n, 3);
	assert_int_equal(table->services[0].endpoints[0].line, 2);
	assert_int_equal(table->services[0].endpoints[1].line, 3);
	assert_int_equal(table->services[0].endpoints[2].line, 4);
}

static void services_come_sorted_whatever_the_order(void **state)
{
	(void)state;
	CHECK_TEXT(read_conf("service b { listen = \"*:1\" command = x }\n"
			     "service \"a.1-x_\" { listen = \"*:2\" "
			     "command = x }\n"
			     "service 0 { listen = \"*:3\" command = x }"),
		"");
	assert_int_equal(table->services_n, 3);
	CHECK_TEXT(table->services[0].name, "0");
	CHECK_TEXT(table->services[1].name, "a.1-x_");
	CHECK_TEXT(table->services[2].name, "b");
	assert_int_equal(table->services[2].line, 1);
}

static void numbers_are_never_octal_by_accident(void **state)
{
	(void)state;
	assert_int_equal(service_with("max_use = 010")->max_use, 10);
	assert_int_equal(service_with("umask = 27")->umask, 027);
}

static void nothing_is_taken_from_the_environment(void **state)
{
	const struct service *row =
		service_with("environment = {\"A=${HOME}\", 'B=${HOME}', "
			     "\"C=$HOME\", \"D=${X:-y}\", \"E=\\\\${HOME}\"}");

	(void)state;
	CHECK_TEXT(row->environment[0], "A=${HOME}");
	CHECK_TEXT(row->environment[1], "B=${HOME}");
	CHECK_TEXT(row->environment[2], "C=$HOME");
	CHECK_TEXT(row->environment[3], "D=${X:-y}");
	CHECK_TEXT(row->environment[4], "E=\\${HOME}");
}

static void strings_may_have_anything_in_them(void **state)
{
	const struct service *row = service_with(
		"command += {\"a # b\", \"// c\", '/* d', \"e\\\"f\", "
		"'g\\'h', \"i\\\\j\", \"k\\nl\\tm\", \"n\\x41\\x4Ao\\x4F\", \"{}(),=\", "
		"\"\xc3\xa4\", 'p\\q', \"a|b\"}");

	(void)state;
	CHECK_TEXT(row->command[1], "a # b");
	CHECK_TEXT(row->command[2], "// c");
	CHECK_TEXT(row->command[3], "/* d");
	CHECK_TEXT(row->command[4], "e\"f");
	CHECK_TEXT(row->command[5], "g'h");
	CHECK_TEXT(row->command[6], "i\\j");
	CHECK_TEXT(row->command[7], "k\nl\tm");
	CHECK_TEXT(row->command[8], "nAJoO");
	CHECK_TEXT(row->command[9], "{}(),=");
	CHECK_TEXT(row->command[10], "\xc3\xa4");
	CHECK_TEXT(row->command[11], "p\\q");
	CHECK_TEXT(row->command[12], "a|b");
}

static void comments_do_not_move_lines(void **state)
{
	(void)state;
	CHECK_TEXT(read_conf("# one\n// two\n/* three\n * four */ # \"\n\n"
			     "service a { // '\n"
			     "/**/ listen /* x */ = \"*:1\"#y\n"
			     "command = x }\n# the end"),
		"");
	assert_int_equal(table->services[0].line, 6);
	assert_int_equal(table->services[0].endpoints[0].line, 7);
}

static void files_from_other_systems_are_read(void **state)
{
	(void)state;
	CHECK_TEXT(read_conf("\xef\xbb\xbfservice a {\r\n\tlisten = \"*:1\"\r\n"
			     "\tcommand = x # c\r\n}\r\n"),
		"");
	assert_int_equal(table->services[0].endpoints[0].line, 2);
}

/* libconfuse has one scanner for the whole process. */
static void a_refused_file_leaves_nothing_behind_for_the_next(void **state)
{
	static const char *const bad[] = {"a = \"x", "/* x", "a = {", "}",
		"include(\"x", "service a {", "a = 'x", "\"\\q"};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		(void)read_conf(bad[i]);
		assert_null(table);
		(void)service_with("");
	}
}

static void a_thousand_services_are_read(void **state)
{
	static char text[100000];
	struct text_builder builder;

	(void)state;
	text_builder_init(&builder, text, sizeof(text));
	for (unsigned i = 0; i < 1000; i++)
		text_put_format(&builder,
			"service s%u { listen = \"*:%u\" command = x }\n", i,
			i + 1);
	assert_false(builder.overflow);
	CHECK_TEXT(read_conf(text), "");
	assert_int_equal(table->services_n, 1000);
	assert_int_equal(table_find(table, "s999")->line, 1000);
}

static void an_automatic_limit_is_one_for_each_processor(void **state)
{
	const struct service *row = service_with("process_limit = auto");

	(void)state;
	assert_int_equal(row->policy.process_limit, 1);
	request.processors = 6;
	row = service_with("process_limit = auto");
	assert_int_equal(row->policy.process_limit, 6);
	assert_int_equal(row->policy.surge, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONF_TEST(the_example_of_the_manual_is_read),
		CONF_TEST(what_is_not_given_has_its_default),
		CONF_TEST(an_automatic_limit_is_one_for_each_processor),
		CONF_TEST(every_setting_reaches_its_field),
		CONF_TEST(a_mold_is_asked_for),
		CONF_TEST(every_setting_of_wear_reaches_its_field),
		CONF_TEST(every_global_setting_reaches_its_field),
		CONF_TEST(a_promise_to_be_ready_has_thirty_seconds),
		CONF_TEST(under_stress_nobody_is_over_the_limit),
		CONF_TEST(surge_and_burst_follow_the_limit),
		CONF_TEST(endpoints_have_one_canonical_form),
		CONF_TEST(addresses_are_in_network_order),
		CONF_TEST(localhost_is_both_families),
		CONF_TEST(lists_grow_with_plus),
		CONF_TEST(services_come_sorted_whatever_the_order),
		CONF_TEST(numbers_are_never_octal_by_accident),
		CONF_TEST(nothing_is_taken_from_the_environment),
		CONF_TEST(strings_may_have_anything_in_them),
		CONF_TEST(comments_do_not_move_lines),
		CONF_TEST(files_from_other_systems_are_read),
		CONF_TEST(a_refused_file_leaves_nothing_behind_for_the_next),
		CONF_TEST(a_thousand_services_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
