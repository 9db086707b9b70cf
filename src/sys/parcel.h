/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_PARCEL_H
#define OSTLER_SYS_PARCEL_H

#include <stddef.h>
#include <stdint.h>

/*
 * parcel - words, and a descriptor with them, between processes that trust
 *          each other
 *
 * Knows:   one message of SOCK_SEQPACKET at a time.
 * Decides: nothing.
 * Never:   waits, but in sys_parcel_wait(). What comes is CLOEXEC.
 *
 * Every int is 0 or more, or -errno.
 */

/* Two ends alike, both CLOEXEC. */
int sys_parcel_pair(int out[2]);

/*
 * The one that we were started with: VARIABLE of the environment, which is
 * gone from then on, has its number. -ENOENT: there is none.
 */
int sys_parcel_inherited(const char *variable);

/* GIFT stays the sender's; -1: none. -EAGAIN: there is no room now. */
int sys_parcel_send(int fd, const char *words, size_t n, int gift);

/*
 * How many bytes came, into WORDS, NUL-terminated, and in *OUT_GIFT what came
 * with them, the caller's from now on, or -1. 0: it is over; -EAGAIN: nothing
 * is there now; -EMSGSIZE: that was too long, and is thrown away.
 */
int sys_parcel_receive(int fd, char *words, size_t size, int *out_gift);

/* Until one can be received, or (SEND) sent. 1; 0: not until UNTIL_NS. */
int sys_parcel_wait(int fd, int send, uint64_t until_ns);

#endif
