/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_LIMITS_H
#define OSTLER_SYS_LIMITS_H

#include <stdint.h>

/* Raise RLIMIT_NOFILE's soft limit from *OUT_SOFT to the hard one, *OUT. */
int sys_nofile(uint64_t *out, uint64_t *out_soft);

#endif
