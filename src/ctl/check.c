/* SPDX-License-Identifier: MIT */
#include "ctl/ctl.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/daemon.h"
#include "ctl/say.h"

enum { WORDS_MAX = 6 };

/* What ostlerd is asked; OUT[0] is the caller's. */
static void put_words(const struct ctl *ctl, const char **out)
{
	unsigned n = 1;
	const char *place = ctl->words_n > 0 ? ctl->words[0] : ctl->postfix;

	if (ctl->postfix != NULL)
		out[n++] = "--postfix";
	out[n++] = "--check";
	if (place != NULL) {
		out[n++] = "-c";
		out[n++] = place;
	}
	out[n] = NULL;
}

/* The master reads configurations, so that there is one reader of them. */
enum ctl_exit ctl_check(const struct ctl *ctl)
{
	char buffer[PATH_MAX];
	const char *daemon = daemon_to_run(buffer, sizeof(buffer));
	const char *words[WORDS_MAX] = {daemon};

	put_words(ctl, words);
	execv(daemon, (char *const *)(size_t)words);
	say_complaint("%s: %s; name the program with OSTLER_DAEMON", daemon,
		strerror(errno));
	return CTL_FAILED;
}
