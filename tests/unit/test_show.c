/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "conf/settings.h"
#include "table/field.h"
#include "table/service.h"
#include "table/show.h"

static const char *const words[] = {"/bin/x", "a \"b\"", NULL};
static const char *const others[] = {"/bin/y", NULL};
static const char *const bounce[] = {"/bounce", "reply", "BUSY", NULL};
static const struct endpoint endpoints[] = {
	{.kind = ENDPOINT_UNIX, .path = "/x", .text = "unix:/x"}};

static const struct service before = {
	.name = "a",
	.endpoints = endpoints,
	.endpoints_n = 1,
	.path = "/bin/x",
	.command = words,
	.limits = {.nofile = RLIMIT_UNSET, .core_bytes = RLIMIT_NONE},
};

/* "NAME: BEFORE -> AFTER" of all that differs. */
static const char *shown(const struct service *after)
{
	static char buffer[1000];
	struct row_difference differences[ROW_DIFFERENCES_MAX];
	unsigned n = row_differences(&before, after, differences);
	struct text_builder out;

	text_builder_init(&out, buffer, sizeof(buffer));
	for (unsigned i = 0; i < n; i++) {
		row_put_name(&out, differences[i].field);
		text_put(&out, ": ");
		row_put_value(&out, &before, differences[i].field);
		text_put(&out, " -> ");
		row_put_value(&out, after, differences[i].field);
		text_put(&out, "\n");
	}
	assert_false(out.overflow);
	return buffer;
}

#define SHOWS(member, value, expected)                                         \
	do {                                                                   \
		struct service after = before;                                 \
		after.member = (value);                                        \
		assert_string_equal(shown(&after), expected);                  \
	} while (0)

static void what_is_the_same_is_not_shown(void **state)
{
	struct service after = before;

	(void)state;
	assert_string_equal(shown(&after), "");
}

static void values_are_as_a_file_would_have_them(void **state)
{
	(void)state;
	SHOWS(policy.process_limit, 5, "process_limit: 0 -> 5\n");
	SHOWS(policy.drain_time_ns, UINT64_C(90000000000),
		"drain_time: 0 -> 90s\n");
	SHOWS(policy.deaf_time_ns, UINT64_C(1500000000),
		"deaf_time: 0 -> 1500ms\n");
	SHOWS(max_idle_ns, UINT64_C(7200000000000), "max_idle: 0 -> 2h\n");
	SHOWS(policy.kill_time_ns, 1, "kill_time: 0 -> 1ns\n");
	SHOWS(umask, 022, "umask: 000 -> 022\n");
	SHOWS(channel, CHANNEL_SHARED, "status_channel: private -> shared\n");
	SHOWS(flow, true, "flow: no -> yes\n");
	SHOWS(memory_rss, true, "memory_kind: pss -> rss\n");
	SHOWS(request_signal, 6, "request_signal: term -> usr2\n");
	SHOWS(max_memory, 65536, "max_memory: unset -> 64k\n");
	SHOWS(limits.nofile, 100, "limit_nofile: unset -> 100\n");
	SHOWS(limits.core_bytes, 2048, "limit_core: unlimited -> 2k\n");
	SHOWS(user, "u", "user: unset -> u\n");
	SHOWS(environment, others, "environment: unset -> {\"/bin/y\"}\n");
	SHOWS(bounce, bounce, "on_full: queue -> {\"reply\", \"BUSY\"}\n");
	SHOWS(endpoints_n, 0, "listen: {\"unix:/x\"} -> {}\n");
}

static void what_follows_from_another_is_told_once(void **state)
{
	struct service after = before;

	(void)state;
	after.path = "/bin/y";
	assert_string_equal(shown(&after), "program: /bin/x -> /bin/y\n");
	after.command = others;
	after.policy.replace_first = true;
	after.policy.leave_time_ns = 1;
	after.policy.bounces = true;
	assert_string_equal(shown(&after),
		"command: {\"/bin/x\", \"a \\\"b\\\"\"} -> {\"/bin/y\"}\n");
}

static bool is_shown(const char *setting)
{
	char buffer[100];
	struct text_builder out;

	for (unsigned i = 0; i < row_fields_n; i++) {
		text_builder_init(&out, buffer, sizeof(buffer));
		row_put_name(&out, i);
		if (strcmp(buffer, setting) == 0)
			return true;
	}
	return false;
}

/* A new setting is one of src/table/show.c, if its member has another name. */
static void every_setting_of_a_service_has_its_name(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SETTINGS_N; i++)
		if (settings[i].scope == SCOPE_SERVICE &&
			!is_shown(settings[i].name))
			fail_msg("%s is shown by no other name",
				settings[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_the_same_is_not_shown),
		cmocka_unit_test(values_are_as_a_file_would_have_them),
		cmocka_unit_test(what_follows_from_another_is_told_once),
		cmocka_unit_test(every_setting_of_a_service_has_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
