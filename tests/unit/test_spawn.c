/* SPDX-License-Identifier: MIT */
#include "sys/spawn.h"

#include "spawn_fixture.h"
#include "sys/child.h"
#include "sys/fd.h"

/* ---- what the child finds ------------------------------------------------------- */

static void a_child_has_the_ordered_descriptors_and_no_other(void **state)
{
	(void)state;
	EACH_METHOD(m)
	{
		struct spawner *s = make(methods[m]);
		int null = sys_open_null();
		int pair[2], fds[6 + 64];
		struct spawn_order order = recorder(fds, 6 + 64);
		char *text;

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC,
					 0, pair),
			0);
		fds[0] = fds[2] = null;
		fds[3] = fds[4] = -1;
		for (unsigned i = 5; i < 70; i++)
			fds[i] = i % 2 == 0 ? pair[0] : pair[1];
		text = run(s, &order, fds);
		assert_int_equal(count_lines(text, "fd "), 68);
		assert_int_equal(count_lines(text, "fd 3 "), 0);
		assert_int_equal(count_lines(text, "fd 4 "), 0);
		check_fd(text, 0, null);
		check_fd(text, 2, null);
		for (unsigned i = 5; i < 70; i++)
			check_fd(text, i, fds[i]);
		free(text);
		fd_close(&null);
		fd_close(&pair[0]);
		fd_close(&pair[1]);
		spawner_destroy(s);
	}
}

static void more_descriptors_than_are_reserved_are_no_fewer(void **state)
{
	(void)state;
	EACH_METHOD(m)
	{
		struct spawner *s = make(methods[m]);
		int null = sys_open_null();
		int fds[SPAWN_FDS_MAX];
		struct spawn_order order = recorder(fds, SPAWN_FDS_MAX);
		char *text;

		for (unsigned i = 0; i < SPAWN_FDS_MAX; i++)
			fds[i] = null;
		text = run(s, &order, fds);
		assert_int_equal(count_lines(text, "fd "), SPAWN_FDS_MAX);
		free(text);
		order.fds_n = SPAWN_FDS_MAX + 1;
		assert_int_equal(
			spawn_start(s, &order, 1, &(struct spawned){0}),
			-E2BIG);
		fd_close(&null);
		spawner_destroy(s);
	}
}

/* Sources that are each other's targets must not overwrite one another. */
static int permute_low_numbers(void)
{
	int fds[6] = {-1, -1, 4, 3, 2, 0};
	struct spawn_order order = recorder(fds, 6);
	struct spawner *s;
	struct spawned child;
	char file[] = "/tmp/test_spawn.XXXXXX";
	int ends[2], failed = 0;
	char *text;

	for (int fd = 0; fd < 5; fd++)
		if (fd != 1 &&
			dup2(mkstemp(strcpy(file, "/tmp/test_spawn.XXXXXX")),
				fd) != fd)
			return 10;
		else if (fd != 1)
			(void)unlink(file);
	if (sys_pipe(ends, false) != 0 || spawner_create(&s, SPAWN_FORK) != 0)
		return 11;
	fds[1] = ends[1];
	if (spawn_start(s, &order, 1, &child) != 0)
		return 12;
	fd_close(&ends[1]);
	text = read_all(ends[0]);
	for (unsigned i = 2; i < 6; i++) {
		char name[64], target[200] = "", line[300];

		(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fds[i]);
		(void)!readlink(name, target, sizeof(target) - 1);
		(void)snprintf(line, sizeof(line), "fd %u %s", i, target);
		failed += !has(text, line);
	}
	return failed + (int)(count_lines(text, "fd ") != 5);
}

static void low_sources_do_not_overwrite_each_other(void **state)
{
	(void)state;
	in_a_child(permute_low_numbers);
}

static void a_hundred_leaked_descriptors_reach_no_child(void **state)
{
	int leaked[100];

	(void)state;
	EACH_METHOD(m)
	{
		struct spawner *s;
		int fds[3];
		struct spawn_order order = recorder(fds, 3);
		char *text;

		for (unsigned i = 0; i < 100; i++)
			leaked[i] = open("/dev/zero", O_RDONLY); /* inherited */
		s = make(methods[m]);
		fds[0] = fds[2] = leaked[0];
		text = run(s, &order, fds);
		assert_int_equal(count_lines(text, "fd "), 3);
		free(text);
		spawner_destroy(s);
		for (unsigned i = 0; i < 100; i++)
			fd_close(&leaked[i]);
	}
}

