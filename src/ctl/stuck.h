/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CTL_STUCK_H
#define OSTLER_CTL_STUCK_H

#include <jansson.h>

struct answer;

/*
 * stuck - workers that could not be stopped
 *
 * Knows:   the records that name them.
 * Decides: nothing.
 * Never:   says that one is, without saying which.
 */

/* Complain about each; how many there are. */
unsigned stuck_complain(const struct answer *answer);

/* An array of them. */
json_t *stuck_document(const struct answer *answer);

#endif
