/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_HOSTS_H
#define OSTLER_SYS_HOSTS_H

#include "sys/machine.h"

/*
 * hosts - names of hosts become addresses, in a process of their own
 *
 * Knows:   that a resolver may take minutes, so it is asked by a short-lived
 *          child, as sys/creds.h does; the caller has the deadline.
 * Decides: nothing.
 * Never:   waits.
 */
#define HOST_ADDRESSES_MAX 64

struct host_answer {
	unsigned n; /* 0: see error */
	struct machine_address addresses[HOST_ADDRESSES_MAX];
	char error[120]; /* e.g.: Name or service not known */
};

struct hosts;

/* Start looking N hosts up; *OUT is then read, or cancelled. */
int sys_hosts_start(const char *const *hosts, unsigned n, struct hosts **out);

/*
 * As sys_lookup_fd(), _pid(), _read() and _cancel() are; but what has come is
 * in OUT each time, in the order asked, and the rest of OUT is left alone.
 */
int sys_hosts_fd(const struct hosts *hosts);
int sys_hosts_pid(const struct hosts *hosts);
int sys_hosts_read(struct hosts *hosts, struct host_answer *out);
void sys_hosts_cancel(struct hosts *hosts);

#endif
