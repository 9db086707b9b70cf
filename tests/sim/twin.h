/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_TESTS_SIM_TWIN_H
#define OSTLER_TESTS_SIM_TWIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/prng.h"
#include "core/core.h"
#include "core/event.h"

/*
 * twin - a core that was saved and loaded, beside the one that was not
 *
 * Knows:   both, and what the first one did.
 * Decides: now and then, by dice, to make the second one anew; and whether
 *          they differ: in an action, in their next deadline, or in the lines
 *          that each is saved as.
 * Never:   changes the first one.
 */
struct twin {
	struct core_limits limits;
	struct prng prng;
	void *memory; /* owned */
	struct core *core;
	unsigned left; /* steps until it is made anew */
};

void twin_init(struct twin *twin, const struct core_limits *limits);
void twin_finish(struct twin *twin);

/*
 * The first CORE has taken this EVENT and wants these ACTIONS. NULL, or what
 * the other does otherwise.
 */
const char *twin_follow(struct twin *twin, const struct core *core,
	const struct event *event, uint64_t now_ns,
	const struct actions *actions);

#endif
