/* SPDX-License-Identifier: MIT */
#include "programs/spawn/farewell.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

/*
 * A handler with code in it, against the rule: the loop is the library's and
 * this must also work while it sleeps. It calls kill() and raise() alone.
 */
static volatile pid_t pids[FAREWELL_MAX];

static void hand_on(int signal)
{
	for (int i = 0; i < FAREWELL_MAX; i++)
		if (pids[i] > 0) {
			(void)kill(-pids[i], signal);
			(void)kill(-pids[i], SIGCONT);
		}
	(void)raise(signal); /* SA_RESETHAND: this one is ours */
}

void farewell_init(void)
{
	struct sigaction action = {.sa_handler = hand_on};

	action.sa_flags = (int)SA_RESETHAND;
	(void)sigemptyset(&action.sa_mask);
	(void)sigaction(SIGTERM, &action, NULL);
}

static void mask(int how)
{
	sigset_t term;

	(void)sigemptyset(&term);
	(void)sigaddset(&term, SIGTERM);
	(void)sigprocmask(how, &term, NULL);
}

void farewell_hold(void)
{
	mask(SIG_BLOCK);
}

void farewell_release(void)
{
	mask(SIG_UNBLOCK);
}

static void put(pid_t old, pid_t new)
{
	for (int i = 0; i < FAREWELL_MAX; i++)
		if (pids[i] == old) {
			pids[i] = new;
			return;
		}
}

void farewell_add(pid_t pid)
{
	put(0, pid);
}

void farewell_remove(pid_t pid)
{
	put(pid, 0);
}
