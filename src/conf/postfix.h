/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CONF_POSTFIX_H
#define OSTLER_CONF_POSTFIX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "conf/maincf.h"
#include "conf/mastercf.h"
#include "conf/postfix_import.h"
#include "conf/postfix_network.h"
#include "conf/postfix_row.h"

struct diags;
struct postfix_log;
struct table;

/*
 * postfix - main.cf and master.cf, in bytes, to a table
 *
 * Knows:   the request.
 * Decides: whether the two files are good, together and whole; with any error
 *          there is no table, and every error of both is told.
 * Never:   opens, looks up or asks anything itself: what it needs from the
 *          system is in the request.
 */
struct postfix_request {
	struct maincf_request main;
	const char *master_file; /* for complaints */
	struct text master_bytes;
	struct postfix_machine machine;
	struct postfix_birth birth;
	const char *runtime_directory; /* of the control socket; absolute */
	size_t bytes_max; /* of memory for the table; 0: no limit */
};

/* What the master needs besides the rows; it lives as long as the table. */
struct postfix_conf {
	struct maincf *main;
	struct mastercf master;
	struct postfix_import import;
};

/*
 * On true *OUT is a new table, the caller's to destroy, and *OUT_CONF what
 * goes with it; DIAGS may have warnings. On false DIAGS, which is sorted, has
 * at least one error. LOG, if not NULL, gets what Postfix would log of it.
 */
bool conf_parse_postfix(const struct postfix_request *request,
	struct table **out, struct postfix_conf *out_conf, struct diags *diags,
	struct postfix_log *log);

#endif
