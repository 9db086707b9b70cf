/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_RUN_H
#define OSTLER_SYS_RUN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * run - another program, from its beginning to its end
 *
 * Knows:   what it wrote and how it ended.
 * Decides: nothing.
 * Never:   asks a shell, or lets the program read our input. It waits: only
 *          for programs that have nothing else to do meanwhile.
 */
enum run_stderr {
	RUN_STDERR_OURS,
	RUN_STDERR_NOWHERE,
	RUN_STDERR_TOO, /* in what is read */
};

struct run {
	const char *const *argv; /* [0] is looked for in PATH */
	const char *setting;	 /* NAME=VALUE for its environment; or NULL */
	enum run_stderr stderr_to;
	char *out; /* the caller's: what it wrote, NUL-terminated */
	size_t size;
};

/*
 * Its exit status, or 128 and the number of the signal that ended it. What does
 * not fit is dropped. It runs with LC_ALL=C. -errno: it was not started.
 */
int sys_run(const struct run *run);

/*
 * The next process behind *FROM (0 at first) whose arguments begin with NAME,
 * which is a path below our own root directory:
 * its pid, or 0 at the end, or -errno.
 */
int sys_find_process(int *from, const char *name);

#endif
