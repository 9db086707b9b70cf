/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CTL_CTL_H
#define OSTLER_CTL_CTL_H

#include <stdbool.h>
#include <stdint.h>

/*
 * ctl - what every verb of ostler(1) is given, and the lists that its help,
 * its completions and its manual page share
 *
 * Knows:   the command line, as parsed; verbs, options and exit codes.
 * Decides: nothing.
 * Never:   talks to the master: client.h does.
 */

/* name, number, what it means */
#define CTL_EXITS(EXIT)                                                        \
	EXIT(CTL_OK, 0, "done")                                                \
	EXIT(CTL_FAILED, 1, "the request failed; stderr says why")             \
	EXIT(CTL_USAGE, 2, "the command line makes no sense")                  \
	EXIT(CTL_NO_MASTER, 3, "no master answers at the socket")              \
	EXIT(CTL_NOT_ALLOWED, 4, "the master is there, but not for this user") \
	EXIT(CTL_CHANGES, 5, "plan: a reload would change something")          \
	EXIT(CTL_CONFIGURATION, 78,                                            \
		"the configuration that was checked has errors")

enum ctl_exit {
#define EXIT(name, number, meaning) name = number,
	CTL_EXITS(EXIT)
#undef EXIT
};

/* letter, name, argument or NULL, what it does */
#define CTL_OPTIONS(OPTION)                                                    \
	OPTION('s', "socket", "PATH", "the master's control socket")           \
	OPTION('p', "postfix", "[=DIR]",                                       \
		"the master of a Postfix (/etc/postfix)")                      \
	OPTION('j', "json", NULL, "answer with one JSON document")             \
	OPTION('t', "timeout", "TIME", "wait no longer than this (10s)")       \
	OPTION('n', "now", NULL, "stop: do not wait for clients")              \
	OPTION('A', "again", NULL, "reload: what was rolled back, too")        \
	OPTION('a', "all", NULL, "drain, resume: every service")               \
	OPTION('w', "no-wait", NULL,                                           \
		"reload: do not wait until workers are replaced")              \
	OPTION('N', "dry-run", NULL, "postfix: only say what would be done")   \
	OPTION('r', "root", "DIR", "postfix: as dpkg's own --root")            \
	OPTION('d', "daemon-directory", "DIR", "postfix: where its master is") \
	OPTION('V', "version", NULL, "print the version of ostler, and exit")  \
	OPTION('h', "help", NULL, "print this, and exit")

struct ctl {
	const char *socket;   /* borrowed from argv or the environment */
	bool socket_is_given; /* by -s */
	bool socket_is_named; /* by anything but the default */
	const char *postfix;  /* a configuration directory, or NULL */
	const char *root;     /* of dpkg, or NULL */
	const char *daemon_directory; /* or NULL */
	bool dry_run;
	uint64_t timeout_ns; /* 0: the verb's own */
	bool json;
	bool now;
	bool all;
	bool no_wait;
	bool again;
	bool quiet;	    /* completions: no complaints */
	char *const *words; /* after the verb; borrowed from argv */
	unsigned words_n;
};

enum ctl_takes {
	CTL_TAKES_JSON = 1,
	CTL_TAKES_NOW = 2,
	CTL_HIDDEN = 4,	      /* not in help */
	CTL_TAKES_SWITCH = 8, /* the options of `postfix` */
	CTL_TAKES_ALL = 32,
	CTL_TAKES_NO_WAIT = 128,
	CTL_TAKES_AGAIN = 256,
	CTL_ASKS = 16, /* a master: its socket is wanted */
};

struct ctl_verb {
	const char *name;
	const char *arguments; /* as in a synopsis; "": none */
	const char *summary;
	unsigned words_max;
	unsigned takes; /* enum ctl_takes */
	enum ctl_exit (*run)(const struct ctl *ctl);
};

extern const struct ctl_verb ctl_verbs[];
extern const unsigned ctl_verbs_n;

/* One file each. */
enum ctl_exit ctl_status(const struct ctl *ctl);
enum ctl_exit ctl_reload(const struct ctl *ctl);
enum ctl_exit ctl_remold(const struct ctl *ctl);
enum ctl_exit ctl_scale(const struct ctl *ctl);
enum ctl_exit ctl_drain(const struct ctl *ctl);
enum ctl_exit ctl_resume(const struct ctl *ctl);
enum ctl_exit ctl_plan(const struct ctl *ctl);
enum ctl_exit ctl_upgrade(const struct ctl *ctl);
enum ctl_exit ctl_stop(const struct ctl *ctl);
enum ctl_exit ctl_check(const struct ctl *ctl);
enum ctl_exit ctl_postfix(const struct ctl *ctl);
enum ctl_exit ctl_version(const struct ctl *ctl);
enum ctl_exit ctl_help(const struct ctl *ctl);
enum ctl_exit ctl_complete(const struct ctl *ctl);
enum ctl_exit ctl_describe(const struct ctl *ctl);
enum ctl_exit ctl_options(const struct ctl *ctl);

#endif
