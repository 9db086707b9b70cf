/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CORE_WAKEUP_H
#define OSTLER_CORE_WAKEUP_H

#include "core/state.h"

/*
 * wakeup - clients that the master sends itself, one a period
 *
 * Knows:   when the next one is due, and whether a worker was started since
 *          the service began.
 * Decides: when one is sent: at the beginning, or, if the service has to be
 *          used first, when its first worker is started; then in time.
 * Never:   makes up for those that were missed.
 */

/* The service begins, or its workers are replaced: the period begins anew. */
void wakeup_restart(const struct core *core, struct pool *pool);

/* The period may be another now; the workers are the same. */
void wakeup_adjust(const struct core *core, struct pool *pool);

/* A worker is being started. */
void wakeup_started(const struct core *core, struct pool *pool);

/* Send it, if it is due. */
void wakeup_time(struct core *core, struct pool *pool);

#endif
