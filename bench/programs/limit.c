/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * limit - servers that do only what cannot be avoided
 *
 *   limit MODE [--workers N] [--hold MS] [--program FILE [--word W]...]
 *         ADDRESS:PORT | /PATH
 *
 *   accept   so many processes block in accept() on one listener
 *   wake     so many wait in epoll with EPOLLEXCLUSIVE for it
 *   loop     one process, one epoll set
 *   fork     a child for each client
 *   spawn    the same, by vfork() and exec of the program
 *   exec     the same, by fork() and exec
 *   lazy     poll the listener; when a client waits, start one program that
 *            accepts on descriptor 6, and wait for its end
 *
 * Everybody ends with the first process.
 */

#define WORDS_MAX 8
#define EVENTS_MAX 64

static struct sockaddr_storage address;
static socklen_t address_size;
static unsigned workers = 4, hold_ms;
static char *words[WORDS_MAX + 2]; /* the program, its words, NULL */
static unsigned words_n = 1;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "limit: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void serve(int client)
{
	char bytes[32];
	ssize_t n = read(client, bytes, sizeof(bytes));

	if (hold_ms > 0)
		usleep((useconds_t)hold_ms * 1000U);
	if (n > 0)
		(void)!write(client, bytes, (size_t)n);
	close(client);
}

static int open_listener(int flags)
{
	int on = 1;
	int fd = socket(
		address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&address, address_size) < 0)
		die("bind");
	if (listen(fd, 1024) < 0)
		die("listen");
	return fd;
}

static void loop_accept(int listener)
{
	for (;;) {
		int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (client >= 0)
			serve(client);
	}
}

static void loop_wake(int listener)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE};
	int set = epoll_create1(EPOLL_CLOEXEC);

	if (set < 0 || epoll_ctl(set, EPOLL_CTL_ADD, listener, &event) < 0)
		die("epoll");
	for (;;) {
		int client;

		if (epoll_wait(set, &event, 1, -1) <= 0)
			continue;
		client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (client >= 0)
			serve(client);
	}
}

static void take_all(int set, int listener)
{
	struct epoll_event event = {.events = EPOLLIN};
	int client;

	for (;;) {
		client = accept4(
			listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (client < 0)
			return;
		event.data.fd = client;
		epoll_ctl(set, EPOLL_CTL_ADD, client, &event);
	}
}

static void loop_loop(int listener)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
	struct epoll_event events[EVENTS_MAX];
	int set = epoll_create1(EPOLL_CLOEXEC);

	if (set < 0 || epoll_ctl(set, EPOLL_CTL_ADD, listener, &event) < 0)
		die("epoll");
	for (;;) {
		int n = epoll_wait(set, events, EVENTS_MAX, -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == listener)
				take_all(set, listener);
			else
				serve(events[i].data.fd);
		}
	}
}

static _Noreturn void become_program(int client)
{
	dup2(client, 0);
	dup2(client, 1);
	execv(words[0], words);
	_exit(127);
}

static void loop_children(int listener, bool execs, bool shares_memory)
{
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		pid_t pid;

		if (client < 0)
			continue;
		pid = shares_memory ? vfork() : fork();
		if (pid == 0 && execs)
			become_program(client);
		if (pid == 0) {
			serve(client);
			_exit(0);
		}
		close(client);
	}
}

static void loop_lazy(int listener)
{
	struct pollfd fd = {.fd = listener, .events = POLLIN};

	for (;;) {
		pid_t pid;

		if (poll(&fd, 1, -1) <= 0)
			continue;
		pid = vfork();
		if (pid == 0) {
			dup2(listener, 6);
			execv(words[0], words);
			_exit(127);
		}
		waitpid(pid, NULL, 0);
	}
}

static void loop_workers(int listener, void (*loop)(int listener))
{
	pid_t parent = getpid();

	for (unsigned i = 0; i < workers; i++) {
		if (fork() != 0)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			loop(listener);
		_exit(0);
	}
	for (;;)
		pause();
}

static void set_address(char *text)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&address;
	struct sockaddr_un *un = (struct sockaddr_un *)&address;
	char *colon = strrchr(text, ':');

	if (text[0] == '/' && strlen(text) < sizeof(un->sun_path)) {
		un->sun_family = AF_UNIX;
		memcpy(un->sun_path, text, strlen(text));
		address_size = sizeof(*un);
		return;
	}
	errno = EINVAL;
	if (colon == NULL)
		die(text);
	*colon = '\0';
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)atoi(colon + 1));
	if (inet_pton(AF_INET, text, &in->sin_addr) != 1)
		die(text);
	address_size = sizeof(*in);
}

static const struct option options[] = {
	{"workers", required_argument, NULL, 'n'},
	{"hold", required_argument, NULL, 'h'},
	{"program", required_argument, NULL, 'p'},
	{"word", required_argument, NULL, 'w'},
	{0},
};

static void set_option(int letter, char *word)
{
	switch (letter) {
	case 'n':
		workers = (unsigned)atoi(word);
		break;
	case 'h':
		hold_ms = (unsigned)atoi(word);
		break;
	case 'p':
		words[0] = word;
		break;
	case 'w':
		if (words_n <= WORDS_MAX)
			words[words_n++] = word;
		break;
	default:
		fprintf(stderr, "usage: the head of limit.c has it\n");
		exit(2);
	}
}

static void run(const char *mode)
{
	bool polls = strcmp(mode, "wake") == 0 || strcmp(mode, "loop") == 0;
	int listener = open_listener(polls ? SOCK_NONBLOCK : 0);

	if (strcmp(mode, "accept") == 0)
		loop_workers(listener, loop_accept);
	else if (strcmp(mode, "wake") == 0)
		loop_workers(listener, loop_wake);
	else if (strcmp(mode, "loop") == 0)
		loop_loop(listener);
	else if (strcmp(mode, "fork") == 0)
		loop_children(listener, false, false);
	else if (strcmp(mode, "spawn") == 0)
		loop_children(listener, true, true);
	else if (strcmp(mode, "exec") == 0)
		loop_children(listener, true, false);
	else if (strcmp(mode, "lazy") == 0)
		loop_lazy(listener);
	errno = EINVAL;
	die(mode);
}

int main(int argc, char **argv)
{
	int letter;

	while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1)
		set_option(letter, optarg);
	if (optind != argc - 2)
		set_option('?', NULL);
	set_address(argv[optind + 1]);
	signal(SIGPIPE, SIG_IGN);
	run(argv[optind]);
	return 0;
}
