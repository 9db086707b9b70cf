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

#include "chores.h"

/*
 * worker - speaks the status protocol by itself, and is linked statically
 *
 *   worker [-o NAME=VALUE]... [anything else, which is skipped]
 *
 * So little happens in it that what is measured is its master. It runs under
 * any master that speaks twelve bytes on descriptor 5 and listens on 6, and
 * as the worker of the `lazy` limit, where nobody is there to be told.
 *
 *   use=N         leaves after so many clients
 *   flood=MS      from its first client on tells TAKEN and AVAIL for so long,
 *                 then says how often
 *   mute=yes      tells nothing at all
 *
 * and all that chores.h has.
 */

#define STATUS_FD 5
#define LISTEN_FD 6
#define LISTENERS_MAX 64

struct report {
	int pid;
	unsigned generation;
	int available;
};

static struct report report;
static struct chores chores;
static unsigned flood_ms;
static unsigned long use_max = ~0UL;
static bool mute;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
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
	char byte;

	if (flood_ms > 0 && recv(client, &byte, 1, MSG_PEEK) > 0)
		flood(client);
	else
		chores_serve(&chores, client);
}

static void set_option(const char *option)
{
	const char *value = strchr(option, '=');

	if (value++ == NULL)
		return;
	if (strncmp(option, "use=", 4) == 0)
		use_max = strtoul(value, NULL, 10);
	else if (strncmp(option, "flood=", 6) == 0)
		flood_ms = (unsigned)atoi(value);
	else if (strncmp(option, "mute=", 5) == 0)
		mute = true;
}

/* A client that was accepted, from the first listener that has one, or -1. */
static int fresh_client(struct pollfd *fds)
{
	for (unsigned i = 0; i < chores.listeners; i++) {
		int client = -1;

		if (fds[1 + i].revents != 0)
			client = accept4(
				fds[1 + i].fd, NULL, NULL, SOCK_CLOEXEC);
		if (client >= 0)
			return client;
	}
	return -1;
}

static void watch(struct pollfd *fds)
{
	if (chores.listeners == 0 || chores.listeners > LISTENERS_MAX)
		chores.listeners = 1;
	fds[0] = (struct pollfd){
		.fd = mute ? -1 : STATUS_FD, /* its end: our master is gone */
		.events = POLLIN,
	};
	for (unsigned i = 0; i < chores.listeners; i++) {
		int fd = LISTEN_FD + (int)i;

		fds[1 + i] = (struct pollfd){.fd = fd, .events = POLLIN};
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	}
}

int main(int argc, char **argv)
{
	const char *generation = getenv("GENERATION");
	struct pollfd fds[1 + LISTENERS_MAX];
	unsigned long used = 0;

	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "-o") == 0 && i + 1 < argc)
			set_option(argv[++i]);
	chores_read(&chores, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	report.pid = getpid();
	if (generation != NULL)
		report.generation = (unsigned)strtoul(generation, NULL, 8);
	watch(fds);
	chores_begin(&chores);
	for (;;) {
		int client;

		if (poll(fds, 1 + chores.listeners, -1) < 0)
			continue;
		if (fds[0].revents != 0)
			return 0;
		client = fresh_client(fds);
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
