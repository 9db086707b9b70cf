/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_LOCKS_H
#define OSTLER_SYS_LOCKS_H

/*
 * locks - who holds a lock, as the kernel tells it
 *
 * Knows:   /proc/locks.
 * Decides: nothing; it is true of the moment of asking only.
 * Never:   takes a lock, or waits for one.
 */

/*
 * Who holds a flock() of PATH, up to MAX: how many, or -errno. A file of the
 * same number on another device is taken for it: look who they are.
 */
int sys_lock_holders(const char *path, int *out, unsigned max);

#endif
