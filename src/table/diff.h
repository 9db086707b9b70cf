/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_TABLE_DIFF_H
#define OSTLER_TABLE_DIFF_H

#include <stdbool.h>

struct endpoint;
struct service;

/*
 * diff - what a reload would mean for one service
 *
 * Knows:   which settings a running worker has taken with it (its command,
 *          user, environment, limits, endpoints ...) and which only the
 *          master uses (policy).
 * Decides: how deep a change goes.
 * Never:   compares anything but the two rows it is given.
 */
enum row_change {
	ROW_SAME,   /* nothing differs */
	ROW_POLICY, /* only what the master itself uses: no worker leaves */
	ROW_CHANGED, /* workers must be replaced; listeners may stay */
};

enum row_change row_compare(const struct service *old, const struct service *new);

/* The same place to knock: such a listener is kept open across a reload. */
bool endpoint_same(const struct endpoint *a, const struct endpoint *b);

#endif
