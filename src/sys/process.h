/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_PROCESS_H
#define OSTLER_SYS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * process - what the kernel tells of any process
 *
 * Knows:   /proc/PID/stat, status, wchan, schedstat and task, and its clock.
 * Decides: nothing; it is true of the moment of asking only.
 * Never:   waits.
 */
struct process {
	char state; /* as ps(1) has it: R, S, D, T, Z ... */
	int parent;
};

/* 0, or -errno: -ESRCH if it is gone. */
int sys_process(int pid, struct process *out);

/*
 * Where in the kernel it sleeps, in BUFFER. 0; -ENOENT: nowhere, or it is not
 * told; or another -errno.
 */
int sys_process_wait(int pid, char *buffer, size_t size);

/* The real user that it runs as. 0 or -errno. */
int sys_process_user(int pid, uid_t *out);

/*
 * How many bytes of memory it uses; of what it shares with others its part, or
 * all of it (cheaper). 0 or -errno.
 */
int sys_process_part(int pid, uint64_t *out_bytes);
int sys_process_resident(int pid, uint64_t *out_bytes);

/*
 * Our own children, dead ones too: how many there are, or -errno where the
 * kernel does not tell. In OUT[MAX], in any order, are the youngest of them.
 */
int sys_children(int *out, unsigned max);

/*
 * What it has had of processors, and what it has waited for one that others
 * had. 0: none, or nothing can be known (older kernels tell no waits).
 */
struct process_time {
	uint64_t run_ns;
	uint64_t wait_ns;
};
struct process_time sys_process_time(int pid);

#endif
