/* SPDX-License-Identifier: MIT */
#include "sys/spawn.h"

#include "spawn_fixture.h"
#include "sys/child.h"
#include "sys/clock.h"
#include "sys/fd.h"

/* Stands before the library's, so that a test can let ten seconds pass. */
static uint64_t time_passed_ns;

uint64_t clock_now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec +
	       time_passed_ns;
}

/* ---- failures ----------------------------------------------------------------------- */

/* Start ORDER and expect it to fail; the child is reaped. */
static void expect_failure(struct spawner *s, const struct spawn_order *order,
	int stage, int error)
{
	struct spawned child;
	struct spawn_done done;

	assert_int_equal(spawn_start(s, order, 5, &child), 0);
	done = collect(s, child.pidfd);
	assert_string_equal(
		spawn_stage_name(done.stage), spawn_stage_name(stage));
	assert_int_equal(done.error, error);
	assert_int_equal(done.cookie, 5);
	assert_int_equal(reap(&child).code, 127);
}

static void write_program(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(sys_write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	fd_close(&fd);
}

static void six_bad_programs_say_why(void **state)
{
	static const struct {
		const char *name;
		const char *text; /* NULL: not made */
		mode_t mode;
		int error;
	} bad[] = {
		{"missing", NULL, 0, ENOENT},
		{"plain", "#!/bin/sh\n", 0644, EACCES},
		{"plain/below", NULL, 0, ENOTDIR},
		{"garbage", "this is no program\n", 0755, ENOEXEC},
		{"interpreter", "#!/no/such/interpreter\n", 0755, ENOENT},
		{".", NULL, 0, EACCES},
	};
	char directory[] = "/tmp/test_spawn.XXXXXX";
	char path[sizeof(directory) + 32];

	(void)state;
	assert_non_null(mkdtemp(directory));
	EACH_METHOD(m)
	{
		struct spawner *s = make(methods[m]);
		int fds[3] = {-1, -1, -1};
		struct spawn_order order = recorder(fds, 3);

		for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			(void)snprintf(path, sizeof(path), "%s/%s", directory,
				bad[i].name);
			if (bad[i].text != NULL)
				write_program(path, bad[i].text, bad[i].mode);
			order.path = path;
			expect_failure(
				s, &order, SPAWN_STAGE_EXEC, bad[i].error);
		}
		spawner_destroy(s);
	}
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(
			path, sizeof(path), "%s/%s", directory, bad[i].name);
		if (bad[i].text != NULL)
			(void)unlink(path);
	}
	assert_int_equal(rmdir(directory), 0);
}

static void a_failure_names_its_stage(void **state)
{
	static const struct spawn_limit wrong = {9999, 1, 1};

	(void)state;
	EACH_METHOD(m)
	{
		struct spawner *s = make(methods[m]);
		int fds[3] = {-1, -1, -1};
		struct spawn_order order = recorder(fds, 3);

		order.directory = "/no/such/directory";
		expect_failure(s, &order, SPAWN_STAGE_DIRECTORY, ENOENT);
		order.directory = NULL;
		order.limits = &wrong;
		order.limits_n = 1;
		expect_failure(s, &order, SPAWN_STAGE_LIMITS, EINVAL);
		order.limits_n = 0;
		order.switch_user = true;
		order.uid = (uid_t)-1; /* "leave it": not what was ordered */
		order.gid = getgid();
		if (getuid() == 0)
			expect_failure(s, &order, SPAWN_STAGE_VERIFY, EPERM);
		order.uid = NOBODY;
		order.gid = (gid_t)-1;
		if (getuid() == 0)
			expect_failure(s, &order, SPAWN_STAGE_VERIFY, EPERM);
		spawner_destroy(s);
	}
}

static int fail_without_rights(void)
{
	static const struct spawn_limit more = {RLIMIT_CORE, 4096, 4096};
	struct rlimit none = {0, 0};
	static const gid_t groups[] = {1};

	if (become_nobody(NOBODY) != 0 || setrlimit(RLIMIT_CORE, &none) != 0)
		return 10;
	EACH_METHOD(m)
	{
		struct spawner *s = make(methods[m]);
		int fds[3] = {-1, -1, -1};
		struct spawn_order order = recorder(fds, 3);

		order.limits = &more;
		order.limits_n = 1;
		expect_failure(s, &order, SPAWN_STAGE_LIMITS, EPERM);
		order.limits_n = 0;
		order.switch_user = true;
		order.groups = groups;
		order.groups_n = 1;
		expect_failure(s, &order, SPAWN_STAGE_GROUPS, EPERM);
		spawner_destroy(s);
	}
	return 0;
}

