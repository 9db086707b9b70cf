/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_LOCKFILE_H
#define OSTLER_SYS_LOCKFILE_H

#include <sys/types.h>

/*
 * lockfile - Postfix's lock files: one process at a time, and whose pid it is
 *
 * Knows:   what such a file may look like before it is opened.
 * Decides: what is refused: a file with several names, a directory, a link
 *          that others than root could have made, one that is exchanged while
 *          we look.
 * Never:   waits for a lock.
 */

/*
 * Open or make PATH, with a flock() for this process's life. The descriptor,
 * or -errno and in *OUT_PROBLEM what failed, in Postfix's words (borrowed, and
 * good until the next call). -EWOULDBLOCK: somebody else has the lock.
 */
int sys_lock_exclusive(const char *path, mode_t mode, const char **out_problem);

/*
 * 0 if FD, just opened as PATH, is what has that name, and no other; a symbolic
 * link may be root's alone. Else -errno, and *OUT_PROBLEM as above.
 */
int sys_check_name(int fd, const char *path, const char **out_problem);

/* PID at the end of 32 columns, and a newline: all that FD has then. */
int sys_write_pid_padded(int fd, int pid);

/* Effective ids and groups are those of somebody, and root's again. */
int sys_act_as(uid_t uid, gid_t gid);
int sys_act_as_root(void);

#endif
