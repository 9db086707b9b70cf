/* SPDX-License-Identifier: MIT */
#include "programs/spawn/environment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A name, or with a star the beginning of names. */
static const char *const ours[] = {
	"OSTLER_*",
	"GENERATION",
	"PROTO",
	"TCPLOCAL*",
	"TCPREMOTE*",
	"TCPCONN*",
	"UNIXLOCAL*",
	"UNIXREMOTE*",
	"UNIXCONN*",
	"IPCLOCAL*",
	"IPCREMOTE*",
	"IPCCONN*",
	"REMOTE_ADDR",
	"REMOTE_PORT",
	"REMOTE_HOST",
};

static bool is_ours(const char *string)
{
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		size_t n = strlen(ours[i]);

		if (ours[i][n - 1] == '*') {
			if (strncmp(string, ours[i], n - 1) == 0)
				return true;
		} else if (strncmp(string, ours[i], n) == 0 &&
			   string[n] == '=') {
			return true;
		}
	}
	return false;
}

int environment_init(
	struct environment *env, unsigned dialects, char **inherited)
{
	size_t n = 0;

	memset(env, 0, sizeof(*env));
	env->dialects = dialects;
	while (inherited[n] != NULL)
		n++;
	env->strings =
		calloc(n + ENVIRONMENT_OURS_MAX + 1, sizeof(*env->strings));
	if (env->strings == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (!is_ours(inherited[i]))
			env->strings[env->kept_n++] = inherited[i];
	return 0;
}

void environment_finish(struct environment *env)
{
	free(env->strings);
	env->strings = NULL;
}

static void set(struct environment *env, const char *name, const char *value)
{
	char *string;

	if (*value == '\0' || env->ours_n == ENVIRONMENT_OURS_MAX)
		return;
	string = env->ours[env->ours_n];
	(void)snprintf(string, sizeof(env->ours[0]), "%s=%s", name, value);
	env->strings[env->kept_n + env->ours_n] = string;
	env->ours_n++;
}

static void set_ucspi_unix(struct environment *env, const struct client *c)
{
	set(env, "PROTO", "UNIX");
	set(env, "UNIXLOCALPATH", c->local_path);
	set(env, "UNIXREMOTEPATH", c->remote_path);
	set(env, "UNIXREMOTEPID", c->pid);
	set(env, "UNIXREMOTEEUID", c->uid);
	set(env, "UNIXREMOTEEGID", c->gid);
}

static void set_ucspi_tcp(struct environment *env, const struct client *c)
{
	set(env, "PROTO", "TCP");
	set(env, "TCPLOCALIP", c->local.ip);
	set(env, "TCPLOCALPORT", c->local.port);
	set(env, "TCPREMOTEIP", c->remote.ip);
	set(env, "TCPREMOTEPORT", c->remote.port);
}

char **environment_for(struct environment *env, const struct client *client)
{
	env->ours_n = 0;
	if ((env->dialects & DIALECT_UCSPI) != 0) {
		if (client->is_unix)
			set_ucspi_unix(env, client);
		else
			set_ucspi_tcp(env, client);
	}
	if ((env->dialects & DIALECT_REMOTE) != 0) {
		set(env, "REMOTE_ADDR", client->remote.ip);
		set(env, "REMOTE_PORT", client->remote.port);
		set(env, "REMOTE_HOST", client->remote.ip);
	}
	env->strings[env->kept_n + env->ours_n] = NULL;
	return env->strings;
}
