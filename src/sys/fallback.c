/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sys/child.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/image.h"

/*
 * The way back from a new program that does not work: a handler that becomes
 * the old one again, with what was prepared before; and a guardian for what no
 * handler sees.
 */
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)
#define STACK_BYTES 65536u
#define DEATH_MS 10000	/* a killed process may take so long to be gone */
#define RELEASE_MS 5000 /* the same for a guardian who is told to go */

static const int caught[] = {
	SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGVTALRM};
#define CAUGHT (sizeof(caught) / sizeof(caught[0]))

static struct {
	struct image_call call;
	char *cause;
	sigset_t mask; /* as it was */
	bool armed;
	timer_t timer;
} back;
static char stack[STACK_BYTES];

static void put_cause(char *at, int cause)
{
	at[0] = (char)('0' + cause / 10 % 10);
	at[1] = (char)('0' + cause % 10);
}

/* A blocked signal stays blocked in who comes after us. */
static void go_back(int number)
{
	put_cause(
		back.cause, number == SIGVTALRM ? IMAGE_CAUSE_SILENCE : number);
	(void)sigprocmask(SIG_SETMASK, &back.mask, NULL);
	(void)sys_image_become(&back.call);
	_exit(IMAGE_CAUSE_LOST); /* the guardian is left */
}

static int catch_all(void)
{
	struct sigaction action = {.sa_handler = go_back,
		.sa_flags = (int)(SA_ONSTACK | SA_RESETHAND)};
	stack_t own = {.ss_sp = stack, .ss_size = sizeof(stack)};
	sigset_t wanted;

	(void)sigemptyset(&wanted); /* cannot fail, as all of these */
	(void)sigfillset(&action.sa_mask);
	if (sigaltstack(&own, NULL) < 0)
		return -errno;
	for (size_t i = 0; i < CAUGHT; i++) {
		if (sigaction(caught[i], &action, NULL) < 0)
			return -errno;
		(void)sigaddset(&wanted, caught[i]);
	}
	return sigprocmask(SIG_UNBLOCK, &wanted, &back.mask) < 0 ? -errno : 0;
}

/* Not SIGALRM: that is what the program itself sees to. */
static int set_timer(uint64_t ns)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGVTALRM};
	const struct itimerspec when = {
		.it_value = {.tv_sec = (time_t)(ns / NS_PER_S),
			.tv_nsec = (long)(ns % NS_PER_S)}};

	if (timer_create(CLOCK_MONOTONIC, &event, &back.timer) < 0)
		return -errno;
	return timer_settime(back.timer, 0, &when, NULL) < 0 ? -errno : 0;
}

int sys_fallback_arm(
	const struct image_call *call, char *cause, uint64_t patience_ns)
{
	int result;

	back.call = *call;
	back.cause = cause;
	result = catch_all();
	back.armed = result == 0;
	return result < 0 ? result : set_timer(patience_ns);
}

int sys_fallback_now(int cause)
{
	if (!back.armed)
		return -EINVAL;
	put_cause(back.cause, cause); /* an exec ends the timer */
	(void)sigprocmask(SIG_SETMASK, &back.mask, NULL);
	return sys_image_become(&back.call);
}

void sys_fallback_disarm(void)
{
	const struct sigaction none = {.sa_handler = SIG_DFL};
	const stack_t off = {.ss_flags = SS_DISABLE};
	sigset_t now;

	if (!back.armed)
		return;
	back.armed = false;
	(void)timer_delete(back.timer);
	/* Who has blocked more meanwhile keeps it. */
	(void)sigprocmask(SIG_BLOCK, &back.mask, &now);
	for (size_t i = 0; i < CAUGHT; i++)
		(void)sigaction(caught[i], &none, NULL);
	(void)sigaltstack(&off, NULL);
}

/* ---- the guardian -------------------------------------------------------- */

/* Whether the process is dead, within MS. */
static bool dies(int pidfd, int ms)
{
	struct pollfd end = {.fd = pidfd, .events = POLLIN};
	uint64_t until_ns = clock_now_ns() + (uint64_t)ms * NS_PER_MS;

	for (;;) {
		uint64_t now_ns = clock_now_ns();
		int left = now_ns < until_ns
				   ? (int)((until_ns - now_ns) / NS_PER_MS) + 1
				   : 0;

		if (poll(&end, 1, left) > 0)
			return true;
		if (left == 0)
			return false;
	}
}

/* True: he was told that all is well. */
static bool was_told(int pipe)
{
	char byte;

	return sys_read(pipe, &byte, 1) == 1;
}

/* False: silence, or the end. */
static bool hears(int pipe, int master, uint64_t patience_ns)
{
	uint64_t until_ns = clock_now_ns() + patience_ns;

	for (;;) {
		struct pollfd both[] = {{.fd = pipe, .events = POLLIN},
			{.fd = master, .events = POLLIN}};
		uint64_t now_ns = clock_now_ns();

		if (now_ns < until_ns)
			(void)poll(both, 2,
				(int)((until_ns - now_ns) / NS_PER_MS) + 1);
		if (was_told(pipe))
			return true;
		if (now_ns >= until_ns || both[1].revents != 0)
			return false;
	}
}

_Noreturn static void guard(const struct image_call *call, char *cause,
	uint64_t patience_ns, int pipe, int master)
{
	if (hears(pipe, master, patience_ns))
		_exit(0);
	(void)sys_child_signal(master, SIGKILL); /* it may be dead */
	if (!dies(master, DEATH_MS))
		_exit(1);
	fd_close(&pipe);
	fd_close(&master);
	put_cause(cause, IMAGE_CAUSE_LOST);
	(void)sys_image_become(call);
	_exit(IMAGE_CAUSE_LOST);
}

int sys_guardian_start(const struct image_call *call, char *cause,
	uint64_t patience_ns, struct guardian *out)
{
	AUTO_CLOSE int self = sys_child_open(getpid());
	int ends[2];
	pid_t pid;
	int result;

	if (self < 0)
		return self;
	result = sys_pipe(ends, true);
	if (result < 0)
		return result;
	pid = fork();
	result = pid < 0 ? -errno : 0;
	if (pid == 0) {
		fd_close(&ends[1]);
		guard(call, cause, patience_ns, ends[0], self);
	}
	fd_close(&ends[0]);
	if (result < 0)
		fd_close(&ends[1]);
	else
		*out = (struct guardian){.pid = pid, .tell = ends[1]};
	return result;
}

void sys_guardian_release(struct guardian *guardian)
{
	AUTO_CLOSE int pidfd = -1;

	if (guardian->pid == 0)
		return;
	(void)sys_write(guardian->tell, "", 1); /* he may be gone */
	fd_close(&guardian->tell);
	pidfd = sys_child_open(guardian->pid);
	if (pidfd >= 0 && !dies(pidfd, RELEASE_MS))
		(void)sys_child_signal(pidfd, SIGKILL);
	/* Not ours any more if the master is another process by now. */
	while (waitpid(guardian->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	guardian->pid = 0;
}
