/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_LIB_JAIL_H
#define OSTLER_LIB_JAIL_H

#include "lib/start.h"

/*
 * jail - give up root as Postfix's options -u and -c ask
 *
 * Knows:   mail_owner, as main.cf or -o say, or "postfix".
 * Decides: the order of the calls.
 * Never:   goes on with more rights than were asked for: a native worker and
 *          one that is not root have nothing to give up, all others give up
 *          everything or fail.
 */

/* 0 or -errno, with the problem said. The working directory is the jail. */
int ostler__jail(struct ostler__start *start);

#endif
