/* SPDX-License-Identifier: MIT */
#include <ostler.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs/spawn/client.h"
#include "programs/spawn/environment.h"
#include "programs/spawn/farewell.h"
#include "programs/spawn/program.h"
#include "programs/spawn/settings.h"

/*
 * ostler-spawn - run a program for each client
 *
 * A multi worker whose clients are programs that run: the connection is the
 * program's alone once it has it, and what we watch is its end.
 */

struct spawner {
	struct settings settings;
	struct environment environment;
};

struct run {
	struct program program;
	struct client client;
};

/* ------------------------------------------------------ words */

/* The command is the operator's word, but a line must stay a line. */
static void put_quoted(FILE *out, const char *text)
{
	(void)fputc('"', out);
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < ' ' || c == '"' || c == '\\' || c >= 127)
			(void)fprintf(out, "\\x%02x", c);
		else
			(void)fputc(c, out);
	}
	(void)fputc('"', out);
}

/* One line, one write: others write to the same log. */
static void report(const struct spawner *s, const char *event,
	const struct run *run, const char *key, const char *value)
{
	char line[512] = "";
	FILE *out = fmemopen(line, sizeof(line) - 1, "w");

	if (out == NULL)
		return;
	(void)fprintf(out, "%s program=", event);
	put_quoted(out, s->settings.plan.command[0]);
	if (run != NULL)
		(void)fprintf(out, " pid=%d client=%s", (int)run->program.pid,
			run->client.text);
	(void)fprintf(out, " %s=", key);
	put_quoted(out, value);
	(void)fclose(out);
	(void)dprintf(2, "%s\n", line);
}

static void report_end(const struct spawner *s, const struct run *run)
{
	const struct program *p = &run->program;
	char how[64];

	if (p->stage != PROGRAM_RUNNING)
		(void)snprintf(how, sizeof(how), "time limit, %s",
			p->stage == PROGRAM_KILLED ? "SIGKILL" : "SIGTERM");
	else if (p->signal != 0)
		(void)snprintf(how, sizeof(how), "signal %d", p->signal);
	else if (p->status != 0)
		(void)snprintf(how, sizeof(how), "status %d", p->status);
	else
		return; /* all is well: nothing to tell */
	report(s, "program-ended", run, "how", how);
}

/* ------------------------------------------------------ clients */

static int opened(struct ostler_client *client, void *context)
{
	struct spawner *s = context;
	struct run *run = calloc(1, sizeof(*run));
	int result;

	if (run == NULL)
		return 1;
	client_identify(&run->client, client->fd);
	result = program_start(&run->program, &s->settings.plan, client->fd,
		environment_for(&s->environment, &run->client));
	if (result < 0) {
		report(s, "spawn-failed", run, "error", strerror(-result));
		free(run);
		return 1;
	}
	/* From here on the client is its end. */
	(void)close(client->fd);
	client->fd = run->program.wakeups;
	client->state = run;
	return 0;
}

static int readable(struct ostler_client *client, void *context)
{
	struct run *run = client->state;

	if (!program_step(&run->program))
		return 0;
	report_end(context, run);
	return 1;
}

static void closed(struct ostler_client *client, void *context)
{
	struct run *run = client->state;

	(void)context;
	if (run == NULL)
		return;
	program_finish(&run->program);
	free(run);
}

/* ------------------------------------------------------ the worker */

/* Along PATH, as execvp() looks; the first that may be executed will do. */
static int find_program(const char *name)
{
	const char *path = getenv("PATH");
	char candidate[4096];

	if (strchr(name, '/') != NULL)
		return access(name, X_OK) == 0 ? 0 : -errno;
	if (path == NULL)
		path = "/bin:/usr/bin";
	while (*path != '\0') {
		size_t n = strcspn(path, ":");

		(void)snprintf(candidate, sizeof(candidate), "%.*s/%s", (int)n,
			path, name);
		if (access(candidate, X_OK) == 0)
			return 0;
		path += n + (path[n] == ':');
	}
	return -ENOENT;
}

extern char **environ;

/* A program that is not there is better known now than by the clients. */
static int init(struct ostler_worker *worker, void *context)
{
	struct spawner *s = context;
	int argc, result;
	char **argv = ostler_worker_argv(worker, &argc);

	if (!settings_parse(&s->settings, argc, argv))
		return 1;
	result = find_program(s->settings.plan.command[0]);
	if (result < 0) {
		report(s, "spawn-failed", NULL, "error", strerror(-result));
		return 1;
	}
	if (environment_init(&s->environment, s->settings.dialects, environ) <
		0)
		return 1;
	ostler_worker_set_clients_max(worker, s->settings.clients_max);
	(void)signal(SIGCHLD, SIG_DFL); /* ignored, it would reap for us */
	farewell_init();
	return 0;
}

static void leave(struct ostler_worker *worker, void *context)
{
	struct spawner *s = context;

	(void)worker;
	environment_finish(&s->environment);
}

int main(int argc, char **argv)
{
	struct spawner spawner = {.settings.dialects = 0};
	struct ostler_options options = {
		.size = sizeof(options),
		.context = &spawner,
		.init = init,
		.leave = leave,
		.opened = opened,
		.readable = readable,
		.closed = closed,
	};

	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return printf("ostler-spawn %s\n", ostler_version()) < 0;
	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return puts(settings_usage) < 0;
	return ostler_multi_main(argc, argv, &options);
}
