/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_PROCESS_H
#define OSTLER_SYS_PROCESS_H

#include <sys/types.h>

/*
 * process - what the kernel tells of any process
 *
 * Knows:   /proc/PID/stat, status and task.
 * Decides: nothing; it is true of the moment of asking only.
 * Never:   waits.
 */
struct process {
	char state; /* as ps(1) has it: R, S, D, T, Z ... */
	int parent;
};

/* 0, or -errno: -ESRCH if it is gone. */
int sys_process(int pid, struct process *out);

/* The real user that it runs as. 0 or -errno. */
int sys_process_user(int pid, uid_t *out);

/*
 * Our own children, dead ones too, MAX of them at most: how many there are, or
 * -errno where the kernel does not tell.
 */
int sys_children(int *out, unsigned max);

#endif
