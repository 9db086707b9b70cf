/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_BOUNCE_QUEUE_H
#define OSTLER_BOUNCE_QUEUE_H

#include <stdint.h>

/*
 * queue - how many clients wait at a listener
 *
 * Knows:   how the kernel tells: TCP_INFO, and sock_diag for AF_UNIX.
 * Decides: nothing.
 * Never:   waits for an answer.
 */
struct queue {
	int netlink; /* owned; -1 until a listener of AF_UNIX is asked for */
	uint32_t sequence;
};

/* Clients, or -errno. */
int queue_waiting(struct queue *queue, int listener);

#endif
