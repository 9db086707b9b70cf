/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_TESTS_UNIT_CORE_SCRIPT_H
#define OSTLER_TESTS_UNIT_CORE_SCRIPT_H

#include <stdint.h>

/*
 * core_script - run a script of events and compare what the core does
 *
 * Knows:   the lines below, and the promises of tests/sim, which it checks
 *          after every step.
 * Decides: whether the transcript is the script, letter by letter.
 * Never:   asks the core anything but what a line asks.
 *
 *   at 1.5s              the time is now this, counted from the beginning
 *   due 2s               go on to the core's deadline, which is this, and tell
 *                        it the time; "due ~" is any, "due never" is none
 *   clients service=0 depth=1    an event, as in a trace; KEY=1s stands for
 *                        KEY_ns=1000000000, and a row has defaults (small
 *                        ones, see core_script.c)
 *   > spawn service=0 slot=0 serial=1     what it did about the line before
 *   view service=0 ready=1                fields of a view
 *   worker slot=0 state=2 suspect=0
 *   # words
 *
 * The pause in a notice is jittered, and stands as number=*.
 */
struct script_setup {
	uint32_t services_max; /* 0: 4 */
	uint32_t workers_max;  /* 0: 8 */
	uint32_t cpus;	       /* 0: starts are not paced */
	uint32_t last_serial;
};

void script_check(const char *script);
void script_check_in(const char *script, struct script_setup setup);

#endif
