/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_BASE_PRNG_H
#define OSTLER_BASE_PRNG_H

#include <stdint.h>

/*
 * prng - numbers that look random and come again with the same seed
 *
 * Knows:   64 bits of state, in the open, so that they can be copied, kept
 *          and compared.
 * Decides: nothing.
 * Never:   is a secret: jitter and simulations only.
 */
struct prng {
	uint64_t state;
};

void prng_seed(struct prng *prng, uint64_t seed);

uint64_t prng_next(struct prng *prng);

/* From 0 to N - 1, all alike; N is at least 1. */
uint64_t prng_below(struct prng *prng, uint64_t n);

/* N less up to an eighth of it, by SEED: so that not all are due at once. */
uint64_t prng_less(uint64_t n, uint64_t seed);

#endif
