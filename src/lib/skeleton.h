/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_LIB_SKELETON_H
#define OSTLER_LIB_SKELETON_H

#include "lib/worker.h"

/*
 * skeleton - what all skeletons have in common
 *
 * Knows:   how a program begins and ends as a worker.
 * Decides: what a transport of another kind is worth here: a refusal.
 * Never:   decides when a client is taken; worker.c does.
 */

#define KIND_TRANSPORTS 3

/* What makes one skeleton another than the others. */
struct kind {
	const char *transports[KIND_TRANSPORTS]; /* NULL: none */
	const char *refusal;			 /* said on all others */
	bool takes_turns;  /* with siblings, under Postfix's master: lock.h */
	bool runs_by_hand; /* has something to do under option -S */
	int (*serve)(struct ostler_worker *w,
		const struct ostler_options *options, int client); /* solo.h */
};

/*
 * Copy GIVEN into *OPTIONS, as much as both know, and open. 0, or -1: said on
 * stderr, exit with status 1.
 */
int ostler__open(struct ostler_worker **out, struct ostler_options *options,
	int argc, char **argv, const struct ostler_options *given,
	const struct kind *kind);

/* Run the init hook, say AVAIL. Likewise; or 1: it was a mold, to its end. */
int ostler__begin(
	struct ostler_worker *w, const struct ostler_options *options);

/* The leave hook. Returns STATUS. */
int ostler__end(struct ostler_worker *w, const struct ostler_options *options,
	int status);

/* Words to descriptor 2, with the program's name in front. */
void ostler__complain(const struct ostler_worker *w, const char *words);

/* Add, if ADD, or remove: data.u64 of their events is the descriptor. */
int ostler__watch_listeners(const struct ostler_worker *w, int epoll, bool add);
int ostler__watch_status(int epoll, bool add);

/*
 * Where the listeners are watched: to the end of the kernel's line with us,
 * once, if the master asks for that (ostler-protocol(7)).
 */
int ostler__renew_listeners(struct ostler_worker *w, int epoll);

#endif
