/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_DEPTH_H
#define OSTLER_SYS_DEPTH_H

#include <stdint.h>

/*
 * depth - how many clients wait in a listener's accept queue
 *
 * Knows:   what the kernel tells without accepting (MECHANISMS B13).
 * Decides: nothing. For AF_UNIX the cost grows with all sockets of that kind
 *          in the network namespace: the caller rations the question.
 * Never:   waits.
 *
 * The count, or -errno when it cannot be known.
 */
int sys_depth_tcp(int listen_fd);
int sys_depth_tcp_max(int listen_fd); /* the queue's length */

struct depth_unix {
	int fd; /* owned; a netlink socket */
	uint32_t sequence;
};

#define DEPTH_UNIX_NONE                                                        \
	{                                                                      \
		.fd = -1                                                       \
	}

int sys_depth_unix_open(struct depth_unix *out);
void sys_depth_unix_close(struct depth_unix *depth); /* twice is fine */

/* -ENOENT: the listener belongs to another network namespace. */
int sys_depth_unix(struct depth_unix *depth, int listen_fd);

#endif
