/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_SERVICES_H
#define OSTLER_MASTER_SERVICES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "master/log.h"
#include "master/maker.h"
#include "sys/program.h"

struct edition;
struct endpoint;
struct master;
struct page;
struct service;
struct trial;

/*
 * services - what the shell holds for each service: its row, its listeners,
 * its shared channel, what its workers said wrong
 *
 * Knows:   which descriptor belongs to which service.
 * Decides: nothing.
 * Never:   outlives the core's pool of the same number.
 */
enum listener_ear {
	LISTENER_UNKNOWN,    /* to the loop, or by another tag */
	LISTENER_HEARS_NONE, /* it has told once */
	LISTENER_HEARS_END,
	LISTENER_HEARS_ALL, /* clients too */
};

struct listener {
	const struct endpoint *endpoint; /* borrowed from the edition */
	int fd;				 /* owned; -1: lost */
	enum listener_ear ear;
	int error;   /* why it could not be had again */
	bool passed; /* open before us, and not ours alone (passed.h) */
	dev_t dev;   /* of the name, for its removal */
	ino_t ino;
	bool stored; /* the next master gets it if this one dies (store.h) */
	struct maker maker; /* of the name */
};

/* What was rolled back, and is not to come again by itself. */
struct refusal {
	uint64_t fingerprint; /* 0: nothing */
	char why[256];	      /* the last verdict but a good one, in words */
	uint64_t at_ns;	      /* ... when; 0: there was none */
};

struct gossip {
	uint64_t bad_size;
	uint64_t bad_pid;
	uint64_t bad_generation;
	uint64_t bad_status;
	uint64_t flood;
	uint64_t bad_order; /* of a mold: none came, or not who it should */
};

struct service_state {
	struct edition *edition;   /* used; NULL: this number is free */
	const struct service *row; /* borrowed from the edition */
	uint64_t table;		/* the last one that has it: master->tables */
	struct program program; /* owned; what the row executes, or its id */
	struct trial *trial;	/* owned; the row on trial; or NULL */
	struct refusal refusal;
	struct listener *listeners; /* owned; as many as the row's endpoints */
	unsigned listeners_n;
	bool watching;
	bool unsettled;	      /* its watch is to be set before we wait */
	bool unarmed;	      /* its watch is to be set again, a little later */
	int shared_fd;	      /* owned; -1: channels are private */
	int shared_worker_fd; /* owned; what workers of now get */
	uint32_t shared_serial;
	unsigned shared_busy;
	uint8_t shared_rests; /* in a row */
	int flow[2];	      /* owned; -1: /dev/null */
	uint32_t leftovers;
	uint32_t stopped_serial; /* held the accept lock, and was stopped */
	struct page *page;	 /* owned, and older ones; or NULL */
	uint64_t over;		 /* clients, too many from their source */
	uint64_t served; /* clients, of workers that are gone or say so */
	uint64_t no_depth_until_ns; /* asking was too dear, or failed */
	struct gossip gossip;
	struct log_rate deaths;	    /* of workers */
	struct log_rate complaints; /* about what they say */
	struct log_rate troubles;   /* of the service as a whole */
};

struct service_state *service_of(const struct master *master, uint32_t id);

/* The number of the service called NAME that is not gone, or UINT32_MAX. */
uint32_t service_find(const struct master *master, const char *name);

/* A free number. UINT32_MAX: none left. */
uint32_t service_fresh(struct master *master);

/* The name of a service, for people; "?" if there is none. */
const char *service_name(const struct master *master, uint32_t id);

#endif
