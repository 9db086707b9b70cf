/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CONF_POSTFIX_HOST_H
#define OSTLER_CONF_POSTFIX_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "table/service.h"

/*
 * postfix_host - addresses and host names, as Postfix takes them
 *
 * Knows:   their forms.
 * Decides: nothing.
 * Never:   looks a name up.
 */
struct postfix_address {
	enum endpoint_family family; /* FAMILY_IPV4 or FAMILY_IPV6 */
	uint8_t bytes[16];	     /* network order; the first 4 for IPv4 */
};

/* Numeric, without brackets. */
bool postfix_address_parse(struct text text, struct postfix_address *out);

bool postfix_address_same(
	const struct postfix_address *a, const struct postfix_address *b);

bool postfix_address_is_loopback(const struct postfix_address *address);

/* Without brackets. */
void postfix_address_put(
	struct text_builder *builder, const struct postfix_address *address);

/* NULL: NAME could be one of a host. Else why not, in Postfix's words. */
const char *postfix_hostname_fault(struct text name);

#endif
