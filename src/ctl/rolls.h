/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CTL_ROLLS_H
#define OSTLER_CTL_ROLLS_H

#include <stdint.h>

#include "ctl/ctl.h"

struct answer;
struct control_record;

/*
 * rolls - waiting until new workers have taken the place of the old ones
 *
 * Knows:   what the master says of each service, asked now and then.
 * Decides: when that is over: replaced, stalled, or no time left.
 * Never:   waits in the master: it may be another one meanwhile.
 */

/*
 * Ask until nobody is being replaced any more, or until UNTIL_NS: what was told
 * last is in OUT, to be finished. Not CTL_OK: there was no answer, and that
 * was complained about.
 */
enum ctl_exit rolls_wait(
	struct answer *out, const struct ctl *ctl, uint64_t until_ns);

/* The record of SERVICE, or NULL. */
const struct control_record *rolls_find(
	const struct answer *answer, const char *service);

#endif
