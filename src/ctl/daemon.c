/* SPDX-License-Identifier: MIT */
#include "ctl/daemon.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static const char *named(void)
{
	const char *name = getenv("OSTLER_DAEMON");

	return name != NULL && name[0] != '\0' ? name : NULL;
}

const char *daemon_to_run(char *buffer, size_t size)
{
	if (named() != NULL)
		return named();
	if (find_built(buffer, size))
		return buffer;
	return OSTLER_SBINDIR "/ostlerd";
}

const char *daemon_installed(void)
{
	return named() != NULL ? named() : OSTLER_SBINDIR "/ostlerd";
}
