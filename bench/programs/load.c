/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/*
 * load - clients of tiny services: connect, ask, read the answer, close
 *
 *   load [OPTION...] ADDRESS:PORT | /PATH ...
 *
 * The time of a client goes from just before its connect() to the last byte
 * of the answer. With one client at a time the sockets block; with more, one
 * epoll loop drives them all. --burst opens so many at once and waits for all
 * the answers; with --together nobody leaves before the last one has his.
 * TCP connections are closed by a reset, so that no run is shaped by what the
 * one before left in TIME_WAIT. Of several places each client takes the next.
 * One line of JSON says how it went; --trace has the beginning of each client,
 * on the monotonic clock, and his time.
 */

#define BYTES_MAX 4096
#define PLACES_MAX 64

enum until { UNTIL_BYTES, UNTIL_LINE, UNTIL_END };
enum step { STEP_CONNECT, STEP_ANSWER, STEP_GOODBYE, STEP_DONE };

struct client {
	uint64_t began_ns;
	size_t got;
	int fd;
	enum step step;
};

struct times {
	uint64_t *ns;
	size_t n;
	size_t room;
};

struct failures {
	unsigned long connect;
	unsigned long reset;
	unsigned long end;
	unsigned long late;
	unsigned long other;
};

struct place {
	struct sockaddr_storage address;
	socklen_t size;
};

static struct place places[PLACES_MAX];
static unsigned places_n, place_next;
static char question[BYTES_MAX] = "0123456789abcde\n";
static size_t question_size = 16;
static size_t answer_size = 16;
static const char *goodbye; /* NULL: just close */
static enum until until = UNTIL_BYTES;
static unsigned clients_n = 1, burst, think_us, patience_ms = 10000;
static uint64_t count_max = UINT64_MAX;
static double seconds = 1e9;
static bool together;
static const char *samples; /* file, borrowed from argv */
static FILE *trace;

static struct times times;
static struct failures failed;
static int set = -1; /* the epoll set */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void note_time(uint64_t began_ns)
{
	uint64_t ns = now_ns() - began_ns;

	if (trace != NULL)
		fprintf(trace, "%llu %llu\n",
			(unsigned long long)(began_ns / 1000),
			(unsigned long long)(ns / 1000));
	if (times.n == times.room) {
		times.room = times.room > 0 ? 2 * times.room : 65536;
		times.ns = realloc(times.ns, times.room * sizeof(times.ns[0]));
		if (times.ns == NULL)
			die("times");
	}
	times.ns[times.n++] = ns;
}

static void note_failure(int error)
{
	if (error == ECONNRESET || error == EPIPE)
		failed.reset++;
	else if (error == EAGAIN || error == ETIMEDOUT)
		failed.late++;
	else
		failed.other++;
}

static unsigned long failures(void)
{
	return failed.connect + failed.reset + failed.end + failed.late +
	       failed.other;
}

static const struct place *next_place(void)
{
	return &places[place_next++ % places_n];
}

