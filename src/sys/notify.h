/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_NOTIFY_H
#define OSTLER_SYS_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * notify - tell the service manager (sd_notify's protocol: one datagram)
 *
 * Knows:   NOTIFY_SOCKET and WATCHDOG_USEC of our environment.
 * Decides: nothing.
 * Never:   waits, or brings a library into the process.
 */

/* Whether there is somebody to tell. */
bool sys_notify_wanted(void);

/*
 * STATE is lines like "READY=1\nSTATUS=..." . 1: sent; 0: there is no
 * NOTIFY_SOCKET; -EAGAIN: its queue is full now; or another -errno.
 */
int sys_notify(const char *state);

/* The same with a descriptor: the manager gets a duplicate of FD. */
int sys_notify_fd(const char *state, int fd);

/*
 * A socket for another process, who is not the one that the manager listens
 * to: its descriptor, non-blocking, and in NAME what NOTIFY_SOCKET is to be
 * there; or -errno.
 */
#define NOTIFY_NAME_MAX 128 /* with the NUL */
int sys_notify_relay(char name[NOTIFY_NAME_MAX]);

/*
 * Pass on what process PID, and nobody else, has said there by now; when
 * others say very much there, it stays readable. What the manager has no room
 * for is lost, as PID would have lost it.
 */
void sys_notify_pass(int fd, int pid);

/*
 * How often the manager wants WATCHDOG=1 of this process, and not of another
 * that left us its environment; 0: it does not.
 */
uint64_t sys_watchdog_ns(void);

#endif
