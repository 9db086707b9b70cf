/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "table/diff.h"
#include "table/service.h"

static const struct endpoint two_endpoints[] = {
	{.kind = ENDPOINT_INET,
		.family = FAMILY_IPV4,
		.address = {127, 0, 0, 1},
		.port = 80,
		.text = "127.0.0.1:80",
		.file = "f",
		.line = 3},
	{.kind = ENDPOINT_UNIX, .path = "/run/x", .text = "unix:/run/x"},
};

static const char *const command[] = {"/bin/x", "-v", NULL};
static const char *const stress_command[] = {"/bin/x", "-s", NULL};
static const char *const environment[] = {"A=1", "B=2", NULL};

/* A row with something in every field. */
static const struct service before = {
	.name = "a",
	.endpoints = two_endpoints,
	.endpoints_n = 2,
	.path = "/bin/x",
	.command = command,
	.command_n = 2,
	.stress_command = stress_command,
	.user = "u",
	.group = "g",
	.directory = "/",
	.environment = environment,
	.environment_n = 2,
	.socket_owner = "o",
	.socket_group = NULL,
	.socket_mode = 0660,
	.umask = 022,
	.backlog = 511,
	.max_use = 100,
	.max_idle_ns = 100,
	.channel = CHANNEL_PRIVATE,
	.nonblocking = true,
	.limits = {.core_bytes = RLIMIT_UNSET, .nofile = 1024},
	.policy = {.process_limit = 100, .surge = 25},
	.file = "f",
	.line = 1,
};

static struct endpoint other_endpoints[2];
static const char *other_words[4];

/* A copy of the words of LIST with one of them replaced. */
static const char *const *replaced(
	const char *const *list, size_t at, const char *word)
{
	size_t n = 0;

	for (; list[n] != NULL; n++)
		other_words[n] = n == at ? word : list[n];
	other_words[n] = n == at ? word : NULL;
	other_words[n + (n == at)] = NULL;
	return other_words;
}

static const struct endpoint *other(size_t at, struct endpoint endpoint)
{
	memcpy(other_endpoints, two_endpoints, sizeof(other_endpoints));
	other_endpoints[at] = endpoint;
	return other_endpoints;
}

static struct endpoint with_port(uint16_t port)
{
	struct endpoint endpoint = two_endpoints[0];

	endpoint.port = port;
	return endpoint;
}

static struct endpoint with_address(uint8_t byte)
{
	struct endpoint endpoint = two_endpoints[0];

	endpoint.address[3] = byte;
	return endpoint;
}

static struct endpoint with_kind(enum endpoint_kind kind)
{
	struct endpoint endpoint = two_endpoints[1];

	endpoint.kind = kind;
	return endpoint;
}

static struct endpoint with_path(const char *path)
{
	struct endpoint endpoint = two_endpoints[1];

	endpoint.path = path;
	return endpoint;
}

