/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_POSTFIX_HOSTS_H
#define OSTLER_MASTER_POSTFIX_HOSTS_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/postfix_host.h"
#include "sys/hosts.h"

struct arena;
struct master;

/*
 * postfix_hosts - names of hosts in main.cf and master.cf
 *
 * Knows:   which names there are, and what the resolver said of each.
 * Decides: who is asked: at the start the resolver itself; while services run
 *          a process that may take its time, because nothing else may wait.
 * Never:   remembers an answer beyond the reload it was for.
 */
enum hosts_way {
	HOSTS_NOW,     /* nobody waits for us yet */
	HOSTS_COLLECT, /* names alone: what is to be asked? */
	HOSTS_KNOWN,   /* what was answered */
};

struct postfix_hosts {
	enum hosts_way way;
	struct hosts *asking; /* owned; NULL: nothing is asked */
	char **names;	      /* owned */
	unsigned n;
	bool asked;		     /* at this reload */
	uint64_t until_ns;	     /* patience with the resolver */
	struct host_answer *answers; /* owned; [n] */
};

/* The same address, as conf has it. */
struct postfix_address postfix_address_of(const struct machine_address *from);

/* As postfix_machine.resolve has it; CONTEXT is a struct postfix_hosts. */
unsigned postfix_hosts_resolve(void *context, const char *host,
	struct postfix_address *out, unsigned max);

/*
 * Ask for all names in the files; later, take what was answered. 0: there is
 * nothing (more) to wait for; else until when, unless TAG_LOOKUP tells.
 */
uint64_t postfix_hosts_ask(struct master *master);

/* A new reload: what was asked before is of no interest. */
void postfix_hosts_forget(struct master *master);

/* The child's pid; 0: there is none. */
int postfix_hosts_pid(const struct master *master);

#endif
