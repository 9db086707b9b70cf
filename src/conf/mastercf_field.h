/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CONF_MASTERCF_FIELD_H
#define OSTLER_CONF_MASTERCF_FIELD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct postfix_report;

/*
 * mastercf_field - one field after the other of an entry of master.cf
 *
 * Knows:   how fields are written, and Postfix's words for one that is wrong.
 * Decides: whether a field is good; what is left to read of the entry.
 * Never:   knows what a field is for.
 */
struct mastercf_fields {
	const struct postfix_report *report;
	struct text rest;
	unsigned line;
	const char *service; /* for complaints; NULL before the first field */
	bool is_bad;	     /* something was wrong */
	bool is_over;	     /* a field was missing: nothing is left to read */
};

/* An error of the entry. */
void mastercf_refuse(struct mastercf_fields *fields, const char *remedy,
	const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Any word; false if there is none. */
bool mastercf_cut(
	struct mastercf_fields *fields, const char *name, struct text *out);

/* A word that cannot be "-". */
bool mastercf_cut_required(
	struct mastercf_fields *fields, const char *name, struct text *out);

/* y, n, or - for OTHERWISE, which is also what a wrong one gives. */
bool mastercf_cut_flag(
	struct mastercf_fields *fields, const char *name, bool otherwise);

/* A number, or - for OTHERWISE. *OUT_WORD is how it is written. */
uint32_t mastercf_cut_number(struct mastercf_fields *fields, const char *name,
	uint32_t otherwise, struct text *out_word);

#endif