static void nothing_of_ours_is_left_open_or_lost(void **state)
{
	unsigned before = count_fds();

	(void)state;
	EACH_METHOD(m)
	{
		struct spawner *s = make(methods[m]);
		int null = sys_open_null();
		int fds[3] = {null, -1, null};
		struct spawn_order order = recorder(fds, 3);
		unsigned held = count_fds();

		for (unsigned i = 0; i < 5; i++)
			free(run(s, &order, fds));
		assert_int_equal(count_fds(), held);
		fd_close(&null);
		spawner_destroy(s);
		assert_int_equal(count_fds(), before);
	}
}

static void a_child_is_who_it_was_ordered_to_be(void **state)
{
	static const gid_t groups[] = {2000, 65534, 100, 1000};

	(void)state;
	if (getuid() != 0)
		skip();
	EACH_METHOD(m)
	{
		struct spawner *s = make(methods[m]);
		int null = sys_open_null();
		int fds[3] = {null, -1, null};
		struct spawn_order order = recorder(fds, 3);
		char *text;

		order.switch_user = true;
		order.uid = NOBODY;
		order.gid = NOBODY;
		order.groups = groups;
		order.groups_n = 4;
		order.no_new_privs = m == 0;
		text = run(s, &order, fds);
		CHECK_LINE(text, "Uid:\t65534\t65534\t65534\t65534");
		CHECK_LINE(text, "Gid:\t65534\t65534\t65534\t65534");
		CHECK_LINE(text, "Groups:\t100 1000 2000 65534 ");
		CHECK_LINE(text, m == 0 ? "NoNewPrivs:\t1" : "NoNewPrivs:\t0");
		free(text);
		order.groups_n = 0;
		text = run(s, &order, fds);
		CHECK_LINE(text, "Groups:\t ");
		free(text);
		fd_close(&null);
		spawner_destroy(s);
	}
}

static void on_signal(int number)
{
	(void)number;
}

static void signals_are_as_at_boot_whatever_we_ignore_or_block(void **state)
{
	sigset_t all, old;

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGUSR1, on_signal);
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &old);
	EACH_METHOD(m)
	{
		struct spawner *s = make(methods[m]);
		int null = sys_open_null();
		int fds[3] = {null, -1, null};
		struct spawn_order order = recorder(fds, 3);
		char *text = run(s, &order, fds);

		CHECK_LINE(text, "SigBlk:\t0000000000000000");
		CHECK_LINE(text, "SigIgn:\t0000000000000000");
		free(text);
		fd_close(&null);
		spawner_destroy(s);
	}
	assert_true(sigismember(&old, SIGTERM) == 0);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGHUP, SIG_DFL);
	(void)signal(SIGUSR1, SIG_DFL);
}

static uint64_t bit(int signal)
{
	return UINT64_C(1) << (signal - 1);
}

/* Also the last there is, and none of the two that cannot be. */
static void signals_are_ignored_as_ordered(void **state)
{
	uint64_t asked = bit(SIGPIPE) | bit(SIGUSR1) | bit(64) | bit(SIGKILL);
	char line[64];

	(void)state;
	(void)signal(SIGHUP, SIG_IGN);
	(void)snprintf(line, sizeof(line), "SigIgn:\t%016llx",
		(unsigned long long)(asked & ~bit(SIGKILL)));
	EACH_METHOD(m)
	{
		struct spawner *s = make(methods[m]);
		int null = sys_open_null();
		int fds[3] = {null, -1, null};
		struct spawn_order order = recorder(fds, 3);
		char *text;

		order.ignored = asked;
		text = run(s, &order, fds);
		CHECK_LINE(text, line);
		free(text);
		order.ignored = 0;
		text = run(s, &order, fds);
		CHECK_LINE(text, "SigIgn:\t0000000000000000");
		free(text);
		fd_close(&null);
		spawner_destroy(s);
	}
	(void)signal(SIGHUP, SIG_DFL);
}

