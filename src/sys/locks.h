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

/* 1 and the holder of PATH's flock() in *OUT_PID; 0: nobody; or -errno. */
int sys_lock_holder(const char *path, int *out_pid);

/* 1 if process PID is stopped (by a signal, or by who traces it); else 0. */
int sys_process_stopped(int pid);

#endif
