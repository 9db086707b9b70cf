/* SPDX-License-Identifier: MIT */
#ifndef BIRTH_H
#define BIRTH_H

/*
 * birth - what a process was born with, in one line of the journal
 *
 * Knows:   where the kernel shows it.
 * Decides: nothing.
 * Never:   changes it: call this before anything else is done.
 */

void birth_record(char **argv);

#endif
