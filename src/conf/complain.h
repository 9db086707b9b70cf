/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CONF_COMPLAIN_H
#define OSTLER_CONF_COMPLAIN_H

#include "base/diag.h"

/*
 * complain - the shape that all complaints about a configuration have
 *
 * Knows:   the place that is complained about.
 * Decides: nothing.
 * Never:   cleans what an operator wrote: diag_put() does, when it is shown.
 */
struct place {
	const char *file;
	unsigned line;
	const char *service; /* or NULL */
};

/* An error. REMEDY says what to do, and may be NULL. */
void complain(struct diags *diags, const struct place *place,
	const char *remedy, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* A warning, which refuses nothing. */
void warn(struct diags *diags, const struct place *place, const char *remedy,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
