/* SPDX-License-Identifier: MIT */
#include "sys/daemon.h"

#include "sys/fd.h"
#include "sys_fixture.h"

static int close_all(void)
{
	for (int i = 0; i < 40; i++)
		if (open("/dev/null", O_RDONLY) < 0)
			return 10;
	if (dup2(0, 900) < 0 || sys_close_from(5) != 0)
		return 11;
	for (int fd = 0; fd < 1000; fd++)
		if ((fcntl(fd, F_GETFD) >= 0) != (fd < 5))
			return 12;
	return sys_close_from(5);
}

static void everything_from_a_number_up_is_closed(void **state)
{
	(void)state;
	in_a_child(close_all);
}

static int lead(void)
{
	if (getsid(0) == getpid())
		return 10;
	for (int i = 0; i < 2; i++)
		if (sys_new_session() != 0 || getsid(0) != getpid() ||
			getpgrp() != getpid())
			return 11;
	return 0;
}

static int lead_a_group(void)
{
	return setpgid(0, 0) < 0 ? 10 : sys_new_session() != -EPERM;
}

static void a_session_is_made_once(void **state)
{
	(void)state;
	in_a_child(lead);
	in_a_child(lead_a_group);
}

static bool is_null(int fd)
{
	struct stat st, null;

	return fstat(fd, &st) == 0 && stat("/dev/null", &null) == 0 &&
	       S_ISCHR(st.st_mode) && st.st_rdev == null.st_rdev &&
	       (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR && !is_cloexec(fd);
}

static int leave_standard(bool keep)
{
	int ends[2];
	unsigned fds;

	if (sys_pipe(ends, false) < 0)
		return 10;
	for (int fd = 0; fd < 3; fd++)
		if (dup2(ends[1], fd) < 0)
			return 11;
	fds = count_fds();
	if (sys_null_standard(keep) != 0 || count_fds() != fds)
		return 12;
	return !is_null(0) || is_null(1) == keep || !is_null(2);
}

static int leave_all(void)
{
	return leave_standard(false);
}

static int leave_all_but_stdout(void)
{
	return leave_standard(true);
}

static void standard_descriptors_lead_nowhere(void **state)
{
	(void)state;
	in_a_child(leave_all);
	in_a_child(leave_all_but_stdout);
}

static void handle(int number)
{
	(void)number;
}

static int ignore_some(void)
{
	uint64_t before = sys_ignored_signals(), want;

	if (signal(SIGUSR1, SIG_IGN) == SIG_ERR ||
		signal(64, SIG_IGN) == SIG_ERR ||
		signal(SIGHUP, handle) == SIG_ERR ||
		signal(SIGPIPE, SIG_DFL) == SIG_ERR)
		return 10;
	want = before | UINT64_C(1) << (SIGUSR1 - 1) | UINT64_C(1) << 63;
	want &= ~(UINT64_C(1) << (SIGPIPE - 1) | UINT64_C(1) << (SIGHUP - 1));
	return sys_ignored_signals() != want;
}

static void ignored_signals_are_known(void **state)
{
	(void)state;
	in_a_child(ignore_some);
}

/* ---- the parent that waits --------------------------------------------------------- */

static void who_is_ready_lets_its_parent_go(void **state)
{
	unsigned fds = count_fds();
	struct monitor monitor = {.fd = -1};
	int result = sys_monitor_start(&monitor), status = -1;

	(void)state;
	if (result == 0) {
		bool good = is_cloexec(monitor.fd);

		(void)alarm(20);
		if (!good)
			_exit(1);
		sys_monitor_release(&monitor);
		sys_monitor_release(&monitor); /* nobody waits any more */
		_exit(monitor.fd == -1 ? 0 : 2);
	}
	assert_int_equal(result, 1);
	assert_int_equal(monitor.fd, -1);
	assert_true(wait(&status) > 0); /* it may live on: it was not killed */
	assert_int_equal(status, 0);
	assert_int_equal(count_fds(), fds);
}

static void who_dies_before_it_is_ready_is_reaped(void **state)
{
	unsigned fds = count_fds();
	struct monitor monitor = {.fd = -1};
	int result = sys_monitor_start(&monitor);

	(void)state;
	if (result == 0)
		_exit(0); /* a status says nothing */
	assert_int_equal(result, -ECHILD);
	assert_int_equal(wait(NULL), -1);
	assert_int_equal(count_fds(), fds);
}

static int start_where_children_vanish(void)
{
	struct monitor monitor = {.fd = -1};
	int result;

	if (signal(SIGCHLD, SIG_IGN) == SIG_ERR)
		return 10;
	result = sys_monitor_start(&monitor);
	if (result == 0)
		_exit(1);
	return result != -ECHILD;
}

static void a_starter_that_ignores_its_children_waits_no_longer(void **state)
{
	(void)state;
	in_a_child(start_where_children_vanish);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_from_a_number_up_is_closed),
		cmocka_unit_test(a_session_is_made_once),
		cmocka_unit_test(standard_descriptors_lead_nowhere),
		cmocka_unit_test(ignored_signals_are_known),
		cmocka_unit_test(who_is_ready_lets_its_parent_go),
		cmocka_unit_test(who_dies_before_it_is_ready_is_reaped),
		cmocka_unit_test(
			a_starter_that_ignores_its_children_waits_no_longer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
