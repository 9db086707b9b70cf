/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_LIB_DENY_H
#define OSTLER_LIB_DENY_H

/*
 * deny - what a worker that was made from a mold must not do
 *
 * Knows:   how a process makes another that is its parent's child.
 * Decides: nothing.
 * Never:   stands in the way of fork(), threads or posix_spawn().
 */

/*
 * No CLONE_PARENT from here on, for us and all that we start. Without root
 * this takes no_new_privs along: no set-user-ID program gains anything. 0,
 * also where the kernel has no filters; or -errno.
 */
int ostler__deny_siblings(void);

#endif
