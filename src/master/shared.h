/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_SHARED_H
#define OSTLER_MASTER_SHARED_H

#include <stdint.h>

struct master;

/*
 * shared - what all workers of a service share beside its listeners: the
 * flow pipe, and with status_channel = shared the channel
 *
 * Knows:   which row asks for what.
 * Decides: nothing.
 * Never:   closes a channel that a worker may still speak on.
 */

/* The flow pipe and shared channel that the row asks for. 0 or -errno. */
int service_channels_open(struct master *master, uint32_t id);
void service_channels_close(struct master *master, uint32_t id);

/* The workers of now keep the shared channel they have, half-closed; those
 * to come get a new one. Nothing for private channels. */
void service_retire_shared(struct master *master, uint32_t id);

/*
 * A worker shut the channel down for all: none of now can be heard again, and
 * those to come get a new one.
 */
void service_shared_lost(struct master *master, uint32_t id);

#endif
