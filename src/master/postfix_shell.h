/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_POSTFIX_SHELL_H
#define OSTLER_MASTER_POSTFIX_SHELL_H

#include <stdbool.h>
#include <stdint.h>

#include "master/personality.h"

struct master;
struct postfix_conf;
struct postfix_service;
struct table;

/*
 * postfix_shell - what the files of the Postfix personality share
 *
 * Knows:   what main.cf and master.cf say besides the rows of the table.
 * Decides: nothing.
 * Never:   is asked by the rest of the shell: personality.h is.
 */

/* What is in force; NULL before the first table is. */
const struct postfix_conf *postfix_conf_of(const struct master *master);

/* The entry of master.cf that SERVICE is; NULL if there is none. */
const struct postfix_service *postfix_entry(
	const struct master *master, uint32_t service);

/* postfix_words.c */
bool postfix_say_notice(struct master *master, const struct action *action);
bool postfix_say_gossip(struct master *master, uint32_t service,
	const struct gossip_words *gossip);
bool postfix_say_wake(struct master *master, uint32_t service, int error);

#endif
