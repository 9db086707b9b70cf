/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/*
 * load - clients, one after the other in each of some threads
 *
 *   load [--threads N] [--count N] [--hold MS] [--greeted] ENDPOINT...
 *
 * ENDPOINT is ADDRESS:PORT, [ADDRESS]:PORT or the path of a socket. Each
 * client connects, writes a line of its own, shuts its side down and reads:
 * the answer must be that line, and then the end. With --greeted the server
 * first says a line with its pid. A client that fails is a line on stdout,
 * "failed endpoint=E at=WHERE error=WHAT pid=P"; at the end comes
 * "done ok=N failed=N worst_ms=N". It ends at --count clients or at the end of
 * its standard input, whichever is first.
 */

#define PATIENCE_S 20
#define ENDPOINTS_MAX 16

struct target {
	const char *text; /* borrowed from argv */
	struct sockaddr_storage address;
	socklen_t size;
};

struct client {
	const struct target *target;
	unsigned long number;
	int fd;
	long pid; /* of who serves it; 0: nobody said so yet */
	const char *at;
	int error; /* 0: the answer was wrong */
};

static struct target targets[ENDPOINTS_MAX];
static unsigned targets_n;
static unsigned long count_max = 1000000000;
static unsigned hold_ms;
static bool greeted;

static atomic_ulong started, good, bad, worst_ms;
static atomic_bool over;

static unsigned long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (unsigned long)now.tv_sec * 1000 +
	       (unsigned long)now.tv_nsec / 1000000;
}

static bool parse_inet(char *text, struct target *target)
{
	char *colon = strrchr(text, ':');
	struct sockaddr_in *four = (struct sockaddr_in *)&target->address;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&target->address;
	char host[64];
	in_port_t port;
	size_t n;

	if (colon == NULL || (size_t)(colon - text) >= sizeof(host))
		return false;
	n = (size_t)(colon - text);
	memcpy(host, text, n);
	host[n] = '\0';
	port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	if (host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		six->sin6_family = AF_INET6;
		six->sin6_port = port;
		target->size = sizeof(*six);
		return inet_pton(AF_INET6, host + 1, &six->sin6_addr) == 1;
	}
	four->sin_family = AF_INET;
	four->sin_port = port;
	target->size = sizeof(*four);
	return inet_pton(AF_INET, host, &four->sin_addr) == 1;
}

static bool parse_target(char *text, struct target *target)
{
	struct sockaddr_un *name = (struct sockaddr_un *)&target->address;

	target->text = text;
	if (text[0] != '/')
		return parse_inet(text, target);
	if (strlen(text) >= sizeof(name->sun_path))
		return false;
	name->sun_family = AF_UNIX;
	memcpy(name->sun_path, text, strlen(text) + 1);
	target->size = sizeof(*name);
	return true;
}

static bool fail(struct client *client, const char *at, int error)
{
	client->at = at;
	client->error = error;
	return false;
}

static bool knock(struct client *client)
{
	const struct target *target = client->target;
	const struct timeval patience = {.tv_sec = PATIENCE_S};

	client->fd = socket(
		target->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->fd < 0)
		return fail(client, "socket", errno);
	(void)setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
		sizeof(patience));
	(void)setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
		sizeof(patience));
	if (connect(client->fd, (const struct sockaddr *)&target->address,
		    target->size) < 0)
		return fail(client, "connect", errno);
	return true;
}

/* Up to and with the newline. */
static bool hear_greeting(struct client *client)
{
	char line[32];
	size_t n = 0;

	while (n == 0 || line[n - 1] != '\n') {
		ssize_t got = n < sizeof(line) - 1
				      ? recv(client->fd, line + n, 1, 0)
				      : 0;

		if (got <= 0)
			return fail(client, "greeting", got < 0 ? errno : 0);
		n++;
	}
	line[n] = '\0';
	client->pid = strtol(line, NULL, 10);
	return true;
}

