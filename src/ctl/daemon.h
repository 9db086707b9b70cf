/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CTL_DAEMON_H
#define OSTLER_CTL_DAEMON_H

#include <stddef.h>

/*
 * daemon - where ostlerd is
 *
 * Knows:   the environment, the build tree, and where it is installed.
 * Decides: which of them counts.
 * Never:   runs it, or looks whether it is there.
 */

/* The one to run: OSTLER_DAEMON, else the one built with us, else installed. */
const char *daemon_to_run(char *buffer, size_t size);

/* The one to stay: OSTLER_DAEMON, else the installed one. */
const char *daemon_installed(void);

#endif
