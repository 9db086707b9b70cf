/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CTL_INSTANCE_H
#define OSTLER_CTL_INSTANCE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * instance - a Postfix: its configuration directory, and what runs there
 *
 * Knows:   what postconf(1) says of it, and whose lock is on pid/master.pid.
 * Decides: which master that is.
 * Never:   reads main.cf itself, or starts or stops anything.
 */
#define INSTANCE_DEFAULT "/etc/postfix"
#define INSTANCE_SOCKET "pid/control.sock" /* below queue_directory */
#define INSTANCES_MAX 64

enum instance_master {
	INSTANCE_STOPPED,
	INSTANCE_OURS,
	INSTANCE_POSTFIX,
	INSTANCE_UNKNOWN, /* something runs */
};

struct instance {
	char config_directory[PATH_MAX];
	char daemon_directory[PATH_MAX];
	char queue_directory[PATH_MAX];
	char multi_directories[PATH_MAX]; /* the list of others, as written */
	enum instance_master master;
	int pid; /* 0: it does not say */
};

/*
 * Ask about CONFIG_DIRECTORY. false: it is complained about, unless QUIET.
 */
bool instance_look(
	const char *config_directory, bool quiet, struct instance *out);

/* The control socket of its master in OUT. */
void instance_socket(const struct instance *instance, char *out, size_t size);

/* The same of CONFIG_DIRECTORY. false: complained about, unless QUIET. */
bool instance_find_socket(
	const char *config_directory, bool quiet, char *out, size_t size);

/* "running under ostler, pid 4711" ... for people, in OUT. */
const char *instance_text(
	const struct instance *instance, char *out, size_t size);

/* "stopped", "ostler", "postfix", "unknown", for programs. */
const char *instance_word(enum instance_master master);

#endif
