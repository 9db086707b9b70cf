/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CORE_STRESS_H
#define OSTLER_CORE_STRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/state.h"

/*
 * stress - workers that are told that the limit is near
 *
 * Knows:   until when a service is under stress.
 * Decides: when that begins; then all its workers are replaced by such as
 *          know of it.
 * Never:   ends it by itself: it is over when the limit was not near for
 *          stress_time, and workers that are there stay as they are.
 */

/* Is POOL under stress at NOW_NS? */
bool stress_lasts(const struct pool *pool, uint64_t now_ns);

/*
 * Called before N workers are started, so that those who are to leave are the
 * ones that are there, and those to come are born under stress.
 */
void stress_before_start(struct core *core, struct pool *pool, uint32_t n);

#endif
