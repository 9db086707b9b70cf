/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_TAG_H
#define OSTLER_MASTER_TAG_H

#include <stdint.h>

/*
 * tag - what a descriptor in the loop stands for, as one number
 *
 * Knows:   how a kind, an index and a serial share 64 bits.
 * Decides: nothing.
 * Never:   holds a descriptor: a stale event finds another serial, and is
 *          dropped.
 */

/* What an event of the loop is about; TAG_LISTENER: service and endpoint. */
enum tag_kind {
	TAG_SIGNAL,
	TAG_CHANNEL,  /* slot, serial */
	TAG_SHARED,   /* service, serial */
	TAG_LEFTOVER, /* index, serial */
	TAG_PIDFD,    /* slot, serial */
	TAG_LISTENER, /* service, endpoint */
	TAG_CONTROL,  /* 0 */
	TAG_CLIENT,   /* index, serial */
	TAG_WAKE,     /* index, serial */
	TAG_LOOKUP,
	TAG_KEEPER,    /* 0 */
	TAG_REHEARSAL, /* of an upgrade */
	TAG_HOOK,      /* index, serial */
};

uint64_t tag_make(enum tag_kind kind, uint32_t index, uint32_t serial);
enum tag_kind tag_kind(uint64_t tag);
uint32_t tag_index(uint64_t tag);
uint32_t tag_serial(uint64_t tag);

#endif
