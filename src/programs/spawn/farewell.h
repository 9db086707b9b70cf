/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SPAWN_FAREWELL_H
#define OSTLER_SPAWN_FAREWELL_H

#include <sys/types.h>

/*
 * farewell - take the programs along when the master's patience is over
 *
 * Knows:   the programs that run, each leader of a session of its own.
 * Decides: nothing.
 * Never:   outlives SIGTERM: it hands it on to them and dies of it. (Asked to
 *          leave by its status channel, a worker lets them finish.)
 */
#define FAREWELL_MAX 1024

void farewell_init(void);

/* Between these SIGTERM waits, so that a process and its entry are one. */
void farewell_hold(void);
void farewell_release(void);

void farewell_add(pid_t pid);
void farewell_remove(pid_t pid); /* before it is waited for */

#endif
