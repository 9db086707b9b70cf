/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_LIB_RECEIVE_H
#define OSTLER_LIB_RECEIVE_H

#include "lib/worker.h"

/*
 * receive - a client that another process hands over (transport pass)
 *
 * Knows:   what comes over such a connection: one byte with a descriptor,
 *          then names and values, each ended by a NUL, and an empty name.
 * Decides: how long to wait for it.
 * Never:   leaves the connection open: closing it is the receipt.
 */

/* Without attributes, as to a trigger service. A descriptor or -errno. */
int ostler__receive_bare(struct ostler_worker *w, int connection);

#endif
