/* SPDX-License-Identifier: MIT */
#include "sys/creds.h"

#include <pwd.h>

#include "sys/child.h"
#include "sys/fd.h"
#include "sys_fixture.h"

#define MANY 300 /* answers that do not fit a pipe at once */

/* Wait for all answers, as a loop would. */
static int finish(struct lookup *lookup, struct identity *out)
{
	int result;

	while ((result = sys_lookup_read(lookup, out)) == -EAGAIN)
		(void)wait_for(sys_lookup_fd(lookup), POLLIN);
	return result;
}

static struct identity look_up(const char *user, const char *group)
{
	struct lookup_request request = {user, group};
	struct identity answer = {.error = "nothing was written"};
	struct lookup *lookup = NULL;

	assert_int_equal(sys_lookup_start(&request, 1, &lookup), 0);
	assert_int_equal(finish(lookup, &answer), 0);
	sys_lookup_cancel(lookup);
	/* Reaped: nothing is left for whoever looks for strangers. */
	assert_int_equal(sys_stranger_next(), 0);
	return answer;
}

static bool has_group(const struct identity *who, gid_t gid)
{
	for (unsigned i = 0; i < who->n; i++)
		if (who->groups[i] == gid)
			return true;
	return false;
}

static void a_user_brings_uid_gid_and_groups(void **state)
{
	struct identity who = look_up("nobody", NULL);
	struct passwd *entry = getpwnam("nobody");

	(void)state;
	assert_non_null(entry);
	assert_true(who.valid);
	assert_int_equal(who.uid, entry->pw_uid);
	assert_int_equal(who.gid, entry->pw_gid);
	assert_true(has_group(&who, entry->pw_gid));
	assert_string_equal(who.error, "");
}

static void a_group_replaces_the_users_own(void **state)
{
	struct identity who = look_up("nobody", "daemon");

	(void)state;
	assert_true(who.valid);
	assert_int_equal(who.uid, NOBODY);
	assert_int_equal(who.gid, 1);
	assert_true(has_group(&who, 1));
}

static void a_group_alone_leaves_the_user(void **state)
{
	struct identity who = look_up(NULL, "daemon");

	(void)state;
	assert_true(who.valid);
	assert_int_equal(who.uid, geteuid());
	assert_int_equal(who.gid, 1);
	assert_int_equal(who.n, 1);
}

static void numbers_need_no_entry(void **state)
{
	struct identity who = look_up("64999", NULL);

	(void)state;
	assert_true(who.valid);
	assert_int_equal(who.uid, 64999);
	assert_int_equal(who.gid, 64999);
	assert_int_equal(who.n, 1);
	assert_int_equal(who.groups[0], 64999);
	who = look_up("64999", "64998");
	assert_int_equal(who.gid, 64998);
	assert_int_equal(who.groups[0], 64998);
	/* But they use one that is there. */
	who = look_up("65534", NULL);
	assert_int_equal(who.gid, getpwuid(65534)->pw_gid);
}

static void what_is_no_number_is_a_name(void **state)
{
	static const char *const names[] = {"4294967295",
		"99999999999999999999", "-1", "12x", "", " 1", "0x10"};

	(void)state;
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct identity who = look_up(names[i], NULL);
		char text[120];

		assert_false(who.valid);
		(void)snprintf(text, sizeof(text), "no user \"%s\"", names[i]);
		assert_string_equal(who.error, text);
	}
}

static void the_unknown_are_named(void **state)
{
	struct identity who = look_up("no-such-user", "daemon");
	char longest[400];

	(void)state;
	assert_false(who.valid);
	assert_string_equal(who.error, "no user \"no-such-user\"");
	who = look_up("nobody", "no-such-group");
	assert_false(who.valid);
	assert_string_equal(who.error, "no group \"no-such-group\"");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	who = look_up(longest, NULL);
	assert_false(who.valid);
	assert_int_equal(strlen(who.error), sizeof(who.error) - 1);
}

static void nothing_asked_is_ourselves(void **state)
{
	struct identity who = look_up(NULL, NULL);

	(void)state;
	assert_true(who.valid);
	assert_int_equal(who.uid, geteuid());
	assert_int_equal(who.gid, getegid());
}

