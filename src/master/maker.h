/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_MAKER_H
#define OSTLER_MASTER_MAKER_H

#include <stdbool.h>
#include <sys/types.h>

struct identity;
struct service;

/*
 * maker - as whom the name of a socket is made, and removed again
 *
 * Knows:   that a directory of somebody else's is his ground: what root does
 *          there by name, he can turn elsewhere.
 * Decides: nothing: the row does.
 * Never:   stays somebody else: it ends the master rather.
 */
struct maker {
	bool is_other; /* than the master */
	uid_t uid;
	gid_t gid;
};

struct maker maker_of(const struct service *row, const struct identity *owner);

bool maker_same(const struct maker *a, const struct maker *b);

/*
 * Between these two, what is done is done by MAKER. 0 or -errno: not begun.
 * Another pair of the same maker's in between costs nothing; of another's is
 * our mistake.
 */
int maker_begin(const struct maker *maker);
void maker_end(const struct maker *maker);

#endif
