/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_LOCKS_H
#define OSTLER_SYS_LOCKS_H

/*
 * locks - who holds a lock, and whether he runs, as the kernel tells it
 *
 * Knows:   /proc/locks and /proc/PID/stat.
 * Decides: nothing; both are true of the moment of asking only.
 * Never:   takes a lock, or waits for one.
 */

/*
 * Who holds a flock() of PATH, up to MAX: how many, or -errno. A file of the
 * same number on another device is taken for it: look who they are.
 */
int sys_lock_holders(const char *path, int *out, unsigned max);

/* 1 if process PID is stopped (by a signal, or by who traces it); else 0. */
int sys_process_stopped(int pid);

#endif
