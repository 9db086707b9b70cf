/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_PROTO_MOLD_H
#define OSTLER_PROTO_MOLD_H

#include <stdbool.h>
#include <stddef.h>

/*
 * mold - what a mold and its master say to each other
 *
 * Knows:   the sixteen bytes by which a mold says that it is ready.
 * Decides: whether bytes are that.
 * Never:   reads or writes a descriptor, or believes what a message says.
 *
 * An order goes the other way on the same channel: descriptors that are to
 * become MASTER_STATUS_FD and all that follow it, and NAME=VALUE for each
 * variable that a worker is given anew, each ended by a NUL. The variable below
 * has the first number that no descriptor of an order has: up to there a mold
 * is born with something in their places.
 */
#define OSTLER__MOLD_ENVIRONMENT "OSTLER_MOLD"
#define OSTLER__MOLD_BYTES 16
#define OSTLER__ORDER_BYTES 2048
#define OSTLER__ORDER_FDS 128

bool ostler__mold_decode(const void *bytes, size_t bytes_n, int *out_pid,
	unsigned *out_generation);

void ostler__mold_encode(
	int pid, unsigned generation, unsigned char out[OSTLER__MOLD_BYTES]);

#endif
