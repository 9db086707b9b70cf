/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_POSTFIX_START_H
#define OSTLER_MASTER_POSTFIX_START_H

#include <stdbool.h>

struct maincf;
struct postfix_master;

/*
 * postfix_start - who may be the master of an instance, and the locks of it
 *
 * Knows:   users, directories and lock files of main.cf (postfix_spec 4.2,
 *          4.3).
 * Decides: whether there is another master.
 * Never:   opens a socket.
 */

/* Words for the log and, while somebody may read it, for stderr. Returns 1. */
int postfix_fatal(const struct postfix_master *postfix, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The users and groups of main.cf. 0, or 1 and it was said why not. */
int postfix_check_users(
	const struct postfix_master *postfix, const struct maincf *main);

/*
 * Into queue_directory, and both locks in *OUT_PID and *OUT_DATA, with our pid
 * in them. 0, or 1 and it was said why not.
 */
int postfix_lock(const struct postfix_master *postfix,
	const struct maincf *main, int *out_pid, int *out_data);

/* -t: 0 if no master runs, else 1. */
int postfix_test(
	const struct postfix_master *postfix, const struct maincf *main);

#endif
