/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_CREDS_H
#define OSTLER_SYS_CREDS_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * creds - names of users and groups become numbers, in a process of their own
 *
 * Knows:   that a look-up may block for ever or load strangers' code, so it
 *          happens in a short-lived child; the caller has the deadline.
 * Decides: what a request means: "65534" is a number and needs no entry; a
 *          user without a group brings its own and its supplementary ones.
 * Never:   waits, and never looks anything up in the calling process.
 */
#define CREDS_GROUPS_MAX 64

struct identity {
	uid_t uid;  /* ours if no user was asked for */
	gid_t gid;  /* ours if neither user nor group was */
	unsigned n; /* supplementary groups, gid among them */
	bool valid; /* false: see error */
	gid_t groups[CREDS_GROUPS_MAX];
	char error[120]; /* e.g.: no user "www" */
};

/* Both borrowed for the call; NULL: not asked for. */
struct lookup_request {
	const char *user;
	const char *group;
};

struct lookup;

/* Start looking N requests up; *OUT is then read, or cancelled. */
int sys_lookup_start(
	const struct lookup_request *requests, unsigned n, struct lookup **out);

/* Readable when there is something to read. Remove it from the loop before
 * sys_lookup_cancel(). */
int sys_lookup_fd(const struct lookup *lookup);

/* The child's, so that its death is not taken for a stranger's; 0: none. */
int sys_lookup_pid(const struct lookup *lookup);

/*
 * 0: all answers are in OUT[0..n), in the order asked; -EAGAIN: not yet;
 * -EPIPE: the child died without an answer; -errno.
 */
int sys_lookup_read(struct lookup *lookup, struct identity *out);

/* End it, answered or not, and free it. NULL is fine. */
void sys_lookup_cancel(struct lookup *lookup);

#endif
