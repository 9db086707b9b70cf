/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_HOLDINGS_H
#define OSTLER_MASTER_HOLDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * holdings - descriptors by name, on their way from one master to the next
 *
 * Knows:   the name of each, its number, and which file it was.
 * Decides: whether a number still is what its name says.
 * Never:   takes one for another: a state names descriptors, and numbers are
 *          true in one process at one time only.
 *
 * Names have parts between dots: listener.SERVICE.ENDPOINT,
 * worker.SERVICE.SLOT.SERIAL.GENERATION.KIND,
 * pidfd.SERVICE.SLOT.SERIAL.GENERATION.KIND.PID,
 * shared.SERVICE.SERIAL.END, flow.SERVICE.END, page.SERVICE.N,
 * leftover.SERVICE.SERIAL, client.INDEX, lock, control; and whatever other
 * modules bring: one adds under a name, and takes it by that.
 */
#define HOLDING_NAME_MAX 96 /* with its NUL */

struct worker_record;

struct holding {
	char name[HOLDING_NAME_MAX];
	int fd;	      /* owned, or borrowed: see holdings_finish() */
	uint64_t dev; /* of the file it was; both 0: not known */
	uint64_t ino;
};

struct holdings {
	struct holding *items; /* owned */
	uint32_t n;
	uint32_t room;
	bool sorted;
	bool failed; /* there was no memory for one */
};

void holdings_init(struct holdings *holdings);

/* What a worker's WHAT, "worker" (its channel) or "pidfd", is called. */
void holding_of_worker(char out[HOLDING_NAME_MAX], const char *what,
	uint32_t slot, const struct worker_record *worker);

/* One more; -1 is nothing. Its file is noted, so that it can be known again. */
void holdings_add(struct holdings *holdings, int fd, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * The descriptor of that name, which is the caller's from now on, or -1:
 * there is none, or the number is something else by now.
 */
int holdings_take(struct holdings *holdings, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * The next name that begins with PREFIX and was not taken, from *AT on (0 at
 * first), or NULL. Borrowed until something is added.
 */
const char *holdings_next(
	struct holdings *holdings, const char *prefix, uint32_t *at);

/* All of them survive an exec (on), or none. */
int holdings_inherit(const struct holdings *holdings, bool on);

/* The list as a document in a memory file; or -errno. */
int holdings_write(const struct holdings *holdings);

/* From such a file. False: it is none, and nothing is in OUT. */
bool holdings_read(struct holdings *out, int fd);

/* Free the list; CLOSING: and close what nobody took. */
void holdings_finish(struct holdings *holdings, bool closing);

#endif
