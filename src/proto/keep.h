/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_PROTO_KEEP_H
#define OSTLER_PROTO_KEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

/*
 * keep - what a master and its keeper say to each other
 *
 * Knows:   the words, each of which is one message, and the names of what is
 *          held.
 * Decides: nothing.
 * Never:   reads or writes a descriptor.
 */
#define KEEP_MESSAGE_BYTES 512
#define KEEP_NAME_BYTES 128
#define KEEP_ENVIRONMENT "OSTLER_KEEPER" /* the number of the socket */

enum keep_kind {
	/* of the master */
	KEEP_HOLD,    /* name, and a descriptor with it */
	KEEP_DROP,    /* name */
	KEEP_TAKE,    /* read no channel any more, and give me all */
	KEEP_RENEW,   /* what I do not hold out anew until ... */
	KEEP_HEALTHY, /* ... now can be dropped. I am well */
	KEEP_TRIAL,   /* ns: I may be stuck if I am not well by then */
	KEEP_BYE,     /* I go because I was told to */
	/* of the keeper */
	KEEP_GIVE,  /* name, and a descriptor with it */
	KEEP_GIVEN, /* restarts, cause: that was all */
	KEEP_ENDED, /* slot, serial, code, signal: a worker, your child or not */
};

struct keep_message {
	enum keep_kind kind;
	struct text name;
	struct text cause; /* of the last restart */
	uint64_t restarts;
	uint64_t ns;
	uint64_t slot;
	uint64_t serial;
	uint64_t code;
	uint64_t signal;
};

void keep_put(struct text_builder *out, const struct keep_message *message);

/*
 * False: it is none. Its texts are in STORE, which has room for
 * KEEP_MESSAGE_BYTES.
 */
bool keep_parse(
	struct text line, struct text_builder *store, struct keep_message *out);

/* The name of a worker's channel, and (with its pid) that of its pidfd. */
struct keep_worker {
	uint32_t service;
	uint32_t slot;
	uint32_t serial;
	uint32_t generation;
	uint32_t kind;
	uint32_t pid; /* 0: a channel's */
};

void keep_put_worker(
	struct text_builder *out, const struct keep_worker *worker);
bool keep_parse_worker(struct text name, struct keep_worker *out);

/* A channel of many workers, or of one that has left it to its children. */
bool keep_is_many(struct text name);

/*
 * The last word of each worker is in a page of one number per slot, written by
 * whoever heard it: the master, or the keeper while there is none.
 */
#define KEEP_WORDS "words"

/* What the names of listeners begin with that the keeper was passed. */
#define KEEP_PASSED "passed."

enum keep_said {
	KEEP_SAID_NOTHING,
	KEEP_SAID_AVAIL,
	KEEP_SAID_TAKEN,
};

uint64_t keep_word(uint32_t serial, enum keep_said said);
enum keep_said keep_said(uint64_t word, uint32_t serial);

#endif
