/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CTL_CLIENT_H
#define OSTLER_CTL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctl/ctl.h"
#include "proto/control.h"

struct loop;

/*
 * client - one conversation with the master
 *
 * Knows:   the connection, and until when all of it has to be over.
 * Decides: what to tell a person when there is no answer, and what to do.
 * Never:   waits for ever, or believes that what answers is a master.
 */
struct client {
	const char *path; /* borrowed; for complaints */
	bool named;	  /* PATH: not the default */
	bool for_postfix; /* PATH: of an instance */
	bool quiet;	  /* completions: no complaints */
	int fd;
	int master;	   /* a pidfd, or -1: it cannot be had */
	struct loop *loop; /* owned */
	uint64_t deadline_ns;
	uint64_t waited_ns; /* for complaints: the whole patience */
	size_t start;	    /* of the bytes not yet given out */
	size_t end;
	char bytes[CONTROL_LINE_MAX];
};

enum client_line {
	CLIENT_LINE,
	CLIENT_CLOSED, /* by the master, between two lines */
	CLIENT_BROKEN, /* and complained about */
};

/* Connect and ask. On failure it is complained about, and nothing is open. */
enum ctl_exit client_ask(struct client *client, const struct ctl *ctl,
	const struct control_request *request, uint64_t patience_ns);

/* The next line, without its newline; valid until the next call. */
enum client_line client_next(
	struct client *client, const char **out_line, size_t *out_n);

/* The master has closed; wait until it has ended, with its locks. */
void client_see_off(struct client *client);

void client_finish(struct client *client);

#endif
