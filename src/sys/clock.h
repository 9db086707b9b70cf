/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_CLOCK_H
#define OSTLER_SYS_CLOCK_H

#include <stdint.h>

/*
 * clock - the time that deadlines are made of
 *
 * CLOCK_MONOTONIC: a machine that sleeps has no clients, and a deadline that
 * passed in its sleep would count a healthy worker as late.
 */
uint64_t clock_now_ns(void);

#endif
