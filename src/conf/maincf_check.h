/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CONF_MAINCF_CHECK_H
#define OSTLER_CONF_MAINCF_CHECK_H

#include <stdbool.h>

#include "conf/maincf.h"

/*
 * maincf_check - whether a text in main.cf means something
 *
 * Knows:   the settings that take certain words only.
 * Decides: whether a value is one of them.
 * Never:   looks at anything outside main.cf.
 */

/* False, and a complaint at LINE, if TEXT cannot be the value of ID. */
bool maincf_check(const struct postfix_report *report,
	enum postfix_setting_id id, const char *text, unsigned line);

/* Whether maillog_file is where it may be. */
void maincf_check_log_file(
	const struct postfix_report *report, const struct maincf *maincf);

#endif
