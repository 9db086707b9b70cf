/* SPDX-License-Identifier: MIT */
#include <ostler.h>

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "lib/receive.h"
#include "lib/solo.h"

/* A few bytes that ask for something, from whoever may ask. */

#define REQUEST_BYTES 1024
#define PATIENCE_MS 10000

static int hand_over(const struct ostler_options *options, int fd)
{
	char bytes[REQUEST_BYTES];
	ssize_t n;

	do
		n = read(fd, bytes, sizeof(bytes));
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return 0; /* gone, or a sibling was faster */
	return options->message(bytes, (size_t)n, options->context);
}

static int serve(struct ostler_worker *w, const struct ostler_options *options,
	int client)
{
	struct pollfd p = {.events = POLLIN};
	int result = 0;

	if (ostler__start_is_on(&w->start, MASTER_XPORT_NAME_FIFO))
		return hand_over(options, client);
	if (ostler__start_is_on(&w->start, MASTER_XPORT_NAME_PASS))
		client = ostler__receive_bare(w, client);
	if (client < 0)
		return 0;
	p.fd = client;
	if (poll(&p, 1, PATIENCE_MS) > 0)
		result = hand_over(options, client);
	(void)close(client);
	return result;
}

int ostler_trigger_main(
	int argc, char **argv, const struct ostler_options *options)
{
	static const struct kind trigger = {
		.transports = {MASTER_XPORT_NAME_UNIX, MASTER_XPORT_NAME_FIFO,
			MASTER_XPORT_NAME_PASS},
		.refusal =
			"this worker takes triggers: its service must listen on unix, fifo or pass",
		.takes_turns = true,
		.runs_by_hand = true,
		.serve = serve,
	};

	return ostler__solo_main(argc, argv, options, &trigger);
}
