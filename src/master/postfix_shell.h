/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_POSTFIX_SHELL_H
#define OSTLER_MASTER_POSTFIX_SHELL_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/postfix.h"
#include "master/personality.h"
#include "master/postfix_hosts.h"

struct arena;
struct diag;
struct diags;
struct edition;
struct master;
struct table;

/*
 * postfix_shell - what the files of the Postfix personality share
 *
 * Knows:   how the master was started, what keeps its value until the next
 *          start, and what main.cf and master.cf say besides the table.
 * Decides: nothing.
 * Never:   is asked by the rest of the shell: personality.h is.
 */
#define POSTFIX_PINS 3

struct postfix_master {
	const char *directory;	 /* config_directory; absolute; owned */
	const char *main_file;	 /* owned */
	const char *master_file; /* owned */
	const char *name;	 /* of the program: "master" */
	struct postfix_birth birth;
	bool init;	    /* -i: as PID 1 */
	bool in_force;	    /* a table is, or was */
	uint64_t settle_ns; /* files are not waited for beyond this; 0: not */
	struct postfix_hosts hosts;
	int stderr_fd;	  /* owned; while a person may read it; or -1 */
	uint64_t ignored; /* signals that were ignored when we came */
	struct maincf_pin pins[POSTFIX_PINS]; /* values owned */
	char **kept; /* owned; what import_environment left of ours */
	unsigned kept_n;
	char **born; /* owned; all that workers find but GENERATION */
	unsigned born_n;
};

/* ---- postfix_shell.c ---------------------------------------------------- */

/* What TABLE was read from; NULL if it is not of ours. */
const struct postfix_conf *postfix_conf_in(const struct table *table);

/* What is in force; NULL before the first table is. */
const struct postfix_conf *postfix_conf_of(const struct master *master);

/* The entry of master.cf that SERVICE is; NULL if there is none. */
const struct postfix_service *postfix_entry(
	const struct master *master, uint32_t service);

/* Logs go where main.cf says from now on. */
void postfix_open_log(
	const struct postfix_master *postfix, const struct maincf *main);

/* ---- postfix_load.c ----------------------------------------------------- */

bool postfix_preview(struct master *master, const char *file,
	struct table **out, struct diags *diags);
bool postfix_load(
	struct master *master, struct table **out, struct diags *diags);

/* The same without a master that runs: LOG gets what Postfix would say. */
bool postfix_read(struct postfix_master *postfix, struct table **out,
	struct diags *diags, struct postfix_log *log);

/*
 * Somebody may be writing main.cf or master.cf. 0: both have been left alone
 * for a moment; else when to look again.
 */
uint64_t postfix_settle(struct master *master);

/* The same, waiting for it: before there is anything to serve. */
void postfix_settle_now(const struct postfix_master *postfix);

/* Warnings and remarks, in Postfix's words; errors are said otherwise. */
void postfix_say_remarks(const struct postfix_log *log);

/* main.cf alone, in ARENA; NULL if it is not good. */
struct maincf *postfix_read_main(struct postfix_master *postfix,
	struct arena *arena, struct diags *diags, struct postfix_log *log);

/* ---- postfix_born.c ----------------------------------------------------- */

void postfix_order(const struct master *master, const struct birth *birth,
	struct order *out);

/* Keep of our environment what CONF imports. Once. 0 or -errno. */
int postfix_keep_environment(
	struct postfix_master *postfix, const struct postfix_conf *conf);

/* What workers find from now on. 0 or -errno: it stays as it was. */
int postfix_set_environment(
	struct postfix_master *postfix, const struct postfix_conf *conf);

/* ---- postfix_stop.c ----------------------------------------------------- */

/* Lines that wait for postlogd, who will not read them, into the file. */
void postfix_rescue_lines(const struct master *master);

/* SIGTERM for all our processes; then we die of SIGNAL. Does not return. */
void postfix_stop(struct master *master, int signal);

/* ---- postfix_words.c ---------------------------------------------------- */

bool postfix_say_notice(struct master *master, const struct action *action);
bool postfix_say_gossip(struct master *master, uint32_t service,
	const struct gossip_words *gossip);
bool postfix_say_wake(struct master *master, uint32_t service, int error);

#endif