static bool hear_echo(struct client *client, const char *line, size_t size)
{
	char heard[128];
	size_t n = 0;

	for (;;) {
		ssize_t got = recv(client->fd, heard + n, sizeof(heard) - n, 0);

		if (got < 0)
			return fail(client, "read", errno);
		if (got == 0)
			break;
		n += (size_t)got;
		if (n > size)
			return fail(client, "too-much", 0);
	}
	if (n != size || memcmp(heard, line, size) != 0)
		return fail(client, n == 0 ? "nothing" : "wrong", 0);
	return true;
}

static bool talk(struct client *client)
{
	char line[96];
	int size = snprintf(line, sizeof(line), "client %lu of %d at %s\n",
		client->number, (int)getpid(), client->target->text);

	if (size >= (int)sizeof(line))
		size = (int)sizeof(line) - 1;
	if (!knock(client))
		return false;
	if (greeted && !hear_greeting(client))
		return false;
	if (hold_ms > 0)
		(void)poll(NULL, 0, (int)(client->number % (hold_ms + 1)));
	if (send(client->fd, line, (size_t)size, MSG_NOSIGNAL) != size)
		return fail(client, "write", errno);
	if (shutdown(client->fd, SHUT_WR) < 0)
		return fail(client, "shutdown", errno);
	return hear_echo(client, line, (size_t)size);
}

static void note_time(unsigned long ms)
{
	unsigned long worst = worst_ms;

	while (ms > worst &&
		!atomic_compare_exchange_weak(&worst_ms, &worst, ms))
		;
}

static void one_client(unsigned long number)
{
	struct client client = {.target = &targets[number % targets_n],
		.number = number,
		.fd = -1};
	unsigned long begin = now_ms();

	if (talk(&client)) {
		good++;
		note_time(now_ms() - begin);
	} else {
		bad++;
		printf("failed endpoint=%s at=%s error=%s pid=%ld\n",
			client.target->text, client.at,
			client.error == 0 ? "-" : strerrorname_np(client.error),
			client.pid);
	}
	if (client.fd >= 0)
		close(client.fd);
}

static void *run(void *argument)
{
	unsigned long number;

	while (!over && (number = started++) < count_max)
		one_client(number);
	return argument;
}

/* Whoever started us holds the other end. */
static void *listen_for_the_end(void *argument)
{
	char byte;

	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	over = true;
	return argument;
}

static unsigned long number_of(const char *text)
{
	return strtoul(text, NULL, 10);
}

static bool parse(int argc, char **argv, unsigned long *out_threads)
{
	static const struct option longs[] = {
		{"threads", required_argument, NULL, 't'},
		{"count", required_argument, NULL, 'c'},
		{"hold", required_argument, NULL, 'h'},
		{"greeted", no_argument, NULL, 'g'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 't')
			*out_threads = number_of(optarg);
		else if (c == 'c')
			count_max = number_of(optarg);
		else if (c == 'h')
			hold_ms = (unsigned)number_of(optarg);
		else if (c == 'g')
			greeted = true;
		else
			return false;
	}
	for (; optind < argc && targets_n < ENDPOINTS_MAX; optind++)
		if (!parse_target(argv[optind], &targets[targets_n++]))
			return false;
	return targets_n > 0 && optind == argc && *out_threads > 0;
}

int main(int argc, char **argv)
{
	unsigned long threads_n = 4;
	pthread_t *threads, ear;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!parse(argc, argv, &threads_n)) {
		fputs("load: wrong arguments\n", stderr);
		return 2;
	}
	threads = calloc(threads_n, sizeof(*threads));
	if (threads == NULL ||
		pthread_create(&ear, NULL, listen_for_the_end, NULL) != 0)
		return 1;
	for (unsigned long i = 0; i < threads_n; i++)
		if (pthread_create(&threads[i], NULL, run, NULL) != 0)
			return 1;
	for (unsigned long i = 0; i < threads_n; i++)
		pthread_join(threads[i], NULL);
	printf("done ok=%lu failed=%lu worst_ms=%lu\n", good, bad, worst_ms);
	free(threads);
	return bad == 0 ? 0 : 1;
}
