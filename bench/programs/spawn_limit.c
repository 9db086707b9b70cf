/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * spawn_limit - what a start costs one who holds many descriptors
 *
 *   spawn_limit METHOD DESCRIPTORS TIMES PROGRAM
 *
 * METHOD is fork, vfork, or share: a child in the memory and on the descriptor
 * table of its parent, which it leaves with close_range(). PROGRAM answers
 * 16 bytes on its standard input. Prints microseconds, one start in a line.
 */

enum { PARKED = 10 };

static char *words[2];

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static int become_program(void *end)
{
	int fd = *(int *)end;

	if (fd == PARKED && syscall(SYS_close_range, PARKED + 1, ~0U,
				    CLOSE_RANGE_UNSHARE) != 0)
		_exit(126);
	dup2(fd, 0);
	dup2(fd, 1);
	execv(words[0], words);
	_exit(127);
}

static pid_t start(char method, int end)
{
	static char stack[65536];
	static int fd; /* the child has our memory */
	pid_t pid;

	fd = end;
	if (method == 's') {
		fd = PARKED;
		dup3(end, PARKED, O_CLOEXEC);
		return clone(become_program, stack + sizeof(stack),
			CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, &fd);
	}
	pid = method == 'v' ? vfork() : fork();
	if (pid == 0)
		become_program(&fd);
	return pid;
}

static void once(char method)
{
	char bytes[16] = "0123456789abcde";
	uint64_t began_ns = now_ns();
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		exit(1);
	pid = start(method, ends[1]);
	close(ends[1]);
	if (pid < 0 || write(ends[0], bytes, 16) != 16 ||
		read(ends[0], bytes, 16) != 16)
		exit(1);
	printf("%.1f\n", (double)(now_ns() - began_ns) / 1000.0);
	waitpid(pid, NULL, 0);
	close(ends[0]);
	usleep(5000);
}

int main(int argc, char **argv)
{
	struct rlimit files = {32768, 32768};

	if (argc != 5)
		return 2;
	words[0] = argv[4];
	(void)setrlimit(RLIMIT_NOFILE, &files);
	while (fcntl(PARKED, F_GETFD) < 0)
		if (open("/dev/null", O_RDWR | O_CLOEXEC) < 0)
			return 1;
	for (int i = atoi(argv[2]); i > 0; i--)
		if (socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) < 0)
			return 1;
	for (int i = atoi(argv[3]); i > 0; i--)
		once(argv[1][0]);
	return 0;
}
