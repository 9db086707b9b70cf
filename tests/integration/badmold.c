/* SPDX-License-Identifier: MIT */
/*
 * badmold - a mold that does anything but what it is there for
 *
 * usage: badmold WAY
 *
 * Started as a worker it serves: each client is told the pid. Started as a
 * mold it goes its WAY, in the table `ways` below.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STATUS_FD 5
#define LISTEN_FD 6
#define STORM 80 /* more than a round of the master sees to */

static unsigned generation;

static void say(int fd, long pid, unsigned gen)
{
	const uint32_t words[3] = {(uint32_t)pid, gen, 1};

	(void)send(fd, words, sizeof(words), MSG_NOSIGNAL);
}

static void announce(void)
{
	const uint32_t words[4] = {
		0x6d6f6c64, 1, (uint32_t)getpid(), generation};

	(void)send(STATUS_FD, words, sizeof(words), MSG_NOSIGNAL);
}

/* The new channel, or -1 at the end; *OUT_GEN is the worker's generation. */
static int take_order(unsigned *out_gen)
{
	union {
		char bytes[CMSG_SPACE(64 * sizeof(int))];
		struct cmsghdr align;
	} control;
	char text[4096];
	struct iovec part = {text, sizeof(text)};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes)};
	ssize_t n = recvmsg(STATUS_FD, &message, 0);
	const struct cmsghdr *c;
	int fd;

	if (n <= 0)
		return -1;
	*out_gen = 0;
	for (const char *p = text; p < text + n; p += strlen(p) + 1)
		if (strncmp(p, "GENERATION=", 11) == 0)
			*out_gen = (unsigned)strtoul(p + 11, NULL, 8);
	c = CMSG_FIRSTHDR(&message);
	if (c == NULL)
		return -1;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static bool be_sibling(void)
{
	return syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0) == 0;
}

/* Until its channel ends, and beyond. */
static _Noreturn void stay(void)
{
	for (;;)
		(void)pause();
}

static int be_worker(void)
{
	for (;;) {
		fd_set set;
		char byte;
		int client;

		say(STATUS_FD, getpid(), generation);
		FD_ZERO(&set);
		FD_SET(STATUS_FD, &set);
		FD_SET(LISTEN_FD, &set);
		(void)select(LISTEN_FD + 1, &set, NULL, NULL, NULL);
		if (FD_ISSET(STATUS_FD, &set))
			return 0;
		client = accept(LISTEN_FD, NULL, NULL);
		if (client < 0)
			continue;
		(void)send(STATUS_FD,
			(const uint32_t[]){(uint32_t)getpid(), generation, 0},
			12, MSG_NOSIGNAL);
		(void)dprintf(client, "%d\n", (int)getpid());
		(void)read(client, &byte, 1);
		(void)close(client);
	}
}

/* With the descriptors of the order, which came in a row. */
static _Noreturn void serve(int fd, unsigned gen)
{
	(void)dup2(fd, STATUS_FD);
	(void)dup2(fd + 1, LISTEN_FD);
	generation = gen;
	exit(be_worker());
}

/* --------------------------------------------------------------- its ways */

static void hold(int fd, unsigned gen)
{
	(void)fd;
	(void)gen;
}

static void drop(int fd, unsigned gen)
{
	(void)gen;
	for (int i = fd; i < fd + 64; i++)
		(void)close(i);
}

/* As if it were the worker, by any name. */
static void be_it(int fd, unsigned gen)
{
	say(fd, getpid(), gen);
}

static void be_init(int fd, unsigned gen)
{
	say(fd, 1, gen);
}

static void be_master(int fd, unsigned gen)
{
	say(fd, getppid(), gen);
}

/* One that is its own child, and none of the master's. */
static void send_child(int fd, unsigned gen)
{
	char byte;

	if (fork() != 0)
		return;
	say(fd, getpid(), gen);
	(void)recv(fd, &byte, 1, 0);
	_exit(0);
}

/* The one that was ordered, and many that were not. */
static void storm(int fd, unsigned gen)
{
	for (int i = 0; i < STORM; i++)
		if (be_sibling())
			stay();
	if (be_sibling())
		serve(fd, gen);
}

static void send_two(int fd, unsigned gen)
{
	for (int i = 0; i < 2; i++)
		if (be_sibling())
			serve(fd, gen);
}

static void wrong_generation(int fd, unsigned gen)
{
	if (!be_sibling())
		return;
	say(fd, getpid(), gen + 1);
	stay();
}

/* It announces itself, and is dead when that is read. */
static void die_early(int fd, unsigned gen)
{
	if (!be_sibling())
		return;
	say(fd, getpid(), gen);
	_exit(3);
}

static void leave(int fd, unsigned gen)
{
	(void)fd;
	(void)gen;
	_exit(0);
}

static const struct {
	const char *name;
	void (*take)(int fd, unsigned gen);
} ways[] = {{"hold", hold}, {"drop", drop}, {"be-it", be_it},
	{"be-init", be_init}, {"be-master", be_master},
	{"send-child", send_child}, {"storm", storm}, {"send-two", send_two},
	{"wrong-generation", wrong_generation}, {"die-early", die_early},
	{"leave", leave}};

static int be_mold(const char *way)
{
	unsigned gen;
	int fd;

	if (strcmp(way, "silent") == 0)
		stay();
	if (strcmp(way, "worker") == 0) {
		say(STATUS_FD, getpid(), generation);
		stay();
	}
	announce();
	if (strcmp(way, "mute") == 0) {
		(void)close(STATUS_FD);
		stay();
	}
	while ((fd = take_order(&gen)) >= 0)
		for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
			if (strcmp(way, ways[i].name) == 0)
				ways[i].take(fd, gen);
	return 0;
}

int main(int argc, char **argv)
{
	const char *text = getenv("GENERATION");

	if (argc < 2 || text == NULL)
		return 2;
	generation = (unsigned)strtoul(text, NULL, 8);
	(void)signal(SIGPIPE, SIG_IGN);
	return getenv("OSTLER_MOLD") != NULL ? be_mold(argv[1]) : be_worker();
}
