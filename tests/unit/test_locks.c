/* SPDX-License-Identifier: MIT */
#include "sys/locks.h"

#include <sys/file.h>

#include "sys/fd.h"
#include "sys/process.h"
#include "sys_fixture.h"

static int is_stopped(int pid)
{
	struct process process;

	if (sys_process(pid, &process) < 0)
		return 0;
	assert_true(process.parent == getpid());
	return process.state == 'T' || process.state == 't';
}

/* A child that has, or waits for, the lock on PATH; it ends with us. */
static int start_locker(const char *path, int operation, int *out_ready)
{
	int ends[2], pid;

	assert_int_equal(sys_pipe(ends, false), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int fd = open(path, O_RDWR | O_CREAT, 0600);

		(void)alarm(20);
		if (fd < 0 || flock(fd, operation) < 0)
			_exit(1);
		(void)sys_write(ends[1], "x", 1);
		for (;;)
			(void)pause();
	}
	fd_close(&ends[1]);
	*out_ready = ends[0];
	return pid;
}

static void wait_ready(int ready)
{
	char byte;

	(void)wait_for(ready, POLLIN);
	assert_int_equal(sys_read(ready, &byte, 1), 1);
}

static void end(int pid, int *ready)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	fd_close(ready);
}

static bool is_asleep(int pid)
{
	char path[64], *text = NULL;
	size_t n;
	bool asleep;

	(void)snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	if (sys_read_file(path, &text, &n, 4096) < 0)
		return true; /* we may not look: it will be soon */
	asleep = strncmp(text, "73 ", 3) == 0; /* flock, on x86-64 */
	free(text);
	return asleep;
}

static void the_holder_of_a_lock_is_found_and_not_who_waits(void **state)
{
	const char *path = in_scratch("held"), *other = in_scratch("other");
	int pid = 77, holder, waiter, ready, waiting;

	(void)state;
	assert_int_equal(sys_lock_holders(path, &pid, 1), 0); /* no such file */
	write_text(path, "x");
	write_text(other, "x");
	assert_int_equal(sys_lock_holders(path, &pid, 1), 0);
	holder = start_locker(path, LOCK_EX, &ready);
	wait_ready(ready);
	waiter = start_locker(path, LOCK_EX, &waiting);
	for (int i = 0; i < 10000 && !is_asleep(waiter); i++)
		(void)poll(NULL, 0, 1);
	assert_int_equal(sys_lock_holders(path, &pid, 1), 1);
	assert_int_equal(pid, holder);
	assert_int_equal(sys_lock_holders(other, &pid, 1), 0);
	end(holder, &ready);
	wait_ready(waiting);
	assert_int_equal(sys_lock_holders(path, &pid, 1), 1);
	assert_int_equal(pid, waiter);
	end(waiter, &waiting);
	assert_int_equal(sys_lock_holders(path, &pid, 1), 0);
}

/* A lock of fcntl() is another kind, which turns do not use. */
static void only_flock_counts(void **state)
{
	const char *path = in_scratch("fcntl");
	struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), pid;

	(void)state;
	assert_int_equal(fcntl(fd, F_SETLK, &all), 0);
	assert_int_equal(sys_lock_holders(path, &pid, 1), 0);
	assert_int_equal(flock(fd, LOCK_SH | LOCK_NB), 0);
	assert_int_equal(sys_lock_holders(path, &pid, 1), 1);
	assert_int_equal(pid, getpid());
	fd_close(&fd);
}

static void a_stopped_process_is_known(void **state)
{
	int ready, status;
	int pid = start_locker(in_scratch("stopped"), LOCK_EX, &ready);

	(void)state;
	wait_ready(ready);
	assert_int_equal(is_stopped(pid), 0);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(is_stopped(pid), 1);
	assert_int_equal(kill(pid, SIGCONT), 0);
	assert_int_equal(waitpid(pid, &status, WCONTINUED), pid);
	assert_int_equal(is_stopped(pid), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	(void)waitid(
		P_PID, (id_t)pid, &(siginfo_t){.si_pid = 0}, WEXITED | WNOWAIT);
	assert_int_equal(is_stopped(pid), 0); /* a zombie */
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(is_stopped(pid), 0);
	fd_close(&ready);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_holder_of_a_lock_is_found_and_not_who_waits),
		cmocka_unit_test(only_flock_counts),
		cmocka_unit_test(a_stopped_process_is_known),
	};

	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
