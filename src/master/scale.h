/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_SCALE_H
#define OSTLER_MASTER_SCALE_H

#include <stdbool.h>
#include <stdint.h>

struct control_request;
struct master;
struct text_builder;

/*
 * scale - other limits for a service, by request and until the next reload
 *
 * Knows:   what the configuration would refuse, and what a personality does.
 * Decides: whether the numbers fit each other.
 * Never:   starts or retires anybody: the core is told, and does.
 */
#define SCALE_COMPLAINT_ROOM 256

/* False: refused, and COMPLAINT says why. */
bool scale(struct master *master, uint32_t service,
	const struct control_request *request, struct text_builder *complaint);

#endif
