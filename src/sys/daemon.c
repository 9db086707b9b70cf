/* SPDX-License-Identifier: MIT */
#include "sys/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/fd.h"

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)
#define MONITOR_MS 100000u

/* Before Linux 5.9, or where a filter denies it: one by one. */
static void close_one_by_one(unsigned lowest)
{
	struct rlimit limit;
	unsigned end = 65536;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max < end)
		end = (unsigned)limit.rlim_max;
	for (unsigned fd = lowest; fd < end; fd++)
		(void)close((int)fd);
}

int sys_close_from(int lowest)
{
	if (close_range((unsigned)lowest, UINT_MAX, 0) < 0)
		close_one_by_one((unsigned)lowest);
	return 0;
}

int sys_new_session(void)
{
	if (setsid() >= 0 || getsid(0) == getpid())
		return 0;
	return -errno;
}

int sys_null_standard(bool keep_stdout)
{
	AUTO_CLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (null < 0)
		return -errno;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fd == STDOUT_FILENO && keep_stdout)
			continue;
		if (dup2(null, fd) < 0)
			return -errno;
	}
	return 0;
}

int sys_enter(const char *directory)
{
	return chdir(directory) < 0 ? -errno : 0;
}

void sys_sleep(uint64_t ns)
{
	const struct timespec time = {.tv_sec = (time_t)(ns / NS_PER_S),
		.tv_nsec = (long)(ns % NS_PER_S)};

	(void)nanosleep(&time, NULL); /* a signal may cut it short */
}

uint64_t sys_ignored_signals(void)
{
	uint64_t ignored = 0;

	for (int number = 1; number <= 64; number++) {
		struct sigaction action;

		if (sigaction(number, NULL, &action) == 0 &&
			action.sa_handler == SIG_IGN)
			ignored |= UINT64_C(1) << (number - 1);
	}
	return ignored;
}

/* A byte: ready. The end without one: dead. */
static int wait_for(int fd)
{
	uint64_t until_ns = clock_now_ns() + MONITOR_MS * NS_PER_MS;

	for (;;) {
		uint64_t now_ns = clock_now_ns();
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		char byte;
		int n;

		if (now_ns >= until_ns)
			return -ETIMEDOUT;
		n = poll(&ready, 1, (int)((until_ns - now_ns) / NS_PER_MS) + 1);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n <= 0)
			continue;
		n = sys_read(fd, &byte, 1);
		if (n == -EAGAIN)
			continue;
		return n == 1 ? 1 : n == 0 ? -ECHILD : n;
	}
}

static void reap(pid_t child)
{
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		continue;
}

int sys_monitor_start(struct monitor *out)
{
	int ends[2];
	pid_t child;
	int result = sys_pipe(ends, true);

	if (result < 0)
		return result;
	child = fork();
	if (child < 0) {
		result = -errno;
		fd_close(&ends[0]);
		fd_close(&ends[1]);
		return result;
	}
	if (child == 0) {
		fd_close(&ends[0]);
		out->fd = ends[1];
		return 0;
	}
	fd_close(&ends[1]);
	result = wait_for(ends[0]);
	fd_close(&ends[0]);
	if (result == 1)
		return 1;
	(void)kill(child, SIGKILL); /* unless it is dead: then nothing comes */
	reap(child);
	return result;
}

void sys_monitor_release(struct monitor *monitor)
{
	if (monitor->fd >= 0)
		(void)sys_write(monitor->fd, "", 1); /* it may have given up */
	fd_close(&monitor->fd);
}
