/* SPDX-License-Identifier: MIT */
#include <ostler.h>

#include <unistd.h>

#include "lib/solo.h"

/* One connection at a time. */

static int serve(struct ostler_worker *w, const struct ostler_options *options,
	int client)
{
	int result;

	client = ostler_worker_receive(w, client);
	if (client < 0)
		return 0; /* the sender's trouble is no reason to leave */
	result = options->serve(client, options->context);
	/* Who sees the end may come again at once. */
	ostler__source_left(w, &w->sources.newest);
	(void)close(client); /* whatever it says, it is closed */
	return result;
}

int ostler_single_main(
	int argc, char **argv, const struct ostler_options *options)
{
	static const struct kind single = {
		.transports = {MASTER_XPORT_NAME_INET, MASTER_XPORT_NAME_UNIX,
			MASTER_XPORT_NAME_PASS},
		.refusal =
			"this worker serves connections: its service must listen on inet, unix or pass",
		.takes_turns = true,
		.runs_by_hand = true,
		.serve = serve,
	};

	return ostler__solo_main(argc, argv, options, &single);
}
