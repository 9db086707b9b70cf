/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_ORPHAN_H
#define OSTLER_SYS_ORPHAN_H

#include <stdbool.h>
#include <stdint.h>

/*
 * orphan - a listener that only workers without a master still hold
 *
 * Knows:   who holds a TCP listener, from /proc.
 * Decides: nobody else's is taken: it was made by our user, whoever holds it
 *          runs PROGRAM, and the parent of none of them holds it as well.
 * Never:   waits, or signals anybody.
 */

/*
 * The listener at ADDRESS (as in sys_listen_inet) and PORT, as a descriptor of
 * ours beside theirs; *OUT_PID is one that holds it. -EADDRINUSE: it is
 * somebody else's, or nobody's; or what the kernel says against it.
 */
int sys_adopt_listener(int family, const uint8_t address[16], uint16_t port,
	const char *program, int *out_pid);

/*
 * Whether somebody else's listener would get clients of ADDRESS and PORT: all
 * but the OURS_N in OURS are somebody else's.
 */
bool sys_port_is_shared(int family, const uint8_t address[16], uint16_t port,
	const int *ours, unsigned ours_n);

#endif
