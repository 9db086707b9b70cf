/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "master/adopt.h"
#include "master/master.h"
#include "master/upgrade.h"

/*
 * faulty - ostlerd, but when it is to go on where another one was it does what
 * the environment says in FAULTY: crash, hang, refuse, exit; or, with -late
 * behind it, the same when all has been taken over; or, with after-N, it
 * crashes N microseconds after its start, wherever it is, unless all is over
 */
bool __real_adopt(struct master *master, struct text state,
	struct holdings *holdings, const char **out_problem);
bool __wrap_adopt(struct master *master, struct text state,
	struct holdings *holdings, const char **out_problem);
void __real_sys_fallback_disarm(void);
void __wrap_sys_fallback_disarm(void);

/* What it does. Where it is the old one, and another has failed: only -both. */
static const char *fault;

static void read_fault(void)
{
	const char *label = getenv(UPGRADE_ENVIRONMENT);
	const char *cause = label == NULL ? NULL : strstr(label, "cause=");

	fault = getenv("FAULTY");
	if (fault != NULL && strstr(fault, "-both") == NULL && cause != NULL &&
		strcmp(cause, "cause=00") != 0)
		fault = NULL;
}

static void do_it(const char *what)
{
	if (strncmp(what, "crash", 5) == 0)
		abort();
	if (strncmp(what, "fault", 5) == 0)
		(void)raise(SIGSEGV);
	if (strncmp(what, "exit", 4) == 0)
		_exit(0);
	while (strncmp(what, "hang", 4) == 0)
		(void)pause();
}

static timer_t timer;
static bool timed;

/* Before main(): there may be no handler yet. */
__attribute__((constructor)) static void begin(int argc, char **argv)
{
	struct sigevent crash = {
		.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGSEGV};
	long us;

	read_fault();
	if (fault == NULL || strncmp(fault, "after-", 6) != 0 ||
		(argc > 1 && strcmp(argv[1], "--rehearse") == 0))
		return;
	us = strtol(fault + 6, NULL, 10);
	timed = timer_create(CLOCK_MONOTONIC, &crash, &timer) == 0 &&
		timer_settime(timer, 0,
			&(struct itimerspec){
				.it_value = {.tv_sec = us / 1000000,
					.tv_nsec = us % 1000000 * 1000 + 1}},
			NULL) == 0;
}

/* It has been taken over: a crash is no upgrade's any more. */
void __wrap_sys_fallback_disarm(void)
{
	if (timed)
		(void)timer_delete(timer);
	__real_sys_fallback_disarm();
}

bool __wrap_adopt(struct master *master, struct text state,
	struct holdings *holdings, const char **out_problem)
{
	const char *what = fault;
	bool late = what != NULL && strstr(what, "-late") != NULL;
	bool good;

	if (what != NULL && !late)
		do_it(what);
	good = __real_adopt(master, state, holdings, out_problem);
	if (late)
		do_it(what);
	if (!good || what == NULL || strncmp(what, "refuse", 6) != 0)
		return good;
	*out_problem = "it does not want to";
	return false;
}
