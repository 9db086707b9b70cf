/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_DRAIN_H
#define OSTLER_MASTER_DRAIN_H

struct client;
struct control_request;
struct master;

/*
 * drain - services that rest and go on by request
 *
 * Knows:   who asked for it, and waits until the last worker is gone.
 * Decides: when that is, or that it will not be.
 * Never:   retires anybody: the core is told, and does.
 */

/* One service, or all of them. The answer comes when they are at rest. */
void drain_asked(struct master *master, struct client *client,
	const struct control_request *request);
void resume_asked(struct master *master, struct client *client,
	const struct control_request *request);

/* Who waits, and has waited long enough, gets an answer. */
void drains_tell(struct master *master);

#endif
