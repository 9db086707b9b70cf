/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_STOP_H
#define OSTLER_MASTER_STOP_H

struct master;

/*
 * stop - how the end begins, whoever asks for it
 *
 * Knows:   what was asked already.
 * Decides: that asking twice means hurry.
 * Never:   ends anything itself: the core does that, stage by stage.
 */

/* Gracefully; asked again, in a hurry. */
void stop_gently(struct master *master);

/* At once. */
void stop_at_once(struct master *master);

#endif
