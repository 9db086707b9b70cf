/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_LIMITS_H
#define OSTLER_SYS_LIMITS_H

#include <stdint.h>

/* Raise RLIMIT_NOFILE's soft limit to the hard one; *OUT is what we have. */
int sys_nofile(uint64_t *out);

#endif
