/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_LIB_SETTINGS_H
#define OSTLER_LIB_SETTINGS_H

#include "lib/start.h"

/*
 * settings - the little of main.cf that a worker needs
 *
 * Knows:   queue_directory, mail_owner, max_use and max_idle; that options
 *          beat -o, which beats main.cf, which beats Postfix's defaults.
 * Decides: what $name stands for, if name is set in main.cf or by -o.
 * Never:   guesses: a value that takes more than that to understand is
 *          refused, and a name that nobody set is, too. One that this library
 *          does not know does no harm.
 */

/* Read $MAIL_CONFIG/main.cf, if it is there. 0 or -errno; the problem said. */
int ostler__settings_read(struct ostler__start *start);

#endif
