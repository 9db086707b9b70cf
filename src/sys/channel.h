/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_CHANNEL_H
#define OSTLER_SYS_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * channel - the socket pair between the master and a worker, and others that
 *           hostile ones send to
 *
 * Knows:   that its other end is hostile ground (MECHANISMS B7).
 * Decides: nothing; a short or strange message is told as it is.
 * Never:   waits, and never keeps a descriptor that a message brought.
 */
struct channel_message {
	size_t size; /* bytes in the buffer; 0: an empty message, or the end */
	bool truncated; /* there was more than the buffer holds */
	bool has_credentials;
	int pid; /* as the kernel says; only with has_credentials */
	uid_t uid;
	gid_t gid;
};

/*
 * OUT[0] is the master's: non-blocking, and stamped with the sender if
 * CREDENTIALS. OUT[1] is the worker's: blocking. Both are CLOEXEC.
 */
int sys_channel_pair(int out[2], bool credentials);

/*
 * 1: a message is in DATA and *OUT, or the end was reached, which looks like
 * a message of size 0 (the end is LOOP_HUP and nothing more to read); 0:
 * nothing there now; or -errno.
 */
int sys_channel_read(int fd, void *data, size_t n, struct channel_message *out);

/*
 * One message with descriptors, which stay the caller's; never waits. 0 or
 * -errno: -EAGAIN if there is no room now.
 */
int sys_channel_send(
	int fd, const void *data, size_t n, const int *fds, unsigned fds_n);

#define CHANNEL_BATCH 16
#define CHANNEL_BYTES 16 /* more than a status message has */

struct channel_batch {
	struct channel_message messages[CHANNEL_BATCH];
	char bytes[CHANNEL_BATCH][CHANNEL_BYTES];
};

/*
 * As many messages, or ends, in one call. How many there were: fewer than
 * CHANNEL_BATCH were all that was there. Or -errno.
 */
int sys_channel_read_batch(int fd, struct channel_batch *out);

/*
 * Nobody can send descriptors to FD (AF_UNIX), nor to what is accepted from it.
 * Does nothing before Linux 6.16: then they are taken and closed when read.
 */
void sys_refuse_gifts(int fd);

/*
 * Close FD, one of AF_UNIX that others send to. What waits in it is read
 * first: the kernel closes unread descriptors as we would have, and a close
 * of a socket that lingers sleeps.
 */
void sys_channel_close(int *fd);

#endif
