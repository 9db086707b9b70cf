/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CTL_NEAR_H
#define OSTLER_CTL_NEAR_H

#include <stdbool.h>

/*
 * near - is this what was meant?
 *
 * Knows:   two names.
 * Decides: whether one could be the other, mistyped.
 * Never:   offers a name that only a guess leads to.
 */
bool near_enough(const char *typed, const char *name);

#endif
