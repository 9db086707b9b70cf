/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_CONTROL_H
#define OSTLER_MASTER_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct holdings;
struct master;
struct saved_reader;
struct text_builder;

/*
 * control - the control socket: one line of words in, records out
 *
 * Knows:   who is connected, what they asked, how far the answer is.
 * Decides: who may ask what (root and the owner: all; the configured group:
 *          to read), and who has to wait or go when many come.
 * Never:   waits for a client, or lets one keep another out.
 */

/* Listen at RUNTIME_DIRECTORY/control.sock. 0 or -errno. */
int control_create(struct master *master);
void control_destroy(struct master *master);

/* The two halves of it. */
int control_prepare(struct master *master);
int control_listen(struct master *master);

/*
 * Take the name away and leave the connections to the end of the process, of
 * which they tell who waits for it.
 */
void control_retract(struct master *master);

/* Listen at a new socket if the name is gone or somebody else's by now. */
void control_renew(struct master *master);

void control_accept(struct master *master);
void control_client_ready(
	struct master *master, uint32_t index, uint32_t serial, uint32_t ready);

/* Those whose reload has ended get their answer. */
void control_tell_reloads(struct master *master);

/* The master is about to go; tell who waits what would not stop. */
void control_stopped(struct master *master);

void control_expire(struct master *master);
uint64_t control_deadline(const struct master *master);

/* Those who wait for an upgrade hear what came of it. */
void control_tell_upgrades(struct master *master);

/* ---- control_save.c: as lines and holdings, for who follows us ---- */

void control_save(const struct master *master, struct text_builder *out);
void control_hold(const struct master *master, struct holdings *holdings);

/* Nobody would have to ask again. */
bool control_is_quiet(const struct master *master);

/* Prepared, with its clients, and no descriptor; then with them, or -errno. */
bool control_load(struct master *master, struct saved_reader *reader);
int control_take(struct master *master, struct holdings *holdings);

/* ---- status.c and stuck.c: the records of `status` and `version` ---- */

void status_put_master(const struct master *master, struct text_builder *out);

/* One service and its endpoints; nothing if there is none of this number. */
void status_put_service(
	struct master *master, uint32_t service, struct text_builder *out);

/* Just what identifies us. */
void status_put_version(const struct master *master, struct text_builder *out);

/* Workers of a service that survive SIGKILL; nothing if there is none. */
void status_put_stuck(
	struct master *master, uint32_t service, struct text_builder *out);

#endif