static void many_answers_come_in_their_order(void **state)
{
	static struct lookup_request requests[MANY];
	static struct identity answers[MANY];
	static char names[MANY][16];
	struct lookup *lookup;

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "%u", 70000 + i);
		requests[i].user = i % 3 == 0 ? "nobody" : names[i];
	}
	assert_int_equal(sys_lookup_start(requests, MANY, &lookup), 0);
	assert_int_equal(finish(lookup, answers), 0);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(
			answers[i].uid, i % 3 == 0 ? 65534 : 70000 + i);
	sys_lookup_cancel(lookup);
}

static void no_request_is_answered_at_once(void **state)
{
	struct identity none;
	struct lookup *lookup;

	(void)state;
	assert_int_equal(sys_lookup_start(NULL, 0, &lookup), 0);
	assert_int_equal(sys_lookup_read(lookup, &none), 0);
	sys_lookup_cancel(lookup);
}

static void a_lookup_that_hangs_is_cancelled(void **state)
{
	struct lookup_request requests[MANY];
	struct identity answers[MANY];
	struct lookup *lookup;
	unsigned before = count_fds();

	(void)state;
	for (unsigned i = 0; i < MANY; i++)
		requests[i] = (struct lookup_request){"1", NULL};
	assert_int_equal(sys_lookup_start(requests, MANY, &lookup), 0);
	assert_true(is_nonblocking(sys_lookup_fd(lookup)));
	assert_true(is_cloexec(sys_lookup_fd(lookup)));
	assert_true(sys_lookup_pid(lookup) > 0);
	(void)kill(sys_lookup_pid(lookup), SIGSTOP);
	(void)sys_lookup_read(lookup, answers);
	sys_lookup_cancel(lookup);
	sys_lookup_cancel(NULL);
	assert_int_equal(sys_stranger_next(), 0);
	assert_int_equal(count_fds(), before);
}

static void a_child_that_dies_is_told(void **state)
{
	struct lookup_request requests[MANY] = {{NULL, NULL}};
	struct identity answers[MANY];
	struct lookup *lookup;

	(void)state;
	assert_int_equal(sys_lookup_start(requests, MANY, &lookup), 0);
	(void)kill(sys_lookup_pid(lookup), SIGKILL);
	assert_int_equal(finish(lookup, answers), -EPIPE);
	sys_lookup_cancel(lookup);
}

/* The child is stopped at its full pipe, so that it can be looked at. */
static void the_child_has_no_descriptor_of_ours(void **state)
{
	struct lookup_request requests[MANY] = {{NULL, NULL}};
	struct identity answers[MANY];
	struct lookup *lookup;
	int leaked[10], again = 0;
	char path[64], name[64];

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		leaked[i] = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	assert_int_equal(sys_lookup_start(requests, MANY, &lookup), 0);
	(void)wait_for(sys_lookup_fd(lookup), POLLIN);
	for (int fd = 3; fd < 100; fd++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d",
			sys_lookup_pid(lookup), fd);
		memset(name, 0, sizeof(name));
		if (readlink(path, name, sizeof(name) - 1) < 0)
			continue;
		assert_int_equal(strncmp(name, "pipe:", 5), 0);
		again++;
	}
	assert_int_equal(again, 1);
	assert_int_equal(finish(lookup, answers), 0);
	sys_lookup_cancel(lookup);
	for (unsigned i = 0; i < 10; i++)
		fd_close(&leaked[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_user_brings_uid_gid_and_groups),
		cmocka_unit_test(a_group_replaces_the_users_own),
		cmocka_unit_test(a_group_alone_leaves_the_user),
		cmocka_unit_test(numbers_need_no_entry),
		cmocka_unit_test(what_is_no_number_is_a_name),
		cmocka_unit_test(the_unknown_are_named),
		cmocka_unit_test(nothing_asked_is_ourselves),
		cmocka_unit_test(many_answers_come_in_their_order),
		cmocka_unit_test(no_request_is_answered_at_once),
		cmocka_unit_test(a_lookup_that_hangs_is_cancelled),
		cmocka_unit_test(a_child_that_dies_is_told),
		cmocka_unit_test(the_child_has_no_descriptor_of_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