/* Make one change and check how deep it goes. */
#define CHANGE(member, value, expected)                                        \
	do {                                                                   \
		struct service after = before;                                 \
		after.member = (value);                                        \
		if (row_compare(&before, &after) != (expected))                \
			fail_msg("a change of " #member " is wrong");          \
		if ((row_fingerprint(&after) == row_fingerprint(&before)) !=   \
			((expected) == ROW_SAME))                              \
			fail_msg("the mark of " #member " is wrong");          \
		if (row_compare(&after, &before) != (expected))                \
			fail_msg("a change of " #member                        \
				 " depends on the direction");                 \
	} while (0)

static void a_copy_is_the_same(void **state)
{
	struct service after = before;

	(void)state;
	assert_int_equal(row_compare(&before, &after), ROW_SAME);
	assert_int_equal(row_compare(&before, &before), ROW_SAME);
}

static void equal_text_elsewhere_in_memory_is_the_same(void **state)
{
	struct service after = before;
	struct endpoint endpoints[2];
	char path[] = "/run/x", user[] = "u", word[] = "-v";

	(void)state;
	memcpy(endpoints, two_endpoints, sizeof(endpoints));
	endpoints[1].path = path;
	after.endpoints = endpoints;
	after.user = user;
	after.command = replaced(command, 1, word);
	assert_int_equal(row_compare(&before, &after), ROW_SAME);
}

static void a_row_that_only_moved_is_the_same(void **state)
{
	struct endpoint endpoint = two_endpoints[0];

	(void)state;
	endpoint.file = "g";
	endpoint.line = 99;
	endpoint.text = "another spelling";
	CHANGE(file, "g", ROW_SAME);
	CHANGE(line, 17, ROW_SAME);
	CHANGE(endpoints, other(0, endpoint), ROW_SAME);
}

static void what_a_worker_took_with_it_replaces_it(void **state)
{
	(void)state;
	CHANGE(endpoints_n, 1, ROW_REPLACED);
	CHANGE(endpoints, other(0, with_port(81)), ROW_REPLACED);
	CHANGE(endpoints, other(0, with_address(2)), ROW_REPLACED);
	CHANGE(endpoints, other(1, with_path("/run/y")), ROW_REPLACED);
	CHANGE(endpoints, other(1, with_kind(ENDPOINT_FIFO)), ROW_REPLACED);
	CHANGE(path, "/bin/y", ROW_CHANGED);
	CHANGE(command, replaced(command, 0, "/bin/y"), ROW_CHANGED);
	CHANGE(command, replaced(command, 1, "-w"), ROW_CHANGED);
	CHANGE(command, replaced(command, 1, NULL), ROW_CHANGED);
	CHANGE(command, replaced(command, 2, "-x"), ROW_CHANGED);
	CHANGE(stress_command, command, ROW_CHANGED);
	CHANGE(stress_command, NULL, ROW_CHANGED);
	CHANGE(bounce, command, ROW_CHANGED);
	CHANGE(user, "v", ROW_CHANGED);
	CHANGE(user, NULL, ROW_CHANGED);
	CHANGE(group, NULL, ROW_CHANGED);
	CHANGE(directory, "/tmp", ROW_CHANGED);
	CHANGE(environment, replaced(environment, 1, "B=3"), ROW_CHANGED);
	CHANGE(umask, 077, ROW_CHANGED);
	CHANGE(max_use, 101, ROW_CHANGED);
	CHANGE(max_idle_ns, 101, ROW_CHANGED);
	CHANGE(channel, CHANNEL_SHARED, ROW_REPLACED);
	CHANGE(nonblocking, false, ROW_REPLACED);
	CHANGE(flow, true, ROW_CHANGED);
	CHANGE(page, true, ROW_CHANGED);
	CHANGE(clients_per_worker, 3, ROW_CHANGED);
	CHANGE(source_limit, 3, ROW_CHANGED);
	CHANGE(prefix_limit, 3, ROW_CHANGED);
	CHANGE(prefix_ipv4, 3, ROW_CHANGED);
	CHANGE(prefix_ipv6, 3, ROW_CHANGED);
	CHANGE(limits.core_bytes, 0, ROW_CHANGED);
	CHANGE(limits.nofile, RLIMIT_NONE, ROW_CHANGED);
	CHANGE(limits.nproc, 1, ROW_CHANGED);
	CHANGE(limits.as_bytes, 1, ROW_CHANGED);
	CHANGE(limits.fsize_bytes, 1, ROW_CHANGED);
	CHANGE(limits.cpu_seconds, 1, ROW_CHANGED);
	CHANGE(limits.stack_bytes, 1, ROW_CHANGED);
	CHANGE(policy.request_time_ns, 1, ROW_CHANGED);
	CHANGE(policy.liveness_ns, 1, ROW_CHANGED);
}

static void what_only_the_master_looks_at_replaces_nobody(void **state)
{
	(void)state;
	CHANGE(socket_owner, NULL, ROW_POLICY);
	CHANGE(socket_group, "x", ROW_POLICY);
	CHANGE(socket_mode, 0600, ROW_POLICY);
	CHANGE(socket_bytes, 4096, ROW_POLICY);
	CHANGE(socket_dir_group, true, ROW_POLICY);
	CHANGE(socket_by_owner, true, ROW_POLICY);
	CHANGE(socket_overwrites, true, ROW_POLICY);
	CHANGE(backlog, 1, ROW_POLICY);
	CHANGE(pass, true, ROW_POLICY);
	CHANGE(policy.process_limit, 1, ROW_POLICY);
	CHANGE(policy.surge, 1, ROW_POLICY);
	CHANGE(policy.roll_batch, 1, ROW_POLICY);
	CHANGE(policy.roll_percent, true, ROW_POLICY);
	CHANGE(policy.roll_alive_ns, 1, ROW_POLICY);
	CHANGE(policy.generations_max, 1, ROW_POLICY);
	CHANGE(policy.start_rate, 1, ROW_POLICY);
	CHANGE(policy.start_burst, 1, ROW_POLICY);
	CHANGE(policy.throttle_time_ns, 1, ROW_POLICY);
	CHANGE(policy.quick_exit_ns, 1, ROW_POLICY);
	CHANGE(policy.deaf_time_ns, 1, ROW_POLICY);
	CHANGE(policy.start_time_limit_ns, 1, ROW_POLICY);
	CHANGE(policy.wakeup_ns, 1, ROW_POLICY);
	CHANGE(policy.retire_grace_ns, 1, ROW_POLICY);
	CHANGE(policy.drain_time_ns, 1, ROW_POLICY);
	CHANGE(policy.stop_time_ns, 1, ROW_POLICY);
	CHANGE(policy.leave_time_ns, 1, ROW_POLICY);
	CHANGE(policy.kill_time_ns, 1, ROW_POLICY);
	CHANGE(policy.max_age_ns, 1, ROW_POLICY);
	CHANGE(max_memory, 1, ROW_POLICY);
	CHANGE(memory_rss, true, ROW_POLICY);
	CHANGE(request_signal, 1, ROW_POLICY);
	CHANGE(policy.stress_time_ns, 1, ROW_POLICY);
	CHANGE(policy.canary, 1, ROW_POLICY);
	CHANGE(policy.canary_percent, true, ROW_POLICY);
	CHANGE(policy.canary_time_ns, 1, ROW_POLICY);
	CHANGE(policy.canary_min, 1, ROW_POLICY);
	CHANGE(policy.ready_notify, true, ROW_POLICY);
	CHANGE(policy.retire_signal, true, ROW_POLICY);
	CHANGE(policy.on_deaf_kill, true, ROW_POLICY);
	CHANGE(policy.throttle_whole, true, ROW_POLICY);
	CHANGE(policy.replace_first, true, ROW_POLICY);
	CHANGE(policy.wakeup_conditional, true, ROW_POLICY);
	CHANGE(policy.mold, true, ROW_POLICY);
	CHANGE(policy.bounces, true, ROW_POLICY);
	CHANGE(policy.bounce_over, 1, ROW_POLICY);
	CHANGE(policy.bounce_stay_ns, 1, ROW_POLICY);
}

static void the_deepest_of_several_changes_counts(void **state)
{
	struct service after = before;

	(void)state;
	after.policy.process_limit = 1;
	after.umask = 077;
	after.backlog = 1;
	assert_int_equal(row_compare(&before, &after), ROW_CHANGED);
}

static void missing_lists_are_compared_too(void **state)
{
	struct service after = before;

	(void)state;
	after.environment = NULL;
	assert_int_equal(row_compare(&before, &after), ROW_CHANGED);
	assert_int_equal(row_compare(&after, &after), ROW_SAME);
}

/* Whatever bit of a row differs, and it is not where the row was written. */
static void no_number_of_a_policy_is_forgotten(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(struct policy); i++) {
		struct service after = before;

		((unsigned char *)&after.policy)[i] ^= 1;
		if (row_compare(&before, &after) == ROW_SAME &&
			i < offsetof(struct policy, mold) + 1)
			fail_msg("byte %zu of a policy is not compared", i);
	}
}

static void endpoints_are_the_same_if_one_knocks_at_the_same_place(void **state)
{
	struct endpoint mapped = two_endpoints[0];

	(void)state;
	assert_true(endpoint_same(&two_endpoints[0], &two_endpoints[0]));
	assert_false(endpoint_same(&two_endpoints[0], &two_endpoints[1]));
	mapped.family = FAMILY_IPV6;
	assert_false(endpoint_same(&two_endpoints[0], &mapped));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_is_the_same),
		cmocka_unit_test(equal_text_elsewhere_in_memory_is_the_same),
		cmocka_unit_test(a_row_that_only_moved_is_the_same),
		cmocka_unit_test(what_a_worker_took_with_it_replaces_it),
		cmocka_unit_test(what_only_the_master_looks_at_replaces_nobody),
		cmocka_unit_test(the_deepest_of_several_changes_counts),
		cmocka_unit_test(missing_lists_are_compared_too),
		cmocka_unit_test(no_number_of_a_policy_is_forgotten),
		cmocka_unit_test(
			endpoints_are_the_same_if_one_knocks_at_the_same_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
