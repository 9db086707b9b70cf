/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_HOOKS_H
#define OSTLER_MASTER_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

struct master;

/*
 * hooks - a program of the operator's hears what happens
 *
 * Knows:   what is to be told, and the processes that are being told.
 * Decides: which lines of the log are worth it; how many at a time, how long.
 * Never:   waits for one, or lets one change what the master does.
 */

/* Once, at the beginning: lines of the log are heard from now on. */
void hooks_begin(void);

/* Start what waits, and end what takes too long. */
void hooks_go_on(struct master *master);
uint64_t hooks_deadline(const struct master *master);

/* The spawner's word of start COOKIE: true if that was one of these. */
bool hooks_collect(uint64_t cookie, int stage, int error);

/* Its pidfd is readable; a stale INDEX and SERIAL are fine. */
void hooks_ready(struct master *master, uint32_t index, uint32_t serial);

/* PID is one of them. */
bool hooks_is_ours(int pid);

/* PID, one of them, is dead and hides others: take its end. */
void hooks_ended(struct master *master, int pid);

/* Some wait or run. */
bool hooks_busy(void);

/* Kill those that run, and forget those that wait: we will not be here. */
void hooks_end(struct master *master);

#endif
