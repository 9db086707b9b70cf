/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_LIB_START_H
#define OSTLER_LIB_START_H

#include <stdbool.h>
#include <stdint.h>

/*
 * start - what a worker was told when it was born
 *
 * Knows:   the environment of a native service and the options of a Postfix
 *          one; everything as numbers in their smallest unit.
 * Decides: which of the two dialects was spoken, and whether it was sound.
 * Never:   touches a descriptor.
 */

#define OSTLER__OVERRIDES_MAX 64
#define OSTLER__VALUE_BYTES 1024

struct ostler__start {
	bool native; /* OSTLER_SERVICE was there: options are not ours */
	unsigned generation;
	const char *service;   /* borrowed from the environment or argv */
	const char *transport; /* likewise */
	unsigned sockets_n;
	unsigned process_limit;	     /* 0: none, or not known */
	unsigned stress;	     /* 1: the limit was near when it started */
	unsigned max_use;	     /* 0: no limit */
	unsigned clients_per_worker; /* at a time; 0: as the program says */
	unsigned source_limit;	     /* clients from an address; 0: none */
	unsigned prefix_limit;	     /* ... from a network; 0: none */
	unsigned prefix_ipv4;	     /* bits of one */
	unsigned prefix_ipv6;
	uint64_t max_idle_ns; /* 0: no limit */

	/* Postfix's options; all false or 0 in a native worker. */
	bool alone;		  /* -l: no sibling ever */
	bool unlimited;		  /* -z */
	bool unprivileged;	  /* -u: run as mail_owner */
	bool jailed;		  /* -c: chroot to the directory */
	bool one_shot;		  /* -S: the client is on 0 and 1 */
	bool by_hand;		  /* -d */
	bool debugger;		  /* -D */
	bool talkative;		  /* -V: log to 2 as well */
	unsigned verbose;	  /* -v */
	bool timed;		  /* the master wants to hear of every client */
	uint64_t liveness_ns;	  /* how often we promise to speak; 0: not */
	uint64_t retire_after_ns; /* -r; 0: not said */
	const char *overrides[OSTLER__OVERRIDES_MAX]; /* -o; borrowed */
	unsigned overrides_n;
	bool use_said;	/* by -m or -o: main.cf does not matter */
	bool idle_said; /* by -i or -o */

	/* From main.cf or -o, see settings.h; empty: not said. */
	char queue_directory[OSTLER__VALUE_BYTES];
	char mail_owner[OSTLER__VALUE_BYTES];

	int argc;    /* what is left */
	char **argv; /* borrowed; NULL-terminated; [0] is the program */
	char problem[160];
};

/* Numbers and times as both dialects write them; *OUT only if they are. */
bool ostler__parse_number(const char *text, unsigned base, unsigned *out);
bool ostler__parse_duration(const char *text, uint64_t *out_ns);

/* Whether the service's transport is NAME, one of MASTER_XPORT_NAME_... */
bool ostler__start_is_on(const struct ostler__start *start, const char *name);

/* 0, or -EINVAL with the problem said. ARGV may be permuted. */
int ostler__start_parse(struct ostler__start *out, int argc, char **argv);

/* The value of -o NAME=value, the last one; or NULL. */
const char *ostler__start_override(
	const struct ostler__start *start, const char *name);

#endif
