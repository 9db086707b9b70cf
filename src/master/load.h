/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_LOAD_H
#define OSTLER_MASTER_LOAD_H

#include <stdbool.h>

struct diags;
struct table;

/*
 * load - configuration files into a table: the one place that reads them
 *
 * Knows:   files, includes, and which commands can be executed.
 * Decides: nothing; conf does.
 * Never:   touches what runs.
 */
bool load_table(const char *file, struct table **out, struct diags *diags);

/* Every complaint on stdout, a line each. */
void load_print(const struct diags *diags);

/* What `ostlerd --check` does: every complaint on stdout; the exit code. */
int load_check(const char *file);

#endif