static void directory_mask_limits_and_session_are_as_ordered(void **state)
{
	static const struct spawn_limit limits[] = {
		{RLIMIT_NOFILE, 99, 99}, {RLIMIT_CORE, 0, 0}};

	(void)state;
	EACH_METHOD(m)
	{
		struct spawner *s = make(methods[m]);
		int null = sys_open_null();
		int fds[3] = {null, -1, null};
		struct spawn_order order = recorder(fds, 3);
		char *text;

		order.directory = "/usr";
		order.umask = 0137;
		order.limits = limits;
		order.limits_n = 2;
		order.new_session = true;
		text = run(s, &order, fds);
		CHECK_LINE(text, "cwd /usr");
		CHECK_LINE(text, "umask 137");
		CHECK_LINE(text, "nofile 99 99");
		CHECK_LINE(text, "core 0 0");
		CHECK_LINE(text, "session 1");
		free(text);
		fd_close(&null);
		spawner_destroy(s);
	}
}

static void an_order_is_copied(void **state)
{
	(void)state;
	EACH_METHOD(m)
	{
		struct spawner *s = make(methods[m]);
		int null = sys_open_null();
		char path[] = "/proc/self/exe", first[] = "one";
		char variable[] = "A=1";
		const char *argv[] = {"recorder", "--record", "1", first, NULL};
		const char *envp[] = {variable, "B=2", NULL};
		int ends[2], fds[3] = {null, -1, null};
		struct spawn_order order = recorder(fds, 3);
		struct spawned child;
		char *text;

		assert_int_equal(sys_pipe(ends, false), 0);
		fds[1] = ends[1];
		order.path = path;
		order.argv = argv;
		order.envp = envp;
		assert_int_equal(spawn_start(s, &order, 1, &child), 0);
		memset(path, 'x', sizeof(path) - 1);
		memset(first, 'x', sizeof(first) - 1);
		memset(variable, 'x', sizeof(variable) - 1);
		argv[1] = envp[0] = NULL;
		fd_close(&ends[1]);
		fd_close(&null);
		assert_int_equal(collect(s, child.pidfd).stage, SPAWN_DONE);
		text = read_all(ends[0]);
		CHECK_LINE(text, "arg one");
		CHECK_LINE(text, "env A=1");
		CHECK_LINE(text, "env B=2");
		free(text);
		(void)reap(&child);
		fd_close(&ends[0]);
		spawner_destroy(s);
	}
}

/* ---- many ----------------------------------------------------------------------------- */

/* Start as many of WANT as there are slots; how many were started. */
static unsigned start_some(struct spawner *s, const struct spawn_order *order,
	struct spawned *children, unsigned from, unsigned want)
{
	while (from < want) {
		int result = spawn_start(s, order, from, &children[from]);

		if (result == -EBUSY) {
			assert_true(spawn_busy(s) > 0);
			break;
		}
		assert_int_equal(result, 0);
		from++;
	}
	return from;
}

static void a_hundred_at_once_all_start_once(void **state)
{
	(void)state;
	EACH_METHOD(m)
	{
		struct spawner *s = make(methods[m]);
		int null = sys_open_null();
		int ends[2], fds[12];
		struct spawn_order order = recorder(fds, 12);
		struct spawned children[100];
		bool done[100] = {false};
		unsigned started = 0, ended = 0;

		assert_int_equal(sys_pipe(ends, false), 0);
		for (unsigned i = 0; i < 12; i++)
			fds[i] = null; /* two blocks each */
		order.path = "/bin/true";
		fds[7] = ends[1];
		while (ended < 100) {
			struct spawn_done end;

			started = start_some(s, &order, children, started, 100);
			end = collect(s, -1);
			assert_int_equal(end.stage, SPAWN_DONE);
			assert_true(end.cookie < 100);
			assert_false(done[end.cookie]);
			assert_int_equal(end.pid, children[end.cookie].pid);
			done[end.cookie] = true;
			ended++;
		}
		assert_int_equal(spawn_busy(s), 0);
		for (unsigned i = 0; i < 100; i++)
			assert_int_equal(reap(&children[i]).code, 0);
		/* No copy of the write end is left: not here, not there. */
		fd_close(&ends[1]);
		free(read_all(ends[0]));
		fd_close(&ends[0]);
		fd_close(&null);
		spawner_destroy(s);
	}
}

