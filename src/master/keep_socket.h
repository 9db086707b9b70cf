/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_KEEP_SOCKET_H
#define OSTLER_MASTER_KEEP_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

struct holdings;
struct master;

/*
 * keep_socket - a keeper as who holds for us (keep.h, keeper.h)
 *
 * Knows:   what the keeper could not take yet.
 * Decides: when that is so much that all is told anew, once it listens.
 * Never:   waits for the keeper, but at the start for what it holds.
 */

/*
 * If a keeper started us: what it holds, in HOLDINGS, and MASTER is kept from
 * now on. 1; 0: there is none; -errno. MASTER is open.
 */
int keep_socket_open(struct master *master, struct holdings *holdings);

/* The same for one who has been told everything, through FD, which is taken. */
int keep_socket_resume(struct master *master, int fd);

/* It is readable. */
void keep_socket_ready(struct master *master);

/* What it could not take is tried again. */
void keep_socket_expire(struct master *master);
uint64_t keep_socket_deadline(const struct master *master);

/* Whether it has been sent all that was said. There may be no keeper. */
bool keep_socket_is_heard(const struct master *master);

/* Whether a keeper started us; before it is opened. */
bool keep_socket_is_ours(void);

/* For another program in our place; -1: there is none. */
int keep_socket_fd(const struct master *master);

/*
 * If we are not well after so long, we are killed, and another is started.
 * False: there is no keeper.
 */
bool keep_socket_trial(struct master *master, uint64_t ns);

/* How often a master was started again, and why the last time. */
uint64_t keep_restarts(const struct master *master);
const char *keep_cause(const struct master *master);

#endif
