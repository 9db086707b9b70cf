/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_MASTER_H
#define OSTLER_MASTER_MASTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/core.h"
#include "master/inbox.h"
#include "master/tag.h"
#include "sys/loop.h"
#include "sys/spawn.h"

/*
 * master - the imperative shell: turns actions into calls and results into
 * events
 *
 * Knows:   every descriptor and process of the master's, by service and slot.
 * Decides: nothing about pools; that is the core's.
 * Never:   waits for anything but the next event.
 */
#define SERVICES_MAX 65536u
#define RESERVE_FDS 320u /* spawn slots, control, reload, logs (B5) */

struct control;
struct edition;
struct keep;
struct reload;
struct service_state;
struct wakes;
struct worker_record;
struct leftovers;
struct personality;
struct postfix_master;

enum keep_wish {
	KEEP_DEFAULT,
	KEEP_YES,
	KEEP_NO,
};

struct options {
	enum keep_wish keep;
	const struct personality *personality;
	const char *config;
	enum spawn_method spawn_method;
};

struct master {
	const struct options *options;
	const struct personality *personality;
	struct postfix_master *postfix; /* the personality's own; or NULL */
	struct loop *loop;		/* owned, as all of these */
	struct spawner *spawner;
	struct core *core; /* in core_memory */
	void *core_memory;
	size_t core_bytes;
	struct core_limits limits;
	struct inbox inbox;
	struct service_state *services; /* [SERVICES_MAX], by the core's id */
	struct worker_record *workers;	/* [limits.workers_max], by slot */
	struct reload *reload;
	struct control *control;
	struct wakes *wakes;
	struct leftovers *leftovers;
	struct keep *keep;	 /* what outlives us; NULL: nothing */
	struct edition *edition; /* in force; NULL before the first */
	char *runtime_directory; /* owned; as it was at start */
	uint64_t nofile;
	uint64_t nofile_soft; /* as it was at start, and is for workers */
	uint64_t now_ns;
	uint64_t started_ns;
	uint64_t log_retry_ns; /* what waits is not tried before */
	uint64_t log_pause_ns; /* how long was waited for it last */
	uint64_t exit_ns;      /* serve no longer than this; 0: for ever */
	uint64_t tables;       /* that were put into force */
	uint64_t strangers;    /* children that were none of ours, reaped */
	uint32_t services_high;
	uint32_t services_hint; /* no number below it is free */
	uint32_t workers_high;
	uint32_t listeners_n; /* of all services */
	uint32_t pages_n;     /* likewise */
	int flow[2];	      /* one for all services, or -1 */
	int signal_fd;
	int null_fd;
	int lock_fd;
	bool held; /* starts wait until we are who we are to be */
	bool stopping;
	bool hurried;
	bool stop_told;	   /* the keeper says again what was said before us */
	bool child_signal; /* SIGCHLD came this round */
	bool changed;	   /* since the manager heard the figures */
	bool done;
	int exit_code;
};

/* Open what needs no configuration. 0 or -errno; *OUT_WHAT says where. */
int master_open(struct master *master, const struct options *options,
	const char **out_what);

/* The half of it that is memory. 0 or -errno. */
int master_prepare(struct master *master, const struct options *options);

/* Memory for the core, which is not made yet, and for the workers. */
int master_room(struct master *master, uint32_t workers_max);

/* Memory for the core and the workers, once the first table is known. */
int master_size(struct master *master, uint32_t workers_max);

/* Serve until done; the exit code. */
int master_run(struct master *master);

void master_finish(struct master *master);

/* One round of the loop: wait, collect, decide, perform. */
void master_round(struct master *master);

#endif
