/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SPAWN_PROGRAM_H
#define OSTLER_SPAWN_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * program - one run of the command, from its start to its end
 *
 * Knows:   its process, and how far it has outstayed its time.
 * Decides: what signal is next.
 * Never:   signals a process that has been waited for: the number might be
 *          somebody else's by then.
 */

struct program_plan {
	char **command;		/* borrowed; [0] is looked for along PATH */
	uint64_t time_limit_ns; /* 0: none */
	uint64_t kill_time_ns;	/* from SIGTERM to SIGKILL */
	bool stderr_to_client;
};

enum program_stage {
	PROGRAM_RUNNING,
	PROGRAM_TERMINATED, /* its time was up: SIGTERM is sent */
	PROGRAM_KILLED,	    /* SIGKILL is sent */
};

struct program {
	const struct program_plan *plan; /* borrowed */
	enum program_stage stage;
	pid_t pid;
	int pidfd;
	int timer;   /* -1: no limit */
	int wakeups; /* readable when there is something to do */
	int status;  /* once ended: the exit status, or -1 and ... */
	int signal;  /* ... the signal that killed it */
	uint64_t started_ns;
	uint64_t ended_ns;
};

/*
 * Run the command with CLIENT on its descriptors 0 and 1. 0, or -errno of
 * whatever failed, execve() included, with nothing left behind.
 */
int program_start(struct program *out, const struct program_plan *plan,
	int client, char **environment);

/* After wakeups was readable: true if it has ended. */
bool program_step(struct program *p);

/* Close all but wakeups, which is the caller's to close. */
void program_finish(struct program *p);

#endif
