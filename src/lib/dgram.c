/* SPDX-License-Identifier: MIT */
#include <ostler.h>

#include <errno.h>
#include <sys/socket.h>

#include "lib/solo.h"

/* Datagrams, each of them a whole. */

#define DATAGRAM_BYTES 65536

static int serve(struct ostler_worker *w, const struct ostler_options *options,
	int listener)
{
	static char bytes[DATAGRAM_BYTES]; /* one worker, one at a time */
	ssize_t n;

	(void)w;
	do
		n = recv(listener, bytes, sizeof(bytes), MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return 0; /* a sibling was faster */
	return options->message(bytes, (size_t)n, options->context);
}

int ostler_dgram_main(
	int argc, char **argv, const struct ostler_options *options)
{
	static const struct kind dgram = {
		.transports = {MASTER_XPORT_NAME_UNIX_DGRAM},
		.refusal =
			"this worker takes datagrams: its service must listen on unix-dgram",
		.takes_turns = true,
		.serve = serve,
	};

	return ostler__solo_main(argc, argv, options, &dgram);
}
