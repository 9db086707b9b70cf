/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_DAEMON_H
#define OSTLER_SYS_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

/*
 * daemon - how a process leaves those who started it
 *
 * Knows:   sessions, standard descriptors, inherited ones, and a parent that
 *          waits until its child is ready.
 * Decides: nothing.
 * Never:   logs.
 *
 * Every int is 0 or more, or -errno.
 */

/* Close every descriptor from LOWEST up. */
int sys_close_from(int lowest);

/* A session and process group of our own; fine if they are already. */
int sys_new_session(void);

/* 0, 1 and 2 onto /dev/null, for reading and writing; 1 may be kept. */
int sys_null_standard(bool keep_stdout);

/* Work in DIRECTORY from now on. */
int sys_enter(const char *directory);

/* Nothing, for so long: only while there is nobody to serve. */
void sys_sleep(uint64_t ns);

/* Which signals are ignored: bit N - 1 is signal N. */
uint64_t sys_ignored_signals(void);

/* The child's end; -1: nobody waits for us. */
struct monitor {
	int fd; /* owned */
};

/*
 * Fork. 0: we are the child, and OUT is what to release. Else the parent, when
 * it has waited: 1: the child said that it is ready; -ECHILD: it died;
 * -ETIMEDOUT: it was neither within 100 s, and was killed; or -errno.
 */
int sys_monitor_start(struct monitor *out);

/* Ready: the parent may go. */
void sys_monitor_release(struct monitor *monitor);

#endif
