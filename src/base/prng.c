/* SPDX-License-Identifier: MIT */
#include "base/prng.h"

#include <assert.h>

void prng_seed(struct prng *prng, uint64_t seed)
{
	prng->state = seed;
}

/* SplitMix64 (Steele, Lea, Flood 2014): any seed will do, even 0. */
uint64_t prng_next(struct prng *prng)
{
	uint64_t z;

	prng->state += UINT64_C(0x9e3779b97f4a7c15);
	z = prng->state;
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t prng_below(struct prng *prng, uint64_t n)
{
	uint64_t uneven, value;

	assert(n > 0);
	/* 2^64 mod N: that many of the lowest values would be favoured. */
	uneven = (UINT64_MAX - n + 1) % n;
	do
		value = prng_next(prng);
	while (value < uneven);
	return value % n;
}

uint64_t prng_less(uint64_t n, uint64_t seed)
{
	struct prng prng;

	prng_seed(&prng, seed);
	return n - prng_below(&prng, n / 8 + 1);
}
