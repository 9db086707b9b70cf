/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * status_limit - what it costs to read reports of twelve bytes
 *
 *   status_limit BYTES MS
 *
 * A child writes them to a socket pair for so long; the parent waits in epoll
 * and reads so many bytes at a time. Prints the reports and the processor time
 * of the parent in nanoseconds.
 */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static void write_reports(int fd, uint64_t ns)
{
	int report[3] = {getpid(), 1, 0};
	uint64_t end_ns = now_ns() + ns;

	while (now_ns() < end_ns) {
		for (int i = 0; i < 128; i++) {
			report[2] = i & 1;
			if (write(fd, report, 12) != 12)
				_exit(1);
		}
	}
	_exit(0);
}

static double used_ns(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return 1e9 * (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
	       1e3 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

int main(int argc, char **argv)
{
	struct epoll_event event = {.events = EPOLLIN};
	char bytes[4096];
	size_t at_once, got = 0;
	int ends[2], set = epoll_create1(EPOLL_CLOEXEC);
	ssize_t n;

	if (argc != 3 || set < 0 ||
		socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
		return 2;
	at_once = (size_t)atoi(argv[1]);
	if (at_once == 0 || at_once > sizeof(bytes))
		return 2;
	if (fork() == 0) {
		close(ends[0]);
		write_reports(ends[1], (uint64_t)atoi(argv[2]) * 1000000U);
	}
	close(ends[1]);
	epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event);
	do {
		epoll_wait(set, &event, 1, -1);
		n = read(ends[0], bytes, at_once);
		got += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	printf("%zu %.0f\n", got / 12, used_ns());
	wait(NULL);
	return 0;
}
