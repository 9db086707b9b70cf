/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CONF_ADDRESS_H
#define OSTLER_CONF_ADDRESS_H

#include <stdbool.h>

#include "base/text.h"

struct endpoint;

/*
 * address - "127.0.0.1:80", "[::1]:80", "*:80" and back
 *
 * Knows:   how a numeric address and a port are written.
 * Decides: nothing.
 * Never:   looks a name up.
 */
enum address_result {
	ADDRESS_OK,
	ADDRESS_NO_PORT,     /* no :PORT at the end */
	ADDRESS_BAD_PORT,    /* not from 1 to 65535 */
	ADDRESS_NOT_NUMERIC, /* neither IPv4, nor [IPv6], nor * */
	ADDRESS_MAPPED,	     /* IPv4 in the clothes of IPv6 */
};

/* Fill in kind, family, address and port; nothing else. */
enum address_result address_parse(struct text text, struct endpoint *out);

/* The canonical form. */
void address_put(struct text_builder *builder, const struct endpoint *endpoint);

#endif
