/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CONF_POSTFIX_ROW_H
#define OSTLER_CONF_POSTFIX_ROW_H

#include <stdbool.h>

struct arena;
struct diags;
struct maincf;
struct mastercf;
struct postfix_service;
struct service;
struct table;

/*
 * postfix_row - master.cf to rows of the table
 *
 * Knows:   what Postfix's master does where ostler.conf has a setting.
 * Decides: nothing: every policy here is Postfix's (MECHANISMS B17).
 * Never:   looks at the file again.
 */

/* How the master itself was started: workers are told. */
struct postfix_birth {
	bool debug;   /* -d */
	bool verbose; /* -v */
};

/*
 * The command line of a worker, with argv[0] as in master.cf, NULL-terminated,
 * in ARENA. NULL if memory ran out. Under stress the word at
 * postfix_stress_word() is "stress=yes".
 */
const char *const *postfix_argv(struct arena *arena,
	const struct postfix_service *service,
	const struct postfix_birth *birth, unsigned *out_n);

/* Which word of it is "stress="; 0: none. */
unsigned postfix_stress_word(
	const struct postfix_service *service, const char *const *argv);

/*
 * Fill TABLE, whose arena everything must live in, with a row for each service.
 * False, with complaints, if the services may not live together, or memory
 * ran out.
 */
bool postfix_rows(struct table *table, const struct maincf *maincf,
	const struct mastercf *mastercf, const struct postfix_birth *birth,
	struct diags *diags);

#endif
