/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_KEEP_H
#define OSTLER_MASTER_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct child_end;
struct holdings;
struct master;

/*
 * keep - what must outlive the master is given to somebody who holds it
 *
 * Knows:   what is held for us, by name, and the last word of each worker.
 * Decides: when the state is written down anew: at most once a second, but
 *          for what changed which descriptors there are.
 * Never:   waits for who holds it, or gives it anything that is not ours.
 */

/*
 * Who holds. HOLD: FD is NAME's from now on, instead of what it may have had;
 * it stays ours, too. What fails is tried again when all is given anew.
 */
struct keep_holder {
	const char *name; /* as `ostler status` tells it */
	void (*hold)(struct master *master, const char *name, int fd);
	void (*drop)(struct master *master, const char *name);

	/* All that is held and will not be given again until HEALTHY goes. */
	void (*renew)(struct master *master);
	void (*healthy)(struct master *master);

	/* The master goes by an order; NULL: nothing is to be done. */
	void (*bye)(struct master *master);
};

/* From now on, and with all there is. False: no memory. */
bool keep_begin(struct master *master, const struct keep_holder *holder);
void keep_end(struct master *master);

/* Everything is given anew: after an adoption, or as the first time. */
void keep_renew(struct master *master);

/* A worker's channel, before it may run; its process; and that it is gone. */
void keep_channel(struct master *master, uint32_t slot);
void keep_process(struct master *master, uint32_t slot);
void keep_gone(struct master *master, uint32_t slot);

/* Its word. */
void keep_heard(struct master *master, uint32_t slot, bool taken);

/* Something was decided; STRUCTURE: a descriptor came or went. */
void keep_touch(struct master *master);
void keep_structure(struct master *master);

void keep_expire(struct master *master);
uint64_t keep_deadline(const struct master *master);

/* The end, by an order. */
void keep_bye(struct master *master);

/* Who holds ("nobody"), for people. */
const char *keep_name(const struct master *master);

/*
 * What those before left. The newest state that is whole, or -1; and last
 * words into the core, for those of the workers whose words are facts.
 */
int keep_state(struct holdings *holdings, char **out, size_t *out_n);
void keep_words(struct master *master, struct holdings *holdings);

#endif
