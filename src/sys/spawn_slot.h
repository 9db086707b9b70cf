/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_SPAWN_SLOT_H
#define OSTLER_SYS_SPAWN_SLOT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "sys/program.h"
#include "sys/spawn.h"

/*
 * spawn_slot - one start in flight: all that its child reads, frozen
 *
 * Knows:   the order, copied, and how far its child has come.
 * Decides: nothing.
 * Never:   changes or frees what a child may still read.
 */

/* As the kernel's calls want it, whatever libc's types are. */
struct spawn_rlimit {
	uint64_t soft;
	uint64_t hard;
	int resource;
};

/* Written by the child; in memory that a forked child shares too. */
struct spawn_report {
	_Atomic int tid; /* the kernel clears it at exec and death (clone) */
	_Atomic int stage;
	_Atomic int error;
};

struct spawn_slot {
	/* What the child reads. */
	struct spawn_report *report; /* borrowed from the spawner's mapping */
	const char *path;	     /* this and the next: into text */
	char **argv;
	char **envp;
	const char *directory;
	char *text; /* owned */
	size_t text_room;
	/* Where each is to be taken from; -1: closed. Last, a held program. */
	int fds[SPAWN_FDS_MAX + 1];
	unsigned fds_n;	 /* of the order */
	unsigned held_n; /* and of those that are kept until exec: 0 or 1 */
	bool script;	 /* the held program is one */
	struct program_id program;
	unsigned table_end;  /* no descriptor of ours has this number or more */
	int exec_pipe;	     /* fork: closed by exec; else -1 */
	unsigned shared_end; /* clone: leave the shared table, keep below it */
	struct spawn_rlimit limits[SPAWN_LIMITS_MAX];
	unsigned limits_n;
	unsigned groups[SPAWN_GROUPS_MAX]; /* sorted, as the kernel has them */
	unsigned groups_n;
	unsigned uid;
	unsigned gid;
	unsigned umask;
	bool switch_user;
	bool new_session;
	bool no_new_privs;
	uint64_t ignored; /* as in the order */
	uint64_t reset;	  /* may be anything now, and is to be default */

	/* The child's scratch, so that it needs no memset and little stack. */
	struct statx found;
	uint64_t no_signals;
	uint64_t default_action[8]; /* larger than any kernel's sigaction */
	uint64_t ignore_action[8];  /* its handler, which comes first */
	unsigned ids[3];
	unsigned groups_now[SPAWN_GROUPS_MAX];

	/* The master's. */
	bool busy;
	bool killed;
	uint64_t cookie;
	uint64_t deadline_ns;
	int pid;
	int pidfd;	 /* owned; -1 if there was none to spare */
	int pipe;	 /* owned; fork: the end that we read */
	unsigned block;	 /* clone: the first of its reserved blocks ... */
	unsigned blocks; /* ... and how many */
	char *stack;	 /* owned; a guard page, then the stack */
};

#define SPAWN_STACK_BYTES (16u * 1024)

/* A slot without an order; REPORT is borrowed. 0 or -errno. */
int spawn_slot_init(
	struct spawn_slot *slot, struct spawn_report *report, bool stack);
void spawn_slot_finish(struct spawn_slot *slot);

/* Copy ORDER, all but where its descriptors are taken from. 0 or -errno. */
int spawn_slot_fill(struct spawn_slot *slot, const struct spawn_order *order);

/* The child, from its first instruction to exec. Raw system calls only. */
_Noreturn void spawn_child_run(struct spawn_slot *slot);

#endif
