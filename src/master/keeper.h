/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_KEEPER_H
#define OSTLER_MASTER_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "master/kept.h"

struct keep_message;
struct loop;
struct spawner;

/*
 * keeper - the parent of a master: what the master gives it to hold outlives
 *          the master, and the next one gets it
 *
 * Knows:   descriptors by their names, which process each worker is, and the
 *          last word of each while there is no master.
 * Decides: when a master is started again.
 * Never:   watches a listener, starts a worker, reads a configuration.
 */

/* Run a master with these arguments for as long as it wants. An exit code. */
int keeper_run(int argc, char **argv);

/* The rest is between keeper*.c. */
enum keeper_tag {
	KEEPER_TAG_SIGNAL,
	KEEPER_TAG_SOCKET,
	KEEPER_TAG_MASTER,
	KEEPER_TAG_RELAY,
	KEEPER_TAG_CHANNEL, /* place, serial */
};

struct keeper {
	struct loop *loop;	 /* owned */
	struct spawner *spawner; /* owned */
	struct kept kept;
	const char **argv;	  /* owned; of the master */
	const char **environment; /* owned */
	char *program;		  /* owned */
	char notify[160]; /* where the master tells the service manager */
	int relay;	  /* our end of that; -1: nobody wants it */
	uint64_t nofile;
	uint64_t nofile_soft; /* for the master, as it was for us */
	int signal_fd;
	int socket; /* to the master; -1: there is none */
	int pidfd;  /* likewise */
	int pid;
	bool reading; /* what workers say: there is no master who does */
	bool healthy; /* the master is */
	bool ever_healthy;
	bool bye;
	int asked;	  /* the last signal that tells it to stop; 0: none */
	bool asked_again; /* another master, because the first one died */
	int stop_signal;  /* came while nobody was there to take it */
	uint64_t *words;  /* mapped; last words, by slot */
	uint64_t words_n;
	uint64_t now_ns;
	uint64_t healthy_ns;
	uint64_t start_ns; /* when the next one is started; 0: not at all */
	uint64_t pause_ns; /* before that */
	bool hasty;	   /* one died soon after it was well */
	uint64_t trial_ns; /* the master must be well by then; 0: any time */
	uint64_t restarts;
	unsigned failed; /* starts in a row, of masters that were never well */
	char cause[96];	 /* of the last restart */
	bool done;
	int exit_code;
};

/* keeper_child.c: the master as a process */
bool keeper_start(struct keeper *keeper);
void keeper_signal(struct keeper *keeper, int signal);
void keeper_reap(struct keeper *keeper);
void keeper_well(struct keeper *keeper);
void keeper_expire(struct keeper *keeper);
uint64_t keeper_deadline(const struct keeper *keeper);

/* keeper_talk.c: the master at the other end of the socket */
void keeper_hear(struct keeper *keeper);
void keeper_tell_end(struct keeper *keeper, uint32_t slot);

/* keeper_read.c: workers, while there is no master */
void keeper_read_begin(struct keeper *keeper);
void keeper_read_stop(struct keeper *keeper);
void keeper_read(
	struct keeper *keeper, uint32_t place, uint32_t serial, uint32_t ready);
void keeper_words(struct keeper *keeper, uint32_t place);

/* Those whom no master will adopt leave when they are done. */
void keeper_let_go(struct keeper *keeper);

#endif
