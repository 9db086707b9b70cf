/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_PERSONALITY_H
#define OSTLER_MASTER_PERSONALITY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/action.h"

struct diag;
struct diags;
struct endpoint;
struct master;
struct order;
struct service;
struct table;
struct text_builder;

/*
 * personality - the table of differences between ostlerd and Postfix's master
 *
 * Knows:   what each of the two does where the other does something else.
 * Decides: nothing itself; the rest of the shell asks here, and never who it
 *          is.
 * Never:   touches policy: that is in the rows of the table.
 */

/* What a worker is born with. */
struct birth {
	uint32_t service;
	uint32_t generation;
	int channel; /* its end */
	enum worker_kind kind;
	int page; /* a descriptor; -1: none */
	uint32_t page_place;
	bool stress;
	bool canary;
};

/* A status message that counts as none. */
struct gossip_words {
	const char *what; /* size, pid, generation, status */
	int pid;	  /* of the worker that sent it */
	unsigned bytes;
	uint32_t generation; /* as it said */
	int status;
};

struct personality {
	const char *name; /* as `ostler status` tells it */

	/* The files, read, into a table; DIAGS says what is wrong. */
	bool (*load)(
		struct master *master, struct table **out, struct diags *diags);

	/* A reload begins; or NULL. */
	void (*reloading)(struct master *master);

	/*
	 * What must be found out, or waited for, before a reload can read the
	 * files. 0: nothing more; else ask again at that time, or when
	 * TAG_LOOKUP tells. NULL: nothing.
	 */
	uint64_t (*ask)(struct master *master);
	int (*asking_pid)(const struct master *master); /* 0: nobody */

	/*
	 * For a plan: what was found out before is old; and the files, or FILE
	 * where another may be named, into a table, as load does, but nothing
	 * is told of it.
	 */
	void (*previewing)(struct master *master); /* or NULL */
	bool (*preview)(struct master *master, const char *file,
		struct table **out, struct diags *diags);

	/* TABLE came into force: where logs go, what workers inherit. */
	void (*in_force)(struct master *master, const struct table *table);

	/* All but the stage and result of the start of a worker. */
	void (*order)(const struct master *master, const struct birth *birth,
		struct order *out);

	/* SIGTERM, SIGINT or SIGQUIT came, or `ostler stop` asks so. */
	void (*stop)(struct master *master, int signal);

	/* Lines in words of its own; false: the usual line is written. */
	bool (*say_notice)(struct master *master, const struct action *action);
	bool (*say_gossip)(struct master *master, uint32_t service,
		const struct gossip_words *gossip);
	bool (*say_wake)(struct master *master, uint32_t service, int error);

	/* One complaint about the configuration; or NULL. */
	void (*say_diag)(struct master *master, const struct diag *diag);

	/* Why ENDPOINT cannot be listened on; or NULL. */
	void (*listen_words)(struct text_builder *out,
		const struct endpoint *endpoint, int error);

	/* Where the holder's death lets idle workers go on; false: nowhere. */
	bool (*accept_lock)(const struct master *master, uint32_t service,
		struct text_builder *out);

	/* ENDPOINT, open with workers whose master was killed; or -errno. */
	int (*adopt)(
		const struct service *row, const struct endpoint *endpoint);

	bool wakes_dgram; /* datagram sockets can be woken */
	bool wake_stays;  /* a wake-up's connection is the worker's to end */
	bool lone_stays;  /* who is one by the table is never more */
	bool upgrades;	  /* another program may follow in its place */
	bool reload_replaces; /* every worker, whether its row changed or not */
};

extern const struct personality personality_native;
extern const struct personality personality_postfix;

#endif