/* Each of some starts in flight finds its own descriptors and arguments. */
static void starts_in_flight_do_not_mix(void **state)
{
	(void)state;
	EACH_METHOD(m)
	{
		struct spawner *s = make(methods[m]);
		int null = sys_open_null();
		int fds[3] = {null, -1, null};
		struct spawn_order order = recorder(fds, 3);
		struct spawned children[12];
		int ends[12][2];
		char name[16], line[32];
		const char *argv[] = {"recorder", "--record", "1", name, NULL};

		order.argv = argv;
		for (unsigned i = 0; i < 12; i++) {
			assert_int_equal(sys_pipe(ends[i], false), 0);
			fds[1] = ends[i][1];
			(void)snprintf(name, sizeof(name), "name-%u", i);
			assert_int_equal(
				spawn_start(s, &order, i, &children[i]), 0);
			fd_close(&ends[i][1]);
		}
		for (unsigned i = 0; i < 12; i++)
			assert_int_equal(collect(s, -1).stage, SPAWN_DONE);
		for (unsigned i = 0; i < 12; i++) {
			char *text = read_all(ends[i][0]);

			(void)snprintf(line, sizeof(line), "arg name-%u", i);
			CHECK_LINE(text, line);
			assert_int_equal(count_lines(text, "umask"), 1);
			free(text);
			fd_close(&ends[i][0]);
			assert_int_equal(reap(&children[i]).code, 0);
		}
		fd_close(&null);
		spawner_destroy(s);
	}
}

static void a_spawner_can_go_with_starts_in_flight(void **state)
{
	(void)state;
	EACH_METHOD(m)
	{
		struct spawner *s = make(methods[m]);
		int fds[3] = {-1, -1, -1};
		struct spawn_order order = recorder(fds, 3);
		struct spawned children[8];

		order.path = "/bin/true";
		for (unsigned i = 0; i < 8; i++)
			assert_int_equal(
				spawn_start(s, &order, i, &children[i]), 0);
		spawner_destroy(s);
		for (unsigned i = 0; i < 8; i++)
			(void)reap(&children[i]);
	}
}

static int create_with_few_numbers(void)
{
	struct rlimit few = {190, 190};
	struct rlimit fewer = {100, 100};
	struct spawner *s;

	if (setrlimit(RLIMIT_NOFILE, &few) != 0 ||
		spawner_create(&s, SPAWN_CLONE) != 0)
		return 10;
	spawner_destroy(s);
	if (setrlimit(RLIMIT_NOFILE, &fewer) != 0 ||
		spawner_create(&s, SPAWN_CLONE) != -EMFILE ||
		spawner_create(&s, SPAWN_AUTO) != 0 ||
		spawner_method(s) != SPAWN_FORK)
		return 11;
	spawner_destroy(s);
	return 0;
}

static void few_descriptor_numbers_are_enough(void **state)
{
	(void)state;
	in_a_child(create_with_few_numbers);
}

static void every_stage_has_a_name(void **state)
{
	(void)state;
	for (int i = 0; i < SPAWN_STAGES; i++)
		assert_true(strlen(spawn_stage_name(i)) > 1);
	assert_string_equal(spawn_stage_name(SPAWN_STAGE_EXEC), "exec");
	assert_string_equal(spawn_stage_name(-1), "unknown");
	assert_string_equal(spawn_stage_name(SPAWN_STAGES), "unknown");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_child_has_the_ordered_descriptors_and_no_other),
		cmocka_unit_test(
			more_descriptors_than_are_reserved_are_no_fewer),
		cmocka_unit_test(low_sources_do_not_overwrite_each_other),
		cmocka_unit_test(a_hundred_leaked_descriptors_reach_no_child),
		cmocka_unit_test(nothing_of_ours_is_left_open_or_lost),
		cmocka_unit_test(a_child_is_who_it_was_ordered_to_be),
		cmocka_unit_test(
			signals_are_as_at_boot_whatever_we_ignore_or_block),
		cmocka_unit_test(signals_are_ignored_as_ordered),
		cmocka_unit_test(
			directory_mask_limits_and_session_are_as_ordered),
		cmocka_unit_test(an_order_is_copied),
		cmocka_unit_test(a_hundred_at_once_all_start_once),
		cmocka_unit_test(starts_in_flight_do_not_mix),
		cmocka_unit_test(a_spawner_can_go_with_starts_in_flight),
		cmocka_unit_test(few_descriptor_numbers_are_enough),
		cmocka_unit_test(every_stage_has_a_name),
	};

	if (argc > 2 && strcmp(argv[1], "--record") == 0)
		return record(argv, environ);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