static int fresh_socket(const struct place *to, int flags)
{
	struct linger reset = {.l_onoff = 1};
	int fd = socket(
		to->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	if (fd < 0)
		die("socket");
	if (to->address.ss_family == AF_INET)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	return fd;
}

/* Is the answer whole, now that these N bytes came? */
static bool is_whole(struct client *c, const char *bytes, size_t n)
{
	c->got += n;
	if (until == UNTIL_BYTES)
		return c->got >= answer_size;
	return until == UNTIL_LINE && memchr(bytes, '\n', n) != NULL;
}

/* ------------------------------------------------- one client at a time */

static bool answer_blocking(struct client *c)
{
	char bytes[BYTES_MAX];

	for (;;) {
		ssize_t n = read(c->fd, bytes, sizeof(bytes));

		if (n < 0) {
			note_failure(errno);
			return false;
		}
		if (n == 0) {
			if (until == UNTIL_END && c->got > 0)
				return true;
			failed.end++;
			return false;
		}
		if (is_whole(c, bytes, (size_t)n))
			return true;
	}
}

static void goodbye_blocking(int fd)
{
	char bytes[BYTES_MAX];

	if (goodbye == NULL || write(fd, goodbye, strlen(goodbye)) < 0)
		return;
	while (read(fd, bytes, sizeof(bytes)) > 0)
		continue;
}

static void serve_one(void)
{
	struct timeval patience = {
		.tv_sec = patience_ms / 1000,
		.tv_usec = (suseconds_t)(patience_ms % 1000) * 1000,
	};
	const struct place *to = next_place();
	struct client c = {.fd = fresh_socket(to, 0)};

	setsockopt(c.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	c.began_ns = now_ns();
	if (connect(c.fd, (const struct sockaddr *)&to->address, to->size) < 0)
		failed.connect++;
	else if (question_size > 0 &&
		 write(c.fd, question, question_size) != (ssize_t)question_size)
		note_failure(errno);
	else if (answer_blocking(&c)) {
		note_time(c.began_ns);
		goodbye_blocking(c.fd);
	}
	close(c.fd);
}

static void one_after_another(uint64_t end_ns)
{
	for (uint64_t n = 0; n < count_max && now_ns() < end_ns; n++) {
		serve_one();
		if (think_us > 0)
			usleep(think_us);
	}
}

/* ---------------------------------------------------- many at the same time */

/* False: it failed, and is counted. */
static bool ask(struct client *c)
{
	ssize_t n;

	c->step = STEP_ANSWER;
	if (question_size == 0)
		return true;
	n = write(c->fd, question, question_size);
	if (n == (ssize_t)question_size)
		return true;
	if (n < 0 && (errno == EAGAIN || errno == ENOTCONN)) {
		c->step = STEP_CONNECT;
		return true;
	}
	note_failure(errno);
	return false;
}

/* Tried again until somebody lets us in; a full queue is part of the time. */
static void open_client(struct client *c)
{
	struct epoll_event event = {.data.ptr = c};
	const struct place *to = next_place();
	uint64_t began_ns = now_ns();

	for (;;) {
		*c = (struct client){.began_ns = began_ns};
		c->fd = fresh_socket(to, SOCK_NONBLOCK);
		if (connect(c->fd, (const struct sockaddr *)&to->address,
			    to->size) == 0 ||
			errno == EINPROGRESS) {
			if (ask(c))
				break;
		} else if (errno != EAGAIN)
			failed.connect++;
		close(c->fd);
		if (failures() > 100000)
			die("nobody listens");
		usleep(200);
	}
	event.events = c->step == STEP_CONNECT ? EPOLLOUT : EPOLLIN;
	if (epoll_ctl(set, EPOLL_CTL_ADD, c->fd, &event) < 0)
		die("epoll_ctl");
}

static void say_goodbye(struct client *c)
{
	c->step = STEP_DONE;
	if (goodbye == NULL)
		return;
	if (write(c->fd, goodbye, strlen(goodbye)) > 0)
		c->step = STEP_GOODBYE;
}

static void read_answer(struct client *c)
{
	char bytes[BYTES_MAX];
	ssize_t n = read(c->fd, bytes, sizeof(bytes));

	if (n < 0 && errno == EAGAIN)
		return;
	if (c->step == STEP_GOODBYE) {
		if (n <= 0)
			c->step = STEP_DONE;
		return;
	}
	c->step = STEP_DONE;
	if (n < 0) {
		note_failure(errno);
	} else if (n == 0 && (until != UNTIL_END || c->got == 0)) {
		failed.end++;
	} else if (n == 0 || is_whole(c, bytes, (size_t)n)) {
		note_time(c->began_ns);
		if (!together)
			say_goodbye(c);
	} else {
		c->step = STEP_ANSWER;
	}
}

static void advance(struct client *c)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};

	if (c->step != STEP_CONNECT) {
		read_answer(c);
		return;
	}
	if (!ask(c))
		c->step = STEP_DONE;
	else if (c->step == STEP_ANSWER)
		epoll_ctl(set, EPOLL_CTL_MOD, c->fd, &event);
}

static void give_up_late_ones(struct client *clients, uint64_t now)
{
	for (unsigned i = 0; i < clients_n; i++) {
		struct client *c = &clients[i];

		if (now - c->began_ns < patience_ms * 1000000ULL)
			continue;
		failed.late++;
		close(c->fd);
		open_client(c);
	}
}

static void all_the_time(struct client *clients, uint64_t end_ns)
{
	struct epoll_event events[256];
	uint64_t swept_ns = now_ns();

	for (unsigned i = 0; i < clients_n; i++)
		open_client(&clients[i]);
	while (times.n < count_max && now_ns() < end_ns) {
		int n = epoll_wait(set, events, 256, 100);

		for (int i = 0; i < n; i++) {
			struct client *c = events[i].data.ptr;

			advance(c);
			if (c->step == STEP_DONE) {
				close(c->fd);
				open_client(c);
			}
		}
		if (now_ns() - swept_ns > 500000000U) {
			swept_ns = now_ns();
			give_up_late_ones(clients, swept_ns);
		}
	}
}

/* Times are from the first connect() here, as a crowd sees them. */
static void all_at_once(struct client *clients)
{
	struct epoll_event events[256];
	uint64_t began_ns = now_ns();
	unsigned left = burst;

	for (unsigned i = 0; i < burst; i++)
		open_client(&clients[i]);
	while (left > 0 && now_ns() - began_ns < patience_ms * 1000000ULL) {
		int n = epoll_wait(set, events, 256, 100);

		for (int i = 0; i < n; i++) {
			struct client *c = events[i].data.ptr;
			size_t before = times.n;

			advance(c);
			if (times.n > before)
				times.ns[before] = now_ns() - began_ns;
			if (c->step != STEP_DONE)
				continue;
			left--;
			if (together)
				epoll_ctl(set, EPOLL_CTL_DEL, c->fd, NULL);
			else
				close(c->fd);
		}
	}
	failed.late += left;
	for (unsigned i = 0; together && i < burst; i++) {
		if (goodbye != NULL)
			(void)!write(clients[i].fd, goodbye, strlen(goodbye));
		close(clients[i].fd);
	}
}

