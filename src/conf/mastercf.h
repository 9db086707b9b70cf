/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CONF_MASTERCF_H
#define OSTLER_CONF_MASTERCF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct arena;
struct endpoint;
struct maincf;
struct postfix_network;
struct postfix_report;

/*
 * mastercf - what master.cf says
 *
 * Knows:   the eight fields of an entry, and what - means in each.
 * Decides: whether the file is good, whole: every error of every line is told.
 * Never:   opens, looks up or binds anything. $name in arguments is left to
 *          the workers, who know more parameters.
 */
enum postfix_type {
	POSTFIX_INET,
	POSTFIX_UNIX,
	POSTFIX_FIFO,
	POSTFIX_PASS,
	POSTFIX_UNIX_DGRAM,
	POSTFIX_TYPES_N
};

/* As it is written in master.cf, and behind a worker's -t. */
extern const char *const postfix_type_names[POSTFIX_TYPES_N];

struct postfix_service {
	const char *name;      /* as written: EXT in the log */
	const char *canonical; /* "25", "private/smtp": NAME in the log */
	const char *title;     /* "smtp/inet": unique, the name of the row */
	enum postfix_type type;
	bool is_private;
	bool is_unprivileged; /* workers get -u */
	bool is_chroot;	      /* workers get -c */
	bool wakeup_is_conditional;
	uint32_t wakeup_s;   /* 0: none */
	uint32_t limit;	     /* of processes; 0: none */
	bool has_stress;     /* workers get -o stress=: clients may be remote */
	const char *command; /* as written: the workers' argv[0] */
	const char *path;    /* what is executed */
	const char *const *arguments; /* of the line; NULL-terminated */
	unsigned arguments_n;
	const struct endpoint *endpoints;
	unsigned endpoints_n; /* at least 1 */
	unsigned line;
};

struct mastercf {
	const struct postfix_service *services; /* in the order of the file */
	unsigned services_n;			/* may be 0 */
};

struct mastercf_request {
	const char *file; /* for complaints; the report's too */
	struct text bytes;
	const struct maincf *maincf;
	const struct postfix_network *network;
};

/*
 * Everything is in ARENA. Of entries that mean the same service the last one
 * counts. False if anything is wrong, and *OUT then has what is good.
 */
bool mastercf_read(struct arena *arena, const struct mastercf_request *request,
	const struct postfix_report *report, struct mastercf *out);

/* The service whose row is called TITLE, or NULL. */
const struct postfix_service *mastercf_find(
	const struct mastercf *mastercf, const char *title);

#endif
