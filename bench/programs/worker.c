/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/*
 * worker - speaks the status protocol by itself, and is linked statically
 *
 *   worker [-o NAME=VALUE]... [anything else, which is skipped]
 *
 * So little happens in it that what is measured is its master. It runs under
 * any master that speaks twelve bytes on descriptor 5 and listens on 6, and
 * as the worker of the `lazy` limit, where nobody is there to be told.
 *
 *   start=MS      takes so long to begin
 *   hold=MS       holds each client so long
 *   use=N         leaves after so many clients
 *   born=FILE     adds a byte to it when it begins
 *   flood=MS      from its first client on tells TAKEN and AVAIL for so long,
 *                 then says how often
 *   mute=yes      tells nothing at all
 */

#define STATUS_FD 5
#define LISTEN_FD 6

struct report {
	int pid;
	unsigned generation;
	int available;
};

static struct report report;
static unsigned start_ms, hold_ms, flood_ms;
static unsigned long use_max = ~0UL;
static bool mute;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static void pause_ms(unsigned ms)
{
	if (ms > 0)
		usleep((useconds_t)ms * 1000U);
}

/*
 * How many reports went out. A client that was accepted is served, even if the
 * master is gone; a channel that is full for the moment is no end either.
 */
static unsigned tell(int available)
{
	if (mute)
		return 0;
	report.available = available;
	if (write(STATUS_FD, &report, sizeof(report)) ==
		(ssize_t)sizeof(report))
		return 1;
	if (errno != EAGAIN && available)
		_exit(0);
	return 0;
}

static void note_birth(const char *name)
{
	int fd = open(name, O_WRONLY | O_APPEND | O_CLOEXEC);

	if (fd >= 0 && write(fd, ".", 1) == 1)
		close(fd);
}

static void flood(int client)
{
	char line[64];
	uint64_t began_ns = now_ns(), now = began_ns;
	unsigned long told = 0;
	int n;

	while (now - began_ns < flood_ms * 1000000ULL) {
		for (unsigned i = 0; i < 64; i++) {
			told += tell(0);
			told += tell(1);
		}
		now = now_ns();
	}
	n = snprintf(line, sizeof(line), "%lu %.6f\n", told,
		(double)(now - began_ns) / 1e9);
	(void)!write(client, line, (size_t)n);
}

static void serve(int client)
{
	char bytes[32];
	ssize_t n = read(client, bytes, sizeof(bytes));

	if (flood_ms > 0 && n > 0) {
		flood(client);
		return;
	}
	pause_ms(hold_ms);
	if (n > 0)
		(void)!write(client, bytes, (size_t)n);
}

static void set_option(const char *option)
{
	const char *value = strchr(option, '=');

	if (value++ == NULL)
		return;
	if (strncmp(option, "start=", 6) == 0)
		start_ms = (unsigned)atoi(value);
	else if (strncmp(option, "hold=", 5) == 0)
		hold_ms = (unsigned)atoi(value);
	else if (strncmp(option, "use=", 4) == 0)
		use_max = strtoul(value, NULL, 10);
	else if (strncmp(option, "flood=", 6) == 0)
		flood_ms = (unsigned)atoi(value);
	else if (strncmp(option, "born=", 5) == 0)
		note_birth(value);
	else if (strncmp(option, "mute=", 5) == 0)
		mute = true;
}

int main(int argc, char **argv)
{
	const char *generation = getenv("GENERATION");
	struct pollfd fds[2] = {
		{.fd = LISTEN_FD, .events = POLLIN},
		{.fd = STATUS_FD, .events = POLLIN}, /* its master is gone */
	};
	unsigned long used = 0;

	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "-o") == 0 && i + 1 < argc)
			set_option(argv[++i]);
	signal(SIGPIPE, SIG_IGN);
	report.pid = getpid();
	if (generation != NULL)
		report.generation = (unsigned)strtoul(generation, NULL, 8);
	fcntl(LISTEN_FD, F_SETFL, fcntl(LISTEN_FD, F_GETFL) | O_NONBLOCK);
	pause_ms(start_ms);
	for (;;) {
		int client;

		if (poll(fds, mute ? 1 : 2, -1) < 0)
			continue;
		if (fds[1].revents != 0)
			return 0;
		client = accept4(LISTEN_FD, NULL, NULL, SOCK_CLOEXEC);
		if (client < 0)
			continue;
		tell(0);
		serve(client);
		close(client);
		if (++used >= use_max)
			return 0;
		tell(1);
	}
}
