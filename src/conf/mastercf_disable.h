/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CONF_MASTERCF_DISABLE_H
#define OSTLER_CONF_MASTERCF_DISABLE_H

#include <stdbool.h>

#include "base/text.h"

/*
 * mastercf_disable - master_service_disable
 *
 * Knows:   TYPE, NAME/TYPE, NAME.TYPE, and ! before them.
 * Decides: whether an entry of master.cf is to be as if it were not there.
 * Never:   complains: an item that matches nothing is fine.
 */

/* The first item of LIST that matches says. */
bool mastercf_is_disabled(const char *list, struct text name, struct text type);

#endif
