/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_LOOP_H
#define OSTLER_SYS_LOOP_H

#include <stdint.h>

/*
 * loop - which descriptors are ready, until a deadline
 *
 * Knows:   the descriptors registered, each with a tag of the caller's.
 * Decides: nothing; events come in the kernel's order.
 * Never:   calls back, owns a descriptor, or takes a wake-up from a worker
 *          (EPOLLEXCLUSIVE is not offered: MECHANISMS A 2).
 *
 * Every int is 0 or more, or -errno.
 */
struct loop;

/* Values of the kernel's, so that nothing is translated (loop.c asserts it) */
#define LOOP_IN 0x1u
#define LOOP_OUT 0x4u
#define LOOP_ERR 0x8u  /* reported whether asked for or not */
#define LOOP_HUP 0x10u /* the same */
#define LOOP_RDHUP 0x2000u
#define LOOP_ONCE 0x40000000u /* one event, then silence until loop_change */

#define LOOP_FOREVER UINT64_MAX

struct loop_event {
	uint64_t tag;
	uint32_t ready; /* LOOP_IN | ... */
};

int loop_create(struct loop **out);
void loop_destroy(struct loop *loop); /* NULL is fine */

/* INTEREST may be 0: then only LOOP_ERR and LOOP_HUP are told. */
int loop_add(struct loop *loop, int fd, unsigned interest, uint64_t tag);

/* Also arms a LOOP_ONCE again; fires at once if the descriptor is ready. */
int loop_change(struct loop *loop, int fd, unsigned interest, uint64_t tag);

/*
 * Call it before every close: a copy of the descriptor, in a child that has
 * not exec'd yet, would keep the events of a closed one coming.
 */
int loop_remove(struct loop *loop, int fd);

/*
 * Wait until something is ready or the deadline (LOOP_FOREVER: none) has
 * passed. How many of OUT were filled; 0 at the deadline and after a signal.
 */
int loop_wait(struct loop *loop, uint64_t now_ns, uint64_t deadline_ns,
	struct loop_event *out, int max);

#endif
