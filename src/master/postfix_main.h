/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_POSTFIX_MAIN_H
#define OSTLER_MASTER_POSTFIX_MAIN_H

#include <stdbool.h>

/*
 * postfix_main - the command line of Postfix's master, and what it comes to
 *
 * Knows:   its options, its start in order, its exit codes.
 * Decides: nothing about services.
 * Never:   returns while there is anything to serve.
 */

/* Whether ARGV is of the Postfix personality: by name, or by --postfix. */
bool postfix_is_meant(int argc, char **argv);

/* All of it; the exit code. */
int postfix_main(int argc, char **argv);

#endif
