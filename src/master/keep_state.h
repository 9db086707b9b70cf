/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_KEEP_STATE_H
#define OSTLER_MASTER_KEEP_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "master/holdings.h"

struct keep_holder;

/*
 * keep_state - what the files of keep.h share
 *
 * Knows:   what was given, and what could not be given yet.
 * Decides: nothing.
 * Never:   is seen by others.
 */
struct keep_waiting; /* one message */

struct keep {
	const struct keep_holder *holder;
	struct holdings given; /* sorted by name; fds are borrowed */
	uint64_t *words;       /* mapped; [workers_max] */
	int words_fd;	       /* owned */
	bool touched;	       /* the state is not what was written */
	bool structure;	       /* nor are the descriptors those that are held */
	uint32_t structure_n;  /* how many those are */
	unsigned state;	       /* the number of the one written last */
	uint64_t next_ns;      /* no state is written before */
	/* of a keeper: */
	int socket;		      /* owned; -1 */
	struct keep_waiting *waiting; /* what it could not take yet */
	struct keep_waiting **last;
	uint32_t waiting_n;
	bool behind;	   /* so much waited that it is all told anew */
	uint64_t retry_ns; /* 0: nothing waits */
	uint64_t pause_ns; /* before the last try */
	uint64_t restarts;
	char cause[96]; /* of the last one */
	bool lost;	/* he is gone, maybe while all was told to him */
};

#endif
