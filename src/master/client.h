/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_CLIENT_H
#define OSTLER_MASTER_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/number.h"
#include "proto/control.h"
#include "sys/net.h"

struct master;

/*
 * client - one conversation on the control socket
 *
 * Knows:   what was asked, and how far the answer is.
 * Decides: what may be answered to whom (answer.c).
 * Never:   used but by control.c, answer.c, and who makes answers of its own.
 */
#define CLIENTS_MAX 32
#define CLIENTS_PER_UID 8
#define CLIENTS_FOR_ROOT 4 /* places that only root and the owner get */
#define PATIENCE_NS (10 * NS_PER_S)
#define PAUSE_NS (200 * NS_PER_MS)
#define CHUNK (4 * CONTROL_LINE_MAX)

enum client_state {
	CLIENT_FREE,
	CLIENT_ASKING,	  /* its line is not whole yet */
	CLIENT_WAITING,	  /* for a reload to end */
	CLIENT_PLANNING,  /* for a plan, his own or one before it */
	CLIENT_DRAINING,  /* for services to be at rest */
	CLIENT_UPGRADING, /* for an upgrade to end, whoever tells it */
	CLIENT_STATUS,	  /* more services are to be told */
	CLIENT_ENDING,	  /* what is in the buffer is all */
	CLIENT_STAYING,	  /* asked for a stop: until we are gone */
};

struct client {
	enum client_state state;
	int fd; /* owned */
	uint32_t serial;
	struct peer peer;
	bool is_owner;
	uint64_t until_ns; /* of what it should do next */
	char request[CONTROL_REQUEST_MAX + 1];
	size_t request_n;
	uint32_t next_service;		/* CLIENT_STATUS */
	char service[CONTROL_NAME_MAX]; /* CLIENT_DRAINING; "": all */
	uint64_t reload_wanted; /* CLIENT_WAITING: the count it waits for */
	char *out;		/* owned */
	size_t out_n, out_done;
};

struct control {
	int fd; /* owned */
	struct net_named named;
	char *path; /* owned */
	uint32_t last_serial;
	uint64_t paused_until_ns; /* no descriptor was left; 0: accepting */
	struct client clients[CLIENTS_MAX];
};

/* control.c: out of the loop, closed, and its place free. */
void client_finish(struct master *master, struct client *client);

struct diags;
struct text_builder;

/*
 * answer.c: an answer that ends the conversation, made whole; go_on() sends
 * it, where it is not asked for in this moment.
 */
void answer_done(struct client *client);
void answer_failed(
	struct client *client, enum control_code code, const char *text);
void answer_no_service(const struct master *master, struct client *client);
bool answer_begin_long(
	struct client *client, size_t size, struct text_builder *out);
void answer_put_diags(const struct diags *diags, struct text_builder *out);
bool answer_begin(struct client *client, struct text_builder *out);
void answer_end(struct client *client, const struct text_builder *out);
void answer_go_on(struct master *master, struct client *client);

/* upgrade_asked.c */
void upgrade_asked(struct master *master, struct client *client,
	const struct control_request *request);

/* answer.c: a whole line may have come; send on what there is to send. */
void client_ready(struct master *master, struct client *client, uint32_t ready);

#endif
