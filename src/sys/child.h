/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_CHILD_H
#define OSTLER_SYS_CHILD_H

#include <stdbool.h>

/*
 * child - processes, named by pidfd and never by number
 *
 * Knows:   how one ended.
 * Decides: nothing.
 * Never:   waits.
 */
struct child_end {
	int code;     /* exit status, or -1 if a signal ended it */
	int signal;   /* 0 if it exited */
	bool core;    /* and a core was dumped */
	bool unknown; /* nobody can say */
};

/* A pidfd of our own child PID (not reaped yet), for forks made elsewhere. */
int sys_child_open(int pid);

int sys_child_signal(int pidfd, int signal);

/* SIGKILL for a leader of a group and all of it; where the kernel cannot (before
 * 6.9), or while it leads none, for it alone. */
int sys_child_kill_group(int pidfd);

/* Whose PIDFD it is; -EBADF if it is none, -ESRCH if he is gone and reaped. */
int sys_child_pid(int pidfd);

/* Whether PIDFD is a child of ours; nothing is reaped. */
bool sys_child_is_ours(int pidfd);

/* 1 and *OUT if the child is dead and now reaped; 0 if it still runs. */
int sys_child_reap(int pidfd, struct child_end *out);

/*
 * The same of one that is not our child, once whoever's it was has reaped it:
 * 1; 0: not yet; -errno: this kernel does not tell (before 6.15).
 */
int sys_child_ended(int pidfd, struct child_end *out);

/*
 * The pid of some dead child that is not reaped yet, or 0. Reap all known
 * ones first: a known zombie hides the unknown behind it (MECHANISMS B10).
 */
int sys_stranger_next(void);

/* Reap dead child PID: 1 and *OUT; 0 if it runs; -ECHILD if not ours. */
int sys_reap_stranger(int pid, struct child_end *out);

/* Orphans among our descendants become our children. */
int sys_become_subreaper(void);

#endif
