/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SPAWN_ENVIRONMENT_H
#define OSTLER_SPAWN_ENVIRONMENT_H

#include "programs/spawn/client.h"

/*
 * environment - what a program is told about its client
 *
 * Knows:   the dialects: UCSPI (TCPREMOTEIP ...) and REMOTE_ADDR.
 * Decides: which variables are ours alone: copies of them that we were given
 *          are not passed on, whatever the dialect.
 * Never:   sets a variable to nothing: unset means unset.
 */

#define DIALECT_UCSPI 1U
#define DIALECT_REMOTE 2U

#define ENVIRONMENT_OURS_MAX 16

struct environment {
	unsigned dialects;
	char **strings; /* owned array: borrowed strings, then ours, NULL */
	unsigned kept_n;
	unsigned ours_n;
	char ours[ENVIRONMENT_OURS_MAX][160];
};

/* 0 or -ENOMEM. */
int environment_init(
	struct environment *env, unsigned dialects, char **inherited);
void environment_finish(struct environment *env);

/* For this client; good until the next one. NULL-terminated. */
char **environment_for(struct environment *env, const struct client *client);

#endif
