/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_PROCESS_H
#define OSTLER_SYS_PROCESS_H

/*
 * process - what the kernel tells of any process
 *
 * Knows:   /proc/PID/stat.
 * Decides: nothing; it is true of the moment of asking only.
 * Never:   waits.
 */
struct process {
	char state; /* as ps(1) has it: R, S, D, T, Z ... */
	int parent;
};

/* 0, or -errno: -ESRCH if it is gone. */
int sys_process(int pid, struct process *out);

#endif
