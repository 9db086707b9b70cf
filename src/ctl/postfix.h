/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CTL_POSTFIX_H
#define OSTLER_CTL_POSTFIX_H

#include <limits.h>
#include <stdbool.h>

#include "ctl/ctl.h"
#include "ctl/diversion.h"
#include "ctl/instance.h"

/*
 * postfix - ostler's master in the place of Postfix's, and back
 *
 * Knows:   what is in place, and every instance that uses it.
 * Decides: whether a change is safe now; what is left to do.
 * Never:   starts or stops a Postfix, or changes anything while one runs.
 */
struct postfix {
	const struct ctl *ctl;
	const char *root; /* borrowed; "" or a directory */
	struct diversion diversion;
	struct instance *instances; /* those of this master; owned */
	unsigned instances_n;
	char daemon[PATH_MAX];	  /* ostlerd, of which MASTER is a copy */
	char daemon_at[PATH_MAX]; /* where that is now */
};

/* One file each. */
enum ctl_exit postfix_enable(struct postfix *postfix);
enum ctl_exit postfix_disable(struct postfix *postfix);
enum ctl_exit postfix_status(struct postfix *postfix);

/* ---- for these ---- */

/* May anything be changed now? What forbids it is complained about. */
enum ctl_exit postfix_may_change(const struct postfix *postfix);

/*
 * Say what is done, and whether it is to be done: not if it is a dry run.
 * RESULT of doing it: 0 or more, or a complaint about PATH.
 */
__attribute__((format(printf, 2, 3))) bool postfix_step(
	struct postfix *postfix, const char *format, ...);
enum ctl_exit postfix_done(int result, const char *path);

/* What is at MASTER is the ostlerd that is installed, byte for byte. */
bool postfix_is_current(const struct postfix *postfix);

/* What is at MASTER and is not known to be the package's stays there. */
enum ctl_exit postfix_keep_replaced(struct postfix *postfix);

/* A running master of this directory that belongs to no known instance. */
int postfix_find_stranger(const struct postfix *postfix, int *from);

#endif
