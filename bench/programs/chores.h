/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CHORES_H
#define BENCH_CHORES_H

#include <stdbool.h>

/*
 * chores - what a worker is told to waste its time with
 *
 * Knows:   its words `-o NAME=VALUE` of the command line.
 * Decides: nothing.
 * Never:   speaks to anybody.
 */

struct chores {
	unsigned start_ms;  /* start=MS: sleeps so long before it begins */
	unsigned spin_ms;   /* spin=MS: is on a processor so long */
	unsigned hold_ms;   /* hold=MS: holds each client so long */
	unsigned slow_ms;   /* slow=MS: holds those who ask "h..." so long */
	unsigned listeners; /* -s N: descriptors from 6 on; 1 if nothing else */
	const char *born;   /* born=FILE: adds a byte to it when it begins */
};

/* Skips all that it does not know. */
void chores_read(struct chores *chores, int argc, char **argv);

void chores_pause_ms(unsigned ms);

/* What is to be done before the first client. */
void chores_begin(const struct chores *chores);

/* One client: reads his question, wastes his time, gives it back. */
void chores_serve(const struct chores *chores, int client);

#endif
