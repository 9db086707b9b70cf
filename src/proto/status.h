/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_PROTO_STATUS_H
#define OSTLER_PROTO_STATUS_H

#include <stddef.h>

/*
 * status - one report of a worker, as bytes and as a struct
 *
 * Knows:   the twelve bytes of a status message (master_proto.h).
 * Decides: whether bytes are one.
 * Never:   reads or writes a descriptor, or believes what a message says.
 */

#define OSTLER__STATUS_BYTES 12

enum ostler__status_word {
	STATUS_TAKEN, /* not until further notice */
	STATUS_AVAIL, /* ready for a client */
};

struct ostler__status {
	int pid;
	unsigned generation;
	enum ostler__status_word word;
};

enum ostler__status_verdict {
	STATUS_OK,
	STATUS_BAD_SIZE,  /* not twelve bytes */
	STATUS_BAD_VALUE, /* a word that is neither */
};

/* *OUT is written on STATUS_OK; on STATUS_BAD_VALUE all but its word is. */
enum ostler__status_verdict ostler__status_decode(
	const void *bytes, size_t bytes_n, struct ostler__status *out);

void ostler__status_encode(const struct ostler__status *status,
	unsigned char out[OSTLER__STATUS_BYTES]);

#endif
