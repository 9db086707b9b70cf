/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/number.h"
#include "master/exit.h"
#include "master/keeper.h"
#include "master/log.h"
#include "master/tag.h"
#include "sys/child.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/loop.h"
#include "sys/notify.h"
#include "sys/parcel.h"
#include "sys/spawn.h"

#define PAUSE_MIN_NS (100 * NS_PER_MS)
#define PAUSE_MAX_NS (2 * NS_PER_S)
#define WELL_NS NS_PER_S	 /* who lives so long was no mistake */
#define TRIAL_NS (60 * NS_PER_S) /* for a master that takes all over */
#define LOOK_NS (20 * NS_PER_MS) /* while its start is in flight */
#define TRIES_MAX 3		 /* with all that there was before it */
#define REAPED_MAX 4096

/* ------------------------------------------------------------- its start */

static int start(struct keeper *keeper, int end)
{
	const int fds[] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, end};
	const struct spawn_limit limit = {
		RLIMIT_NOFILE, keeper->nofile_soft, keeper->nofile};
	/* What has our name by now may be what fails; we know that we ran. */
	const struct spawn_order order = {.path = keeper->failed % 2 == 0
							  ? keeper->program
							  : "/proc/self/exe",
		.argv = keeper->argv,
		.envp = keeper->environment,
		.umask = 022,
		.limits = &limit,
		.limits_n = 1,
		.fds = fds,
		.fds_n = sizeof(fds) / sizeof(fds[0]),
		/* What a terminal sends comes to us, and from us to it. */
		.new_session = true};
	struct spawned spawned;
	int result = spawn_start(keeper->spawner, &order, 0, &spawned);

	if (result < 0)
		return result;
	keeper->pid = spawned.pid;
	keeper->pidfd = spawned.pidfd;
	return loop_add(keeper->loop, keeper->pidfd, LOOP_IN,
		tag_make((enum tag_kind)KEEPER_TAG_MASTER, 0, 0));
}

static void begin_trial(struct keeper *keeper)
{
	keeper->trial_ns = 0;
	if (keeper->ever_healthy)
		keeper->trial_ns = keeper->now_ns + TRIAL_NS;
}

static void pause_longer(struct keeper *keeper)
{
	keeper->pause_ns *= 2;
	if (keeper->pause_ns < PAUSE_MIN_NS)
		keeper->pause_ns = PAUSE_MIN_NS;
	if (keeper->pause_ns > PAUSE_MAX_NS)
		keeper->pause_ns = PAUSE_MAX_NS;
}

static void say(struct keeper *keeper, enum message message)
{
	struct log_line line;

	log_begin(&line, message);
	log_text(&line, "cause", keeper->cause);
	if (message == MESSAGE_MASTER_DIED)
		log_duration(&line, "pause", keeper->pause_ns);
	log_end(&line);
}

static void start_failed(struct keeper *keeper, int result)
{
	snprintf(keeper->cause, sizeof(keeper->cause), "not started: error %d",
		-result);
	pause_longer(keeper);
	keeper->start_ns = keeper->now_ns + keeper->pause_ns;
	say(keeper, MESSAGE_MASTER_DIED);
}

bool keeper_start(struct keeper *keeper)
{
	int ends[2];
	int result = sys_parcel_pair(ends);

	keeper->start_ns = 0;
	keeper->healthy = keeper->bye = false;
	if (result < 0) {
		start_failed(keeper, result);
		return false;
	}
	keeper->socket = ends[0];
	result = start(keeper, ends[1]);
	fd_close(&ends[1]);
	if (result == 0)
		result = loop_add(keeper->loop, keeper->socket, LOOP_IN,
			tag_make((enum tag_kind)KEEPER_TAG_SOCKET, 0, 0));
	if (result == 0) {
		begin_trial(keeper);
		return true;
	}
	if (keeper->pidfd >= 0) {
		/* It ends, and what follows from that is done then. */
		(void)sys_child_signal(keeper->pidfd, SIGKILL);
		return false;
	}
	fd_close(&keeper->socket);
	start_failed(keeper, result);
	return false;
}

/* --------------------------------------------------------------- its end */

/* One that never got so far as to serve: its complaint is there. */
static bool is_final(const struct keeper *keeper, const struct child_end *end)
{
	if (end->signal != 0)
		return keeper->bye;
	return keeper->bye || end->code == 0 || !keeper->ever_healthy;
}

/* It was to stop, and did so in its own way; or the next one could not. */
static bool is_over(struct keeper *keeper)
{
	if (keeper->asked == 0)
		return false;
	if (!keeper->healthy || keeper->asked_again)
		return true;
	keeper->asked_again = true;
	keeper->stop_signal = keeper->asked;
	return false;
}

static void put_cause(struct keeper *keeper, const struct child_end *end)
{
	if (end->signal != 0)
		snprintf(keeper->cause, sizeof(keeper->cause),
			"killed by signal %d", end->signal);
	else
		snprintf(keeper->cause, sizeof(keeper->cause),
			"exited with status %d", end->code);
}

