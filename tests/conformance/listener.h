/* SPDX-License-Identifier: MIT */
#ifndef LISTENER_H
#define LISTENER_H

#include <stddef.h>

/*
 * listener - what the kernel tells of a socket
 *
 * Knows:   the calls that ask.
 * Decides: nothing.
 * Never:   changes the socket.
 */

/* Its own name: a path, [ADDRESS]:PORT, or nothing. */
void listener_name(int fd, char *text, size_t size);

/* 0 or 1; -1 if it is no IPv6 socket. */
int listener_v6only(int fd);

/* The length of its accept queue; -1 if it has none. */
int listener_backlog(int fd);

/* The descriptor that comes along with a byte; -1 if none does. */
int listener_receive(int fd);

#endif
