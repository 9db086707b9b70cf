/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_HANDOVER_LINES_H
#define OSTLER_MASTER_HANDOVER_LINES_H

#include <stdint.h>

#include "base/saved.h"
#include "master/records.h"
#include "master/services.h"

/*
 * handover_lines - the lines of the shell's state
 *
 * Knows:   their kinds and fields; the core's and the table's have their own.
 * Decides: which values are out of range.
 * Never:   gives a key that was released another meaning.
 *
 * In this order: master, editions (edition, table, owners, identities),
 * services (service, listeners, pages with their words), workers, leftovers,
 * control and its clients, core.
 */
#define HANDOVER_FORMAT "ostler-state"
#define HANDOVER_VERSION 1
#define HANDOVER_MAX ((size_t)1 << 30)

struct master_line {
	const char *version; /* of who wrote it */
	const char *binary;  /* by which path it was started */
	const char *runtime_directory;
	const char *elders; /* children from before; "", or "PID PID ..." */
	int pid;
	uint32_t workers_max;
	uint32_t editions; /* how many follow */
	uint32_t edition;  /* ... of which this is in force, from 1 */
	uint64_t nofile_soft;
	uint64_t started_ns;
	uint64_t tables;
	uint64_t strangers;
	uint64_t reloads;
	uint64_t reload_failures;
	uint64_t log_dropped;
	bool stopping;
	bool hurried;
	bool elders_unknown;
};
extern const struct saved_kind master_kind;

struct edition_line {
	uint32_t identities;
	uint32_t control_group; /* from 1; 0: none */
	uint32_t hook;		/* likewise */
};
extern const struct saved_kind edition_kind;

/* Of each row of its table, in their order. */
struct owner_line {
	uint32_t as; /* in the identities */
	uint32_t sockets;
};
extern const struct saved_kind owner_kind;

struct identity_line {
	uint32_t uid;
	uint32_t gid;
	const char *groups; /* "", or "GID GID ..." */
};
extern const struct saved_kind identity_kind;

struct service_line {
	uint32_t id;
	uint32_t edition; /* from 1 */
	uint32_t row;	  /* of its table */
	uint32_t pages;
	const char *why; /* of its refusal */
	struct service_state state;
};
extern const struct saved_kind service_kind;

struct listener_line {
	uint32_t service;
	uint32_t index;
	struct listener listener;
};
extern const struct saved_kind listener_kind;

struct page_line {
	uint32_t service;
	uint32_t words; /* of the object */
	uint32_t used;	/* lines that follow */
	uint32_t uid;
};
extern const struct saved_kind page_kind;

/* Of each word that is used: a struct line of page_state.h. */
extern const struct saved_kind word_kind;

struct worker_line {
	uint32_t slot;
	uint32_t page; /* of its service, from 1; 0: none */
	struct worker_record worker;
};
extern const struct saved_kind worker_kind;

struct leftover_line {
	uint32_t service;
	uint32_t serial;
	bool retired;
	bool shared;
};
extern const struct saved_kind leftover_kind;

struct control_line {
	uint64_t dev; /* of the name */
	uint64_t ino;
	uint32_t last_serial;
};
extern const struct saved_kind control_kind;

struct client_line {
	uint32_t index;
	uint32_t serial;
	const char *state; /* a word */
	int pid;
	uint32_t uid;
	uint32_t gid;
	bool is_owner;
	uint64_t until_ns;
	const char *request;
};
extern const struct saved_kind client_kind;

#endif
