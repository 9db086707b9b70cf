/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CTL_STATUS_H
#define OSTLER_CTL_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#include "ctl/ctl.h"

struct answer;

/*
 * status - the same rows twice: for people and for programs
 *
 * Knows:   which columns people look at first.
 * Decides: what is worth a line of its own under a service.
 * Never:   computes what the master did not say.
 */
enum ctl_exit status_print_text(const struct answer *answer, bool colour);
enum ctl_exit status_print_json(const struct answer *answer);

#endif