static void what_we_may_not_do_fails_and_is_named(void **state)
{
	(void)state;
	in_a_child(fail_without_rights);
}

static int run_out_of_processes(void)
{
	struct rlimit one = {1, 1};
	int extra;

	if (become_nobody(64997) != 0)
		return 10;
	extra = fork(); /* the second process of this user */
	if (extra == 0)
		for (;;)
			(void)pause();
	if (setrlimit(RLIMIT_NPROC, &one) != 0)
		return 11;
	EACH_METHOD(m)
	{
		struct spawner *s = make(methods[m]);
		int fds[3] = {-1, -1, -1};
		struct spawn_order order = recorder(fds, 3);
		struct spawned child;

		if (spawn_start(s, &order, 1, &child) != -EAGAIN ||
			spawn_busy(s) != 0)
			return 12 + (int)m;
		spawner_destroy(s);
	}
	(void)kill(extra, SIGKILL);
	return waitpid(extra, NULL, 0) != extra;
}

static void no_more_processes_is_told_at_once(void **state)
{
	(void)state;
	if (getuid() != 0)
		skip();
	in_a_child(run_out_of_processes);
}

static void a_bad_descriptor_is_refused(void **state)
{
	int fds[3] = {-1, -1, 1900};
	struct spawn_order order = recorder(fds, 3);
	struct spawner *s = make(SPAWN_CLONE);
	struct spawned child;

	(void)state;
	assert_int_equal(spawn_start(s, &order, 1, &child), -EBADF);
	assert_int_equal(spawn_busy(s), 0);
	spawner_destroy(s);
	s = make(SPAWN_FORK);
	expect_failure(s, &order, SPAWN_STAGE_FDS, EBADF);
	spawner_destroy(s);
}

/* The kill may come too late, but not every time. */
static void a_child_killed_before_exec_did_not_start(void **state)
{
	(void)state;
	EACH_METHOD(m)
	{
		struct spawner *s = make(methods[m]);
		int fds[3] = {-1, -1, -1};
		struct spawn_order order = recorder(fds, 3);
		bool seen = false;

		for (unsigned i = 0; i < 3000 && !seen; i++) {
			struct spawned child;
			struct spawn_done done;

			assert_int_equal(spawn_start(s, &order, i, &child), 0);
			(void)sys_child_signal(child.pidfd, SIGKILL);
			done = collect(s, child.pidfd);
			seen = done.stage != SPAWN_DONE;
			if (seen) {
				assert_int_equal(done.error, ECANCELED);
				assert_int_equal(reap(&child).signal, SIGKILL);
			} else {
				(void)reap(&child); /* it was faster */
			}
		}
		assert_true(seen);
		spawner_destroy(s);
	}
}

/* A user may stop its half-started process: that must not hold us for ever. */
static void a_child_stopped_before_exec_is_killed_in_time(void **state)
{
	(void)state;
	EACH_METHOD(m)
	{
		struct spawner *s = make(methods[m]);
		int fds[3] = {-1, -1, -1};
		struct spawn_order order = recorder(fds, 3);
		bool seen = false;

		for (unsigned i = 0; i < 3000 && !seen; i++) {
			struct spawned child;
			struct spawn_done done;
			siginfo_t info = {.si_pid = 0};

			assert_int_equal(spawn_start(s, &order, i, &child), 0);
			(void)sys_child_signal(child.pidfd, SIGSTOP);
			assert_int_equal(
				waitid(P_PIDFD, (id_t)child.pidfd, &info,
					WSTOPPED | WEXITED | WNOWAIT),
				0);
			if (spawn_collect(s, &done, 1) == 0) {
				assert_true(spawn_deadline(s) > clock_now_ns());
				time_passed_ns += 11000000000u;
				assert_int_equal(spawn_collect(s, &done, 1), 0);
				done = collect(s, child.pidfd);
				assert_int_equal(done.error, ETIMEDOUT);
				seen = true;
			} else {
				(void)sys_child_signal(child.pidfd, SIGKILL);
			}
			(void)reap(&child);
			assert_int_equal(spawn_deadline(s), UINT64_MAX);
		}
		assert_true(seen);
		spawner_destroy(s);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(six_bad_programs_say_why),
		cmocka_unit_test(a_failure_names_its_stage),
		cmocka_unit_test(what_we_may_not_do_fails_and_is_named),
		cmocka_unit_test(no_more_processes_is_told_at_once),
		cmocka_unit_test(a_bad_descriptor_is_refused),
		cmocka_unit_test(a_child_killed_before_exec_did_not_start),
		cmocka_unit_test(a_child_stopped_before_exec_is_killed_in_time),
	};

	if (argc > 2 && strcmp(argv[1], "--record") == 0)
		return record(argv, environ);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
