/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_BOUNCE_DROP_H
#define OSTLER_BOUNCE_DROP_H

#include <stdbool.h>
#include <stdint.h>

/*
 * drop - who of those that wait is turned away, by chance
 *
 * Knows:   START:RATE:FULL, and how many waited when it was last asked.
 * Decides: for each client that has come since whether somebody has to go.
 * Never:   turns anybody away before more than START wait, and never leaves
 *          more than FULL waiting.
 *
 * A client behind fewer than START others stays; behind N others one has to go
 * in RATE + (100 - RATE) * (N - START) / (FULL - START) percent of all cases;
 * behind FULL, always. It is the one that has waited longest who goes: who
 * accepts gets no other. Each client is judged once, when it comes.
 */
struct drop {
	uint32_t start, rate, full;
	uint32_t kept; /* waited when all that had come were judged */
};

/* False: WORD is no START:RATE:FULL. */
bool drop_parse(const char *word, struct drop *out);

/* Of WAITING clients, at least CAME were not seen before: to be judged. */
uint32_t drop_look(struct drop *drop, uint32_t waiting, uint32_t came);

/* One that was not seen before; DICE is any number: true: somebody goes. */
bool drop_judge(struct drop *drop, uint32_t dice);

#endif
