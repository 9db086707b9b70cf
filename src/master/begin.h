/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_BEGIN_H
#define OSTLER_MASTER_BEGIN_H

#include <stdbool.h>

#include "sys/spawn.h"

struct master;
struct table;

/*
 * begin - from a first table to a master that serves it
 *
 * Knows:   how large the core must be.
 * Decides: nothing.
 * Never:   ends the program; each returns an exit code (exit.h).
 */

/* WORD of --spawn: fork, clone or auto. */
bool begin_method(const char *word, enum spawn_method *out);

/* Say that WHAT failed with RESULT (-errno). EXIT_MACHINE. */
int begin_failed(const char *what, int result);

/* Memory for the workers that TABLE may have. */
int begin_size(struct master *master, const struct table *table);

/* It comes into force like any other; without it, no service. TABLE is taken. */
int begin_table(struct master *master, struct table *table);

#endif
