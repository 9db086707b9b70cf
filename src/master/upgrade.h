/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_UPGRADE_H
#define OSTLER_MASTER_UPGRADE_H

#include <stdbool.h>
#include <stdint.h>

struct master;
struct options;

/*
 * upgrade - another program in the place of this one, while everything goes on
 *
 * Knows:   the phase: another process is asked whether it can go on with a copy
 *          of our state; starts are held until none is under way; then this
 *          process becomes the new program, on trial for a round.
 * Decides: whether that is begun, and when it is given up. What does not work
 *          out leaves everything as it was, and says why (MECHANISMS B9).
 * Never:   waits in the loop for it, but in the moment of the change.
 */

/* ---- the one that goes -------------------------------------------------- */

/*
 * Begin, with the program PATH, or NULL: the one by whose name we were started.
 * What comes of it is told to who waits at the control socket, and to the log.
 */
void upgrade_request(struct master *master, const char *path);

/* Between two rounds: go on with it. It may not come back. */
void upgrade_go_on(struct master *master);
uint64_t upgrade_deadline(const struct master *master);

/* The one that rehearses has ended. */
void upgrade_heard(void);

/* A process of ours that is no worker. */
bool upgrade_is_ours(int pid);

bool upgrade_is_running(void);

/* ---- the one that comes (upgrade_arrive.c) -------------------------------- */

/* The very first of main(): if we follow another program, be ready to fail. */
void upgrade_begin(char **argv);

/* Whether there is something to go on with instead of a beginning. */
bool upgrade_is_arriving(void);

/* Go on with it, on trial. False: it cannot be, and nobody else can either. */
bool upgrade_arrive(struct master *master);

/* A round went well: from now on there is no way back. */
void upgrade_settle(struct master *master);

/* Descriptor 3 is a state: print what we would make of it. The exit code. */
int upgrade_rehearse(const struct options *options);

/* He who watches us meanwhile. */
bool upgrade_is_guardian(int pid);

/* What the state says of who wrote it; adopt.c. */
void upgrade_before(const char *version, const char *binary, int pid);

/* False: that was another process, and its children are not ours. */
bool upgrade_is_same_process(void);

/* For the state that is saved, which is another's while it is rehearsed. */
const char *upgrade_binary(void);
const char *upgrade_version(void);
int upgrade_pid(void);

/* ---- how the last one ended, for the control socket --------------------- */

struct upgrade_result {
	bool good;
	const char *problem; /* a sentence; not good */
	const char *before;  /* versions */
	const char *after;
	int pid_before;
};
const struct upgrade_result *upgrade_result(void);

/* ---- between the two files ------------------------------------------------ */

struct image_call;

#define UPGRADE_ENVIRONMENT "OSTLER_HANDOVER"

void upgrade_ended(const struct upgrade_result *result);

/* How the command line was, for another program in our place. */
char *const *upgrade_arguments(void);

#endif
