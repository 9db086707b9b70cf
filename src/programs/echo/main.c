/* SPDX-License-Identifier: MIT */
#include <ostler.h>

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * ostler-echo - send back what comes in
 *
 * The smallest whole worker of each skeleton: one client at a time, or with
 * --multi several, on descriptors that never block.
 */

/* ------------------------------------------------ one client at a time */

static int put_all(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t put = write(fd, bytes, n);

		if (put < 0 && errno != EINTR)
			return -1;
		if (put > 0) {
			bytes += put;
			n -= (size_t)put;
		}
	}
	return 0;
}

static int serve(int client, void *context)
{
	char bytes[4096];
	ssize_t n;

	(void)context;
	while ((n = read(client, bytes, sizeof(bytes))) != 0)
		if (n < 0 && errno != EINTR)
			break;
		else if (n > 0 && put_all(client, bytes, (size_t)n) < 0)
			break;
	return 0; /* a client's trouble is no reason to leave */
}

/* ------------------------------------------------ several at once */

struct talk {
	size_t from;
	size_t to; /* bytes [from, to) have to go back */
	char bytes[4096];
};

static int opened(struct ostler_client *client, void *context)
{
	(void)context;
	client->state = calloc(1, sizeof(struct talk));
	return client->state == NULL;
}

static void closed(struct ostler_client *client, void *context)
{
	(void)context;
	free(client->state);
}

/* Read no more until all of it is written. */
static int writable(struct ostler_client *client, void *context)
{
	struct talk *talk = client->state;

	(void)context;
	while (talk->from < talk->to) {
		ssize_t n = write(client->fd, talk->bytes + talk->from,
			talk->to - talk->from);

		if (n < 0 && errno == EAGAIN)
			return ostler_client_wants(client, OSTLER_WRITE);
		if (n < 0 && errno != EINTR)
			return 1;
		talk->from += n > 0 ? (size_t)n : 0;
	}
	return ostler_client_wants(client, OSTLER_READ);
}

static int readable(struct ostler_client *client, void *context)
{
	struct talk *talk = client->state;
	ssize_t n = read(client->fd, talk->bytes, sizeof(talk->bytes));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return 1;
	talk->from = 0;
	talk->to = (size_t)n;
	return writable(client, context);
}

/* ------------------------------------------------ either */

static const struct option long_options[] = {
	{"multi", optional_argument, NULL, 'm'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

static const char usage[] =
	"ostler-echo: usage: ostler-echo [--multi[=CLIENTS]]";

static int refuse(void)
{
	(void)fprintf(stderr, "%s\n", usage);
	return -1;
}

/* The library has taken the master's options away by now. */
static int parse_options(struct ostler_worker *worker, void *context)
{
	int argc;
	char **argv = ostler_worker_argv(worker, &argc);
	int option;

	(void)context;
	optind = 1;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) !=
		-1) {
		long clients = 0;
		char *end = NULL;

		if (option != 'm')
			return refuse();
		if (optarg == NULL)
			continue;
		clients = strtol(optarg, &end, 10);
		if (*end != '\0' || clients < 1 || clients > 65536)
			return refuse();
		ostler_worker_set_clients_max(worker, (unsigned)clients);
	}
	return optind == argc ? 0 : refuse();
}

int main(int argc, char **argv)
{
	struct ostler_options options = {
		.size = sizeof(options),
		.init = parse_options,
		.serve = serve,
		.opened = opened,
		.readable = readable,
		.writable = writable,
		.closed = closed,
	};

	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return printf("ostler-echo %s\n", ostler_version()) < 0;
	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return puts(usage) < 0;
	for (int i = 1; i < argc; i++)
		if (strncmp(argv[i], "--multi", strlen("--multi")) == 0)
			return ostler_multi_main(argc, argv, &options);
	return ostler_single_main(argc, argv, &options);
}
