/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_PROTO_PAGE_H
#define OSTLER_PROTO_PAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * page - what the workers of a service share with their master: a bit for
 * each that is ready, and a slot for what it has to tell
 *
 * Knows:   the layout of the memory (ostler-protocol(7) has it, too), and the
 *          steps that keep a bit and a message together.
 * Decides: when a step has to be followed by a message.
 * Never:   believes anything it reads there: every worker of the service may
 *          write all of it, so a number is clamped and never an index.
 *
 * A worker moves its bit first and sends its message second, and only if its
 * step crossed 0 or one of the word's marks, which the master writes. The
 * message is a doorbell: the master looks at the bits again and believes
 * those. With several workers idle a client so costs no message. That no bit
 * and no message can be lost between the two, wherever a worker is killed, is
 * shown by tests/model/quiet_status.pml (MECHANISMS B6); there, too, is what
 * goes wrong with a bare counter, or when the message's word is believed.
 *
 * One object per service, of zeros at first, sealed against any change of its
 * size: the head, words_n words of 64 slots each, and from slots_offset on the
 * slots. The master maps the first OSTLER__PAGE_TOP_BYTES alone.
 */

#define OSTLER__PAGE_MAGIC UINT32_C(0x6f73746c) /* "ostl" */
#define OSTLER__PAGE_VERSION 1
#define OSTLER__PAGE_TOP_BYTES 4096
#define OSTLER__PAGE_WORDS_MAX 62
#define OSTLER__PAGE_SLOTS_MAX (OSTLER__PAGE_WORDS_MAX * 64)
#define OSTLER__PAGE_TURNS (UINT32_C(1) << 31) /* of listen_epoch */
#define OSTLER__PAGE_ENVIRONMENT "OSTLER_PAGE" /* DESCRIPTOR:SLOT */

/* Written by the master alone, if the workers are honest. */
struct ostler__page_head {
	uint32_t magic; /* the first six never change */
	uint32_t version;
	uint32_t words_n;
	uint32_t slots_n; /* 64 times words_n */
	uint32_t slots_offset;
	uint32_t slot_bytes;
	_Atomic uint32_t words_used;   /* no slot is used in the others */
	_Atomic uint32_t listen_epoch; /* it moved: register anew, once;
					* with PAGE_TURNS, for each client */
	_Atomic uint32_t limit;	       /* most workers; 0: none */
	_Atomic uint32_t taken;	       /* workers with a client, lately */
	_Atomic uint32_t stress;       /* 1: the limit is near */
	uint32_t reserved[21];
};

/* One line of the cache: what 64 workers look at for each client. */
struct ostler__page_word {
	_Atomic uint64_t ready;	 /* workers: they wait for a client */
	_Atomic uint64_t opened; /* workers: they use this at all */
	_Atomic uint64_t worn;	 /* workers: they want to be replaced */
	_Atomic uint64_t retire; /* master: please leave */
	_Atomic uint32_t low;	 /* master: tell of this mark, beside 0 */
	_Atomic uint32_t full;	 /* master: tell of this one, too; 0: none */
	uint64_t reserved[3];
};

/* A worker's own; the master empties it before and after each worker. */
struct ostler__page_slot {
	_Atomic uint64_t since_ns; /* when the client came that made it TAKEN,
				    * by CLOCK_MONOTONIC; 0: none is there */
	_Atomic uint64_t served;   /* clients that it has taken */
	_Atomic uint32_t clients;  /* that are being served */
	_Atomic uint32_t generation;
	_Atomic uint64_t refused; /* clients: the service was full */
	_Atomic uint64_t dropped; /* clients: at random, before it was */
	_Atomic uint64_t over;	  /* clients: too many from there already */
	_Atomic uint64_t peer[2]; /* where clients are from: an IPv6 address,
				   * in network order; an IPv4 one is mapped */
	_Atomic uint64_t peers;	  /* clients from there, of those it has */
	uint64_t reserved[7];
};

/* Where a worker's own things are; NULL: it has no page. */
struct ostler__page {
	struct ostler__page_head *head;
	struct ostler__page_word *words; /* [head->words_n at first] */
	struct ostler__page_word *word;	 /* its own */
	struct ostler__page_slot *slots; /* NULL in the master */
	struct ostler__page_slot *slot;	 /* its own */
	uint32_t words_n;
	uint64_t me; /* its bit in its word */
};

unsigned ostler__popcount(uint64_t bits);

/* How large an object for WORDS_N words is, and how it begins: its words. */
size_t ostler__page_bytes(uint32_t words_n);
struct ostler__page_word *ostler__page_init(void *top, uint32_t words_n);

/* The same of one that was begun before. */
struct ostler__page_word *ostler__page_words(void *top);

/* The mark of each of WORDS_N words that tells of fewer than LEAST ready. */
uint32_t ostler__page_low(uint32_t least, uint32_t words_n);

/*
 * False if what is at TOP, in an object of BYTES bytes, is no page of ours, or
 * has no such SLOT. TOP is the whole of it.
 */
bool ostler__page_enter(
	struct ostler__page *page, void *top, size_t bytes, uint32_t slot);

/*
 * The worker's steps. True: a message has to follow, whichever has the word
 * that the worker now is. A bit that somebody else has moved is one of those:
 * then nobody can tell what the others saw.
 */
bool ostler__page_take(struct ostler__page *page);
bool ostler__page_give(struct ostler__page *page);

/* The master asks it to leave. */
bool ostler__page_retires(const struct ostler__page *page);

/* Workers that use the page and have said so, but are not ready. */
uint32_t ostler__page_taken(const struct ostler__page *page);

#endif
