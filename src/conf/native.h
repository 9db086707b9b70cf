/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CONF_NATIVE_H
#define OSTLER_CONF_NATIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

struct diags;
struct table;
struct conf_files; /* where a read callback puts what it has found */

/*
 * native - ostler.conf, in bytes, to a table
 *
 * Knows:   the request.
 * Decides: whether the configuration is good, whole; with any error there is
 *          no table, and every error that could be found is told.
 * Never:   opens, looks up or asks anything itself: what it needs from the
 *          system it asks for through the request.
 */
struct conf_request {
	const char *file;  /* for complaints and relative includes */
	struct text bytes; /* its content */
	const char *libexec_directory; /* of commands without a / */
	uint32_t processors; /* for process_limit = auto; at least 1 */
	bool as_root;	     /* every service must say its user */
	size_t bytes_max;    /* of memory for the table; 0: no limit */
	void *context;	     /* handed to the callbacks */

	/*
	 * Give the files that PATTERN (a path, made absolute or relative to
	 * where the program is) stands for, in the order in which they are to
	 * be read: conf_files_add() for each. A pattern with wildcards may
	 * stand for none. Returns NULL, or why it failed. NULL: there is no
	 * include.
	 */
	const char *(*read)(
		void *context, const char *pattern, struct conf_files *files);

	/*
	 * Returns NULL if PATH could be executed, or why not. NULL: not
	 * checked.
	 */
	const char *(*probe)(void *context, const char *path);
};

/* Copies NAME and BYTES. */
void conf_files_add(
	struct conf_files *files, const char *name, struct text bytes);

/*
 * On true *OUT is a new table, the caller's to destroy, and DIAGS may have
 * warnings; on false it has at least one error. DIAGS is sorted.
 */
bool conf_parse_native(const struct conf_request *request, struct table **out,
	struct diags *diags);

#endif
