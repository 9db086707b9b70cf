/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "master/adopt.h"
#include "master/master.h"

/*
 * faulty - ostlerd, but when it is to go on where another one was it does what
 * the environment says in FAULTY: crash, hang, refuse, exit; or, with -late
 * behind it, the same when all has been taken over
 */
bool __real_adopt(struct master *master, struct text state,
	struct holdings *holdings, const char **out_problem);
bool __wrap_adopt(struct master *master, struct text state,
	struct holdings *holdings, const char **out_problem);

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

bool __wrap_adopt(struct master *master, struct text state,
	struct holdings *holdings, const char **out_problem)
{
	const char *what = getenv("FAULTY");
	bool late = what != NULL && strstr(what, "-late") != NULL;
	bool good;

	if (what != NULL && !late)
		do_it(what);
	good = __real_adopt(master, state, holdings, out_problem);
	if (late)
		do_it(what);
	*out_problem = "it does not want to";
	return good && (what == NULL || strncmp(what, "refuse", 6) != 0);
}