/* -------------------------------------------------------------- beginning */

static int by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double part_us(double part)
{
	size_t i = (size_t)(part * (double)times.n);

	if (times.n == 0)
		return 0;
	return (double)times.ns[i < times.n ? i : times.n - 1] / 1000.0;
}

static void write_samples(void)
{
	FILE *file = fopen(samples, "w");

	if (file == NULL)
		die(samples);
	for (size_t i = 0; i < times.n; i++)
		fprintf(file, "%.1f\n", (double)times.ns[i] / 1000.0);
	fclose(file);
}

static void report(uint64_t took_ns)
{
	qsort(times.ns, times.n, sizeof(times.ns[0]), by_size);
	if (samples != NULL)
		write_samples();
	printf("{\"n\": %zu, \"seconds\": %.4f, \"rate\": %.1f, "
	       "\"first_us\": %.1f, \"p50_us\": %.1f, \"p90_us\": %.1f, "
	       "\"p99_us\": %.1f, \"p999_us\": %.1f, \"max_us\": %.1f, "
	       "\"failed\": %lu, \"failed_connect\": %lu, "
	       "\"failed_reset\": %lu, \"failed_end\": %lu, "
	       "\"failed_late\": %lu}\n",
		times.n, (double)took_ns / 1e9,
		(double)times.n * 1e9 / (double)took_ns, part_us(0),
		part_us(.5), part_us(.9), part_us(.99), part_us(.999),
		part_us(1), failures(), failed.connect, failed.reset,
		failed.end, failed.late);
}

static void add_place(char *text)
{
	struct place *place = &places[places_n++];
	struct sockaddr_in *in = (struct sockaddr_in *)&place->address;
	struct sockaddr_un *un = (struct sockaddr_un *)&place->address;
	char *colon = strrchr(text, ':');

	if (text[0] == '/' && strlen(text) < sizeof(un->sun_path)) {
		un->sun_family = AF_UNIX;
		memcpy(un->sun_path, text, strlen(text));
		place->size = sizeof(*un);
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
	place->size = sizeof(*in);
}

static void read_question(const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, question, sizeof(question));

	if (n < 0)
		die(name);
	question_size = (size_t)n;
	close(fd);
}

static void set_until(const char *word)
{
	answer_size = (size_t)atoi(word);
	if (strcmp(word, "line") == 0)
		until = UNTIL_LINE;
	else if (strcmp(word, "end") == 0)
		until = UNTIL_END;
}

static void set_option(int letter, const char *word)
{
	switch (letter) {
	case 'c':
		clients_n = (unsigned)atoi(word);
		break;
	case 's':
		seconds = atof(word);
		break;
	case 'n':
		count_max = strtoull(word, NULL, 10);
		break;
	case 't':
		think_us = (unsigned)atoi(word);
		break;
	case 'b':
		burst = (unsigned)atoi(word);
		break;
	case 'a':
		together = true;
		break;
	case 'q':
		read_question(word);
		break;
	case 'u':
		set_until(word);
		break;
	case 'g':
		goodbye = strcmp(word, "QUIT") == 0 ? "QUIT\r\n" : word;
		break;
	case 'p':
		patience_ms = (unsigned)atoi(word);
		break;
	case 'o':
		samples = word;
		break;
	case 'r':
		trace = fopen(word, "w");
		if (trace == NULL)
			die(word);
		break;
	default:
		fprintf(stderr, "usage: the head of load.c has it\n");
		exit(2);
	}
}

static const struct option options[] = {
	{"clients", required_argument, NULL, 'c'},
	{"seconds", required_argument, NULL, 's'},
	{"count", required_argument, NULL, 'n'},
	{"think-us", required_argument, NULL, 't'},
	{"burst", required_argument, NULL, 'b'},
	{"together", no_argument, NULL, 'a'},
	{"question", required_argument, NULL, 'q'},
	{"until", required_argument, NULL, 'u'},
	{"goodbye", required_argument, NULL, 'g'},
	{"patience-ms", required_argument, NULL, 'p'},
	{"samples", required_argument, NULL, 'o'},
	{"trace", required_argument, NULL, 'r'},
	{0},
};

int main(int argc, char **argv)
{
	struct client *clients;
	uint64_t began_ns;
	int letter;

	while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1)
		set_option(letter, optarg);
	if (optind == argc || argc - optind > PLACES_MAX || clients_n == 0)
		set_option('?', NULL);
	while (optind < argc)
		add_place(argv[optind++]);
	clients = calloc(
		burst > clients_n ? burst : clients_n, sizeof(clients[0]));
	set = epoll_create1(EPOLL_CLOEXEC);
	if (clients == NULL || set < 0)
		die("beginning");
	began_ns = now_ns();
	if (burst > 0)
		all_at_once(clients);
	else if (clients_n == 1)
		one_after_another(began_ns + (uint64_t)(seconds * 1e9));
	else
		all_the_time(clients, began_ns + (uint64_t)(seconds * 1e9));
	report(now_ns() - began_ns);
	return trace != NULL && fclose(trace) != 0;
}
