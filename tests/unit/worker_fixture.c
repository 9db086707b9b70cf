/* SPDX-License-Identifier: MIT */
#include "worker_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "proto/page.h"
#include "proto/status.h"

#define QUEUE 512

struct fixture m;

/* ------------------------------------------------- the worker's side */

int serve_byte(int client, void *context)
{
	char byte;

	(void)context;
	if (read(client, &byte, 1) == 1)
		(void)!write(client, &byte, 1);
	return 0;
}

int answer(struct ostler_client *client, void *context)
{
	char byte;

	(void)context;
	if (read(client->fd, &byte, 1) != 1)
		return 1;
	return write(client->fd, &byte, 1) != 1;
}

/* Descriptors as a master leaves them; sources are all below 100. */
static void place_descriptors(void)
{
	int listener = fcntl(m.listener, F_DUPFD, 100);
	int status = fcntl(m.theirs, F_DUPFD, 100);
	int null = open("/dev/null", O_RDWR);
	int second = fcntl(m.second, F_DUPFD, 100); /* -1 if there is none */
	int gate = fcntl(m.gate[1], F_DUPFD, 100);  /* likewise */
	int page = fcntl(m.page, F_DUPFD, 100);	    /* likewise */

	(void)dup2(null, 3);
	(void)dup2(null, 4);
	(void)dup2(status, 5);
	(void)dup2(listener, 6);
	for (int fd = 7; fd < 100; fd++)
		(void)close(fd);
	if (second >= 0)
		(void)dup2(second, 7);
	if (gate >= 0)
		(void)dup2(gate, 8);
	if (page >= 0)
		(void)dup2(page, 9);
	for (int fd = 100; fd < 200; fd++)
		(void)close(fd);
}

static _Noreturn void be_worker(
	int (*skeleton)(int, char **, const struct ostler_options *))
{
	static char name[] = "worker", type[] = "-ltinet"; /* no turns */
	char *native[] = {name, NULL}, *postfix[] = {name, type, NULL};
	struct rlimit limit = {m.nofile, 4096};

	(void)alarm(10);
	place_descriptors();
	if (m.nofile != 0)
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	(void)setenv("GENERATION", "11", 1);
	(void)setenv("MAIL_CONFIG", "/nonexistent", 1);
	if (m.type == SOCK_SEQPACKET)
		(void)setenv("OSTLER_SERVICE", "test", 1);
	(void)setenv("OSTLER_SOCKETS", m.second >= 0 ? "2" : "1", 1);
	if (m.page >= 0)
		(void)setenv("OSTLER_PAGE", m.page_says, 1);
	if (m.per_worker != NULL)
		(void)setenv("OSTLER_CLIENTS_PER_WORKER", m.per_worker, 1);
	_exit(m.type == SOCK_SEQPACKET ? skeleton(1, native, &m.options)
				       : skeleton(2, postfix, &m.options));
}

void start(int (*skeleton)(int, char **, const struct ostler_options *))
{
	int pair[2];

	assert_return_code(socketpair(AF_UNIX, m.type, 0, pair), errno);
	m.channel = pair[0];
	m.theirs = pair[1];
	m.pid = fork();
	assert_return_code(m.pid, errno);
	if (m.pid == 0)
		be_worker(skeleton);
	m.speaker = m.pid;
	(void)close(m.theirs);
}

/* ------------------------------------------------- the master's side */

void await_input(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
}

char next_word(void)
{
	struct ostler__status got;
	unsigned char bytes[64];
	ssize_t n;

	await_input(m.channel);
	n = recv(m.channel, bytes, OSTLER__STATUS_BYTES, 0);
	if (n <= 0)
		return '.'; /* the end */
	assert_int_equal(
		ostler__status_decode(bytes, (size_t)n, &got), STATUS_OK);
	assert_int_equal(got.pid, m.speaker);
	assert_int_equal(got.generation, GENERATION);
	return got.word == STATUS_AVAIL ? 'A' : 'T';
}

/* WORDS: A for AVAIL, T for TAKEN, and a dot for the end of the channel. */
void expect_words(const char *words)
{
	for (size_t i = 0; words[i] != '\0'; i++)
		assert_int_equal(next_word(), words[i]);
}

void expect_silence(void)
{
	struct pollfd p = {.fd = m.channel, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 0), 0);
}

void expect_exit(int status)
{
	int how;

	assert_int_equal(waitpid(m.pid, &how, 0), m.pid);
	m.pid = 0;
	assert_true(WIFEXITED(how)); /* its alarm(10) would have killed it */
	assert_int_equal(WEXITSTATUS(how), status);
}

