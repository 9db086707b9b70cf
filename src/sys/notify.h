/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_NOTIFY_H
#define OSTLER_SYS_NOTIFY_H

/*
 * notify - tell the service manager (sd_notify's protocol: one datagram)
 *
 * 1: sent; 0: there is no NOTIFY_SOCKET; -errno. Never waits.
 * STATE is lines like "READY=1\nSTATUS=..." .
 */
int sys_notify(const char *state);

#endif
