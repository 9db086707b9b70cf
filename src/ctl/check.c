/* SPDX-License-Identifier: MIT */
#include "ctl/ctl.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "ctl/say.h"

#define BUILT_AT "/src/ctl/ostler"
#define BUILT_DAEMON "/src/master/ostlerd"

/* In a build tree ostlerd is not installed yet, but it is there. */
static bool find_built(char *out, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", out, size - 1);
	size_t tail = strlen(BUILT_AT);

	if (n < (ssize_t)tail || (size_t)n + sizeof(BUILT_DAEMON) > size)
		return false;
	out[n] = '\0';
	if (strcmp(out + n - tail, BUILT_AT) != 0)
		return false;
	memcpy(out + (size_t)n - tail, BUILT_DAEMON, sizeof(BUILT_DAEMON));
	return access(out, X_OK) == 0;
}

static const char *find_daemon(char *buffer, size_t size)
{
	const char *named = getenv("OSTLER_DAEMON");

	if (named != NULL && named[0] != '\0')
		return named;
	if (find_built(buffer, size))
		return buffer;
	return OSTLER_SBINDIR "/ostlerd";
}

/* The master reads configurations, so that there is one reader of them. */
enum ctl_exit ctl_check(const struct ctl *ctl)
{
	char buffer[PATH_MAX];
	char check[] = "--check";
	char option[] = "-c";
	const char *daemon = find_daemon(buffer, sizeof(buffer));
	char *name = strdup(daemon);
	char *arguments[] = {name, check, NULL, NULL, NULL};

	if (ctl->words_n > 0) {
		arguments[2] = option;
		arguments[3] = ctl->words[0];
	}
	if (name != NULL)
		execv(daemon, arguments);
	say_complaint("%s: %s; name the program with OSTLER_DAEMON", daemon,
		strerror(errno));
	free(name);
	return CTL_FAILED;
}