static int connect_to(const struct sockaddr_in *address)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_return_code(fd, errno);
	assert_return_code(
		connect(fd, (const struct sockaddr *)address, sizeof(*address)),
		errno);
	return fd;
}

int connect_client(void)
{
	return connect_to(&m.address);
}

int connect_second(void)
{
	return connect_to(&m.second_address);
}

void ask(int client)
{
	assert_int_equal(send(client, "x", 1, MSG_NOSIGNAL), 1);
}

void expect_answer(int client)
{
	char byte = 0;

	await_input(client);
	assert_int_equal(recv(client, &byte, 1, 0), 1);
	assert_int_equal(byte, 'x');
	(void)close(client);
}

void be_client(void)
{
	int client = connect_client();

	ask(client);
	expect_answer(client);
}

void retire(void)
{
	assert_return_code(shutdown(m.channel, SHUT_WR), errno);
}

void hang_up(void)
{
	assert_return_code(shutdown(m.channel, SHUT_RDWR), errno);
}

static int listen_on(struct sockaddr_in *address)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	socklen_t n = sizeof(*address);

	address->sin_family = AF_INET;
	address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_return_code(
		bind(fd, (const struct sockaddr *)address, n), errno);
	assert_return_code(listen(fd, QUEUE), errno);
	assert_return_code(
		getsockname(fd, (struct sockaddr *)address, &n), errno);
	return fd;
}

void open_page(void)
{
	size_t bytes = ostler__page_bytes(1);

	m.page = memfd_create("page", MFD_ALLOW_SEALING);
	assert_return_code(m.page, errno);
	assert_return_code(ftruncate(m.page, (off_t)bytes), errno);
	assert_return_code(fcntl(m.page, F_ADD_SEALS,
				   F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
		errno);
	m.page_top = mmap(
		NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, m.page, 0);
	assert_ptr_not_equal(m.page_top, MAP_FAILED);
	(void)ostler__page_init(m.page_top, 1);
	m.page_says = "9:0";
}

void open_second(void)
{
	m.second = listen_on(&m.second_address);
}

int prepare(void **state)
{
	(void)state;
	memset(&m, 0, sizeof(m));
	m.gate[0] = m.gate[1] = -1;
	m.type = SOCK_SEQPACKET;
	m.options.size = sizeof(m.options);
	m.options.serve = serve_byte;
	m.options.readable = answer;
	m.second = -1;
	m.page = -1;
	m.listener = listen_on(&m.address);
	return 0;
}

int clean_up(void **state)
{
	(void)state;
	if (m.pid > 0) {
		(void)kill(m.pid, SIGKILL);
		(void)waitpid(m.pid, NULL, 0);
	}
	(void)close(m.listener);
	(void)close(m.second);
	(void)close(m.channel);
	(void)close(m.page);
	if (m.page_top != NULL)
		(void)munmap(m.page_top, ostler__page_bytes(1));
	for (int i = 0; i < 2 && m.gate[i] > 0; i++)
		(void)close(m.gate[i]);
	m.gate[0] = m.gate[1] = -1;
	return 0;
}

/* ------------------------------------------------- between the two */

void open_gate(void)
{
	assert_return_code(socketpair(AF_UNIX, SOCK_STREAM, 0, m.gate), errno);
}

/* The worker: tell the test that we are here, and wait for its word. */
void pass_gate(void)
{
	char byte = 'g';

	(void)!write(8, &byte, 1);
	(void)!read(8, &byte, 1);
}

void let_pass(void)
{
	char byte;

	await_input(m.gate[0]);
	assert_int_equal(read(m.gate[0], &byte, 1), 1);
	assert_int_equal(write(m.gate[0], &byte, 1), 1);
}

/* No descriptor tells that a process sleeps. */
static char process_state(pid_t pid)
{
	char path[64], stat[512] = "";
	FILE *file;
	size_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "r");
	assert_non_null(file);
	n = fread(stat, 1, sizeof(stat) - 1, file);
	(void)fclose(file);
	stat[n] = '\0';
	assert_non_null(strrchr(stat, ')'));
	return strrchr(stat, ')')[2];
}

void await_sleep(void)
{
	time_t end = time(NULL) + PATIENCE_MS / 1000;

	while (process_state(m.pid) != 'S') {
		assert_true(time(NULL) < end);
		(void)sched_yield();
	}
}
