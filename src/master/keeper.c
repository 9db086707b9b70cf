/* SPDX-License-Identifier: MIT */
#include "master/keeper.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "master/begin.h"
#include "master/exit.h"
#include "master/log.h"
#include "master/tag.h"
#include "proto/keep.h"
#include "sys/child.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/inherited.h"
#include "sys/limits.h"
#include "sys/loop.h"
#include "sys/memory.h"
#include "sys/notify.h"
#include "sys/path.h"
#include "sys/signals.h"
#include "sys/spawn.h"

#define EVENTS_MAX 64

extern char **environ;

static uint64_t tag_of(enum keeper_tag kind)
{
	return tag_make((enum tag_kind)kind, 0, 0);
}

static int open_signals(struct keeper *keeper)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1,
		SIGUSR2, SIGCHLD, SIGALRM};

	keeper->signal_fd =
		sys_signals_open(signals, sizeof(signals) / sizeof(signals[0]));
	if (keeper->signal_fd < 0)
		return keeper->signal_fd;
	return loop_add(keeper->loop, keeper->signal_fd, LOOP_IN,
		tag_of(KEEPER_TAG_SIGNAL));
}

/* What is about us and not about our master. */
static bool is_ours(const char *word)
{
	static const char *const names[] = {
		KEEP_ENVIRONMENT "=", "NOTIFY_SOCKET=", "WATCHDOG_PID="};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(word, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* The service manager listens to us alone. */
static int open_relay(struct keeper *keeper, char *out, size_t size)
{
	char name[NOTIFY_NAME_MAX];
	int result = 0;

	out[0] = '\0';
	if (!sys_notify_wanted())
		return 0;
	keeper->relay = sys_notify_relay(name);
	if (keeper->relay < 0)
		return keeper->relay;
	result = loop_add(
		keeper->loop, keeper->relay, LOOP_IN, tag_of(KEEPER_TAG_RELAY));
	(void)snprintf(out, size, "NOTIFY_SOCKET=%s", name);
	return result;
}

/* Listeners that were open before us are the master's to look at. */
static void take_passed(struct keeper *keeper)
{
	struct inherited *items = NULL;
	int n = sys_inherited_take(&items);

	for (int i = 0; i < n; i++) {
		char name[KEEP_NAME_BYTES];

		(void)snprintf(name, sizeof(name), KEEP_PASSED "%d.%.60s", i,
			items[i].name);
		(void)kept_add(&keeper->kept, text_of(name), items[i].fd);
	}
	free(items);
}

/* Our own words, without those that are about us. */
static bool copy_words(struct keeper *keeper, int argc, char **argv)
{
	size_t n = 0;
	size_t kept = 0;

	while (environ[n] != NULL)
		n++;
	keeper->argv = calloc((size_t)argc + 2, sizeof(*keeper->argv));
	keeper->environment = calloc(n + 3, sizeof(*keeper->environment));
	if (keeper->argv == NULL || keeper->environment == NULL)
		return false;
	keeper->argv[kept++] = argv[0];
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--keep") != 0)
			keeper->argv[kept++] = argv[i];
	kept = 0;
	for (size_t i = 0; i < n; i++)
		if (!is_ours(environ[i]))
			keeper->environment[kept++] = environ[i];
	/* In the master it always has this number. */
	keeper->environment[kept++] = KEEP_ENVIRONMENT "=3";
	if (keeper->notify[0] != '\0')
		keeper->environment[kept] = keeper->notify;
	return true;
}

static int open_all(
	struct keeper *keeper, int argc, char **argv, const char **out_what)
{
	int result;

	*out_what = "memory";
	keeper->program = sys_own_program(argv[0]);
	if (keeper->program == NULL || !kept_create(&keeper->kept))
		return -ENOMEM;
	*out_what = "spawner";
	result = spawner_create(&keeper->spawner, SPAWN_FORK);
	if (result < 0)
		return result;
	*out_what = "RLIMIT_NOFILE";
	result = sys_nofile(&keeper->nofile, &keeper->nofile_soft);
	if (result < 0)
		return result;
	*out_what = "loop";
	result = loop_create(&keeper->loop);
	if (result < 0)
		return result;
	*out_what = "NOTIFY_SOCKET";
	result = open_relay(keeper, keeper->notify, sizeof(keeper->notify));
	if (result < 0)
		return result;
	take_passed(keeper);
	*out_what = "memory";
	if (!copy_words(keeper, argc, argv))
		return -ENOMEM;
	*out_what = "signals";
	result = open_signals(keeper);
	if (result < 0)
		return result;
	*out_what = "subreaper";
	return sys_become_subreaper();
}

static void finish(struct keeper *keeper)
{
	if (keeper->words != NULL)
		sys_unmap(keeper->words,
			keeper->words_n * sizeof(*keeper->words));
	if (keeper->kept.buckets != NULL)
		kept_destroy(&keeper->kept);
	spawner_destroy(keeper->spawner);
	loop_destroy(keeper->loop);
	fd_close(&keeper->signal_fd);
	fd_close(&keeper->socket);
	fd_close(&keeper->pidfd);
	fd_close(&keeper->relay);
	free(keeper->argv);
	free(keeper->environment);
	free(keeper->program);
}

static void take_signals(struct keeper *keeper)
{
	int number;
	int pid;

	while ((number = sys_signal_next(keeper->signal_fd, &pid)) > 0) {
		if (number == SIGCHLD)
			keeper_reap(keeper);
		else if (number != SIGALRM)
			keeper_signal(keeper, number);
	}
}

static void take(struct keeper *keeper, const struct loop_event *event)
{
	switch ((enum keeper_tag)tag_kind(event->tag)) {
	case KEEPER_TAG_SIGNAL:
		take_signals(keeper);
		break;
	case KEEPER_TAG_SOCKET:
		keeper_hear(keeper);
		break;
	case KEEPER_TAG_MASTER:
		keeper_reap(keeper);
		break;
	case KEEPER_TAG_RELAY:
		sys_notify_pass(keeper->relay, keeper->pid);
		break;
	case KEEPER_TAG_CHANNEL:
		keeper_read(keeper, tag_index(event->tag),
			tag_serial(event->tag), event->ready);
		break;
	}
}

static void serve(struct keeper *keeper)
{
	struct loop_event events[EVENTS_MAX];

	while (!keeper->done) {
		uint64_t now_ns = clock_now_ns();
		int n = loop_wait(keeper->loop, now_ns, keeper_deadline(keeper),
			events, EVENTS_MAX);

		keeper->now_ns = clock_now_ns();
		for (int i = 0; i < n && !keeper->done; i++)
			take(keeper, &events[i]);
		if (!keeper->done)
			keeper_expire(keeper);
		log_flush();
	}
}

int keeper_run(int argc, char **argv)
{
	struct keeper keeper = {.signal_fd = -1,
		.socket = -1,
		.pidfd = -1,
		.relay = -1,
		.start_ns = 1};
	const char *what;
	int result;

	result = sys_open_standard();
	log_init();
	if (result < 0)
		return begin_failed("/dev/null", result);
	result = open_all(&keeper, argc, argv, &what);
	keeper.exit_code = result < 0 ? begin_failed(what, result) : EXIT_OK;
	if (result >= 0)
		serve(&keeper);
	finish(&keeper);
	log_flush();
	return keeper.exit_code;
}
