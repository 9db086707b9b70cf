/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_STUCK_H
#define OSTLER_MASTER_STUCK_H

struct log_line;

/*
 * stuck - workers that nothing ends, named
 *
 * Knows:   what the kernel tells of a process that survives SIGKILL: it
 *          sleeps there, or somebody traces it and does not look.
 * Decides: nothing: the core does, when their time is over.
 * Never:   waits for one.
 */

/* What process PID does. (The records are control.h's.) */
void stuck_log(int pid, struct log_line *line);

#endif