static void plan_restart(struct keeper *keeper)
{
	if (!keeper->healthy && ++keeper->failed == TRIES_MAX) {
		/* It may be what it is given that ends it. */
		keeper_let_go(keeper);
		say(keeper, MESSAGE_KEEPER_GAVE_UP);
	}
	if (keeper->healthy && keeper->now_ns - keeper->healthy_ns >= WELL_NS) {
		keeper->pause_ns = 0;
		keeper->hasty = false;
	} else if (!keeper->healthy || keeper->hasty)
		pause_longer(keeper);
	else
		keeper->hasty = true; /* once is an accident */
	keeper->start_ns = keeper->now_ns + keeper->pause_ns;
	keeper->restarts++;
	say(keeper, MESSAGE_MASTER_DIED);
}

static void master_ended(struct keeper *keeper, const struct child_end *end)
{
	struct spawn_done done;

	(void)spawn_collect(keeper->spawner, &done, 1);
	if (keeper->relay >= 0)
		sys_notify_pass(keeper->relay, keeper->pid);
	/* Its last words: what it gave us a moment ago. */
	if (keeper->socket >= 0) {
		keeper_hear(keeper);
		(void)loop_remove(keeper->loop, keeper->socket);
		fd_close(&keeper->socket);
	}
	(void)loop_remove(keeper->loop, keeper->pidfd);
	fd_close(&keeper->pidfd);
	keeper->pid = 0;
	keeper->trial_ns = 0;
	put_cause(keeper, end);
	if (is_final(keeper, end) || is_over(keeper)) {
		keeper->done = true;
		keeper->exit_code = end->signal != 0 ? EXIT_MACHINE : end->code;
		return;
	}
	plan_restart(keeper);
	keeper_read_begin(keeper);
}

static void worker_ended(
	struct keeper *keeper, uint32_t slot, const struct child_end *end)
{
	struct kept_worker *worker = &keeper->kept.workers[slot];

	worker->ended = true;
	worker->code = end->signal != 0 ? 0 : end->code;
	worker->signal = end->signal;
	keeper_tell_end(keeper, slot);
}

void keeper_reap(struct keeper *keeper)
{
	struct child_end end;

	if (keeper->pidfd >= 0 && sys_child_reap(keeper->pidfd, &end) == 1)
		master_ended(keeper, &end);
	for (unsigned i = 0; i < REAPED_MAX; i++) {
		int pid = sys_stranger_next();
		uint32_t slot;

		/* The master's end is seen by its own descriptor. */
		if (pid <= 0 || pid == keeper->pid)
			return;
		if (sys_reap_stranger(pid, &end) != 1)
			return;
		slot = kept_slot_of_pid(&keeper->kept, (uint32_t)pid);
		if (slot == KEPT_NONE) {
			/* Its master may have died after telling of it. */
			keeper_hear(keeper);
			slot = kept_slot_of_pid(&keeper->kept, (uint32_t)pid);
		}
		if (slot != KEPT_NONE)
			worker_ended(keeper, slot, &end);
	}
}

/* ---------------------------------------------------------- what it is told */

void keeper_signal(struct keeper *keeper, int signal)
{
	bool stops = signal == SIGTERM || signal == SIGINT || signal == SIGQUIT;

	if (stops)
		keeper->asked = signal;
	if (keeper->pidfd >= 0 && (keeper->healthy || !keeper->ever_healthy)) {
		(void)sys_child_signal(keeper->pidfd, signal);
		return;
	}
	/* Whoever comes next ends them all in order, if he can. */
	if (!stops)
		return;
	keeper->stop_signal = signal;
	if (keeper->pidfd < 0)
		keeper->start_ns = keeper->now_ns;
}

void keeper_well(struct keeper *keeper)
{
	keeper->trial_ns = 0;
	keeper->failed = 0;
	if (keeper->healthy)
		return;
	keeper->healthy = keeper->ever_healthy = true;
	keeper->healthy_ns = keeper->now_ns;
	if (keeper->stop_signal != 0)
		(void)sys_child_signal(keeper->pidfd, keeper->stop_signal);
	keeper->stop_signal = 0;
}

void keeper_expire(struct keeper *keeper)
{
	struct spawn_done done;

	(void)spawn_collect(keeper->spawner, &done, 1);
	if (keeper->start_ns != 0 && keeper->now_ns >= keeper->start_ns)
		(void)keeper_start(keeper);
	if (keeper->trial_ns != 0 && keeper->now_ns >= keeper->trial_ns) {
		keeper->trial_ns = 0;
		if (keeper->pidfd >= 0)
			(void)sys_child_signal(keeper->pidfd, SIGKILL);
	}
}

uint64_t keeper_deadline(const struct keeper *keeper)
{
	uint64_t at_ns = LOOP_FOREVER;

	if (keeper->start_ns != 0)
		at_ns = keeper->start_ns;
	if (keeper->trial_ns != 0 && keeper->trial_ns < at_ns)
		at_ns = keeper->trial_ns;
	if (spawn_busy(keeper->spawner) > 0 && keeper->now_ns + LOOK_NS < at_ns)
		at_ns = keeper->now_ns + LOOK_NS;
	return at_ns;
}
