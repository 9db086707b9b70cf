/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_SIGNALS_H
#define OSTLER_SYS_SIGNALS_H

/*
 * signals - read like any other input
 *
 * Never: runs code in a handler.
 */

/*
 * Block SIGNALS, SIGPIPE and SIGCHLD, give all of them their default
 * disposition (an inherited SIG_IGN for SIGCHLD would eat exit statuses), and
 * make a descriptor that delivers SIGNALS. Non-blocking.
 */
int sys_signals_open(const int *signals, int n);

/* The next signal's number, 0 if there is none; who sent it (0: the kernel) */
int sys_signal_next(int fd, int *out_pid);

/* Die of SIGNAL, as the parent sees it. Does not return if that works. */
int sys_signal_die(int signal);

/* Send SIGNAL to our own process group (the Postfix personality's stop). */
int sys_signal_group(int signal);

#endif
