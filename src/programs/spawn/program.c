/* SPDX-License-Identifier: MIT */
#include "programs/spawn/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "programs/spawn/farewell.h"

#define NS_PER_S UINT64_C(1000000000)

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static int plan_descriptors(posix_spawn_file_actions_t *actions,
	const struct program_plan *plan, int client)
{
	int last = plan->stderr_to_client ? 2 : 1;
	int error = 0;

	for (int fd = 0; fd <= last && error == 0; fd++)
		error = posix_spawn_file_actions_adddup2(actions, client, fd);
	if (error == 0)
		error = posix_spawn_file_actions_addclosefrom_np(actions, 3);
	return error;
}

/* A session of its own, and no signal ignored: SIGPIPE above all. */
static int plan_attributes(posix_spawnattr_t *attributes)
{
	sigset_t all, none;
	int error;

	(void)sigfillset(&all);
	(void)sigemptyset(&none);
	error = posix_spawnattr_setsigdefault(attributes, &all);
	if (error == 0)
		error = posix_spawnattr_setsigmask(attributes, &none);
	if (error == 0)
		error = posix_spawnattr_setflags(attributes,
			(short)(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
				POSIX_SPAWN_SETSID));
	return error;
}

static int spawn(struct program *p, int client, char **environment)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int error = posix_spawn_file_actions_init(&actions);

	if (error != 0)
		return -error;
	error = posix_spawnattr_init(&attributes);
	if (error == 0) {
		error = plan_descriptors(&actions, p->plan, client);
		if (error == 0)
			error = plan_attributes(&attributes);
		if (error == 0)
			error = posix_spawnp(&p->pid, p->plan->command[0],
				&actions, &attributes, p->plan->command,
				environment);
		(void)posix_spawnattr_destroy(&attributes);
	}
	(void)posix_spawn_file_actions_destroy(&actions);
	return -error;
}

static int set_timer(struct program *p, uint64_t ns)
{
	struct itimerspec when = {
		.it_value.tv_sec = (time_t)(ns / NS_PER_S),
		.it_value.tv_nsec = (long)(ns % NS_PER_S),
	};

	if (ns == 0)
		when.it_value.tv_nsec = 1; /* 0 would disarm it */
	return timerfd_settime(p->timer, 0, &when, NULL) < 0 ? -errno : 0;
}

static int add_wakeup(struct program *p, int fd)
{
	struct epoll_event e = {.events = EPOLLIN};

	return epoll_ctl(p->wakeups, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

static int watch_time(struct program *p)
{
	int result;

	p->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (p->timer < 0)
		return -errno;
	result = add_wakeup(p, p->timer);
	return result < 0 ? result : set_timer(p, p->plan->time_limit_ns);
}

/* One descriptor stands for its end and for its time. */
static int watch(struct program *p)
{
	int result;

	p->pidfd = pidfd_open(p->pid, 0);
	p->wakeups = epoll_create1(EPOLL_CLOEXEC);
	if (p->pidfd < 0 || p->wakeups < 0)
		return -errno;
	result = add_wakeup(p, p->pidfd);
	if (result < 0 || p->plan->time_limit_ns == 0)
		return result;
	return watch_time(p);
}

/* It runs but cannot be watched: then it must not run. */
static void abandon(struct program *p)
{
	(void)kill(-p->pid, SIGKILL);
	while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (p->wakeups >= 0)
		(void)close(p->wakeups);
	program_finish(p);
}

/* Started and in the list of those who hear of our end, or neither. */
static int start_listed(struct program *p, int client, char **environment)
{
	int result;

	farewell_hold();
	result = spawn(p, client, environment);
	if (result == 0)
		farewell_add(p->pid);
	farewell_release();
	return result;
}

int program_start(struct program *out, const struct program_plan *plan,
	int client, char **environment)
{
	int flags = fcntl(client, F_GETFL);
	int result;

	memset(out, 0, sizeof(*out));
	out->plan = plan;
	out->pidfd = out->timer = out->wakeups = -1;
	/* Programs expect to wait for their client. */
	if (flags < 0 || fcntl(client, F_SETFL, flags & ~O_NONBLOCK) < 0)
		return -errno;
	result = start_listed(out, client, environment);
	if (result < 0)
		return result;
	out->started_ns = now_ns();
	result = watch(out);
	if (result < 0) {
		farewell_remove(out->pid);
		abandon(out);
	}
	return result;
}

/* The group lives while its leader is not waited for. */
static void signal_group(struct program *p, int signal)
{
	(void)kill(-p->pid, signal); /* gone: so much the better */
	(void)kill(-p->pid, SIGCONT);
}

static void time_is_up(struct program *p)
{
	if (p->stage == PROGRAM_RUNNING) {
		p->stage = PROGRAM_TERMINATED;
		signal_group(p, SIGTERM);
		(void)set_timer(p, p->plan->kill_time_ns);
	} else if (p->stage == PROGRAM_TERMINATED) {
		p->stage = PROGRAM_KILLED;
		signal_group(p, SIGKILL);
	}
}

static bool has_ended(struct program *p)
{
	siginfo_t info = {.si_pid = 0};
	int options = WEXITED | WNOHANG;

	if (waitid(P_PIDFD, (id_t)p->pidfd, &info, options | WNOWAIT) < 0 ||
		info.si_pid == 0)
		return false;
	/* Those of its group that outlive its time have had their warning. */
	if (p->stage != PROGRAM_RUNNING)
		signal_group(p, SIGKILL);
	farewell_remove(p->pid);
	(void)waitid(P_PIDFD, (id_t)p->pidfd, &info, options);
	p->ended_ns = now_ns();
	p->status = info.si_code == CLD_EXITED ? info.si_status : -1;
	p->signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
	return true;
}

bool program_step(struct program *p)
{
	uint64_t times;

	if (has_ended(p))
		return true;
	if (p->timer >= 0 && read(p->timer, &times, sizeof(times)) > 0)
		time_is_up(p);
	return false;
}

void program_finish(struct program *p)
{
	if (p->timer >= 0)
		(void)close(p->timer);
	if (p->pidfd >= 0)
		(void)close(p->pidfd);
	p->timer = p->pidfd = -1;
}
