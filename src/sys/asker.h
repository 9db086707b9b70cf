/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_ASKER_H
#define OSTLER_SYS_ASKER_H

#include <stddef.h>

/*
 * asker - a question that may block for ever or load strangers' code, put by
 * a short-lived child, for sys/ alone
 *
 * Knows:   the child, and how much of the answer has come.
 * Decides: nothing; the caller has the deadline.
 * Never:   waits, and lets the child have nothing of the master's but the
 *          pipe for the answer.
 */
struct asker {
	int fd;	   /* owned; readable when there is something to read */
	int pidfd; /* owned */
	int pid;   /* 0: reaped */
	size_t size;
	size_t have;
	char *answer; /* owned; SIZE bytes */
};

/*
 * In the child: write what is to be found out about QUESTION with asker_put(),
 * SIZE bytes in all.
 */
typedef void asker_question(const void *question, int fd);

/* Ends the child if nobody reads. */
void asker_put(int fd, const void *data, size_t n);

int asker_start(struct asker *asker, asker_question *ask, const void *question,
	size_t size);

/* 0: ANSWER is whole; -EAGAIN: not yet; -EPIPE: the child died; -errno. */
int asker_read(struct asker *asker);

/* End it, answered or not. Also one that could not be started. */
void asker_end(struct asker *asker);

#endif
