/* SPDX-License-Identifier: MIT */
#include "conf/address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/number.h"
#include "table/service.h"

/* Split at the last colon. */
static bool split(
	struct text text, struct text *out_host, struct text *out_port)
{
	for (size_t i = text.n; i > 0; i--) {
		if (text.bytes[i - 1] != ':')
			continue;
		*out_host = (struct text){text.bytes, i - 1};
		*out_port = (struct text){text.bytes + i, text.n - i};
		return true;
	}
	return false;
}

/* inet_pton() wants a NUL behind it; longer than this is no address. */
static bool parse_numeric(int family, struct text host, uint8_t *out)
{
	char copy[INET6_ADDRSTRLEN];

	if (host.n == 0 || host.n >= sizeof(copy))
		return false;
	memcpy(copy, host.bytes, host.n);
	copy[host.n] = '\0';
	return strlen(copy) == host.n && inet_pton(family, copy, out) == 1;
}

static bool is_mapped(const uint8_t address[16])
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(address, prefix, sizeof(prefix)) == 0;
}

static enum address_result parse_host(struct text host, struct endpoint *out)
{
	bool in_brackets = host.n > 2 && host.bytes[0] == '[' &&
			   host.bytes[host.n - 1] == ']';
	struct text inside = {host.bytes + 1, host.n - 2};

	if (text_is(host, "*")) {
		out->family = FAMILY_BOTH;
		return ADDRESS_OK;
	}
	if (parse_numeric(AF_INET, host, out->address)) {
		out->family = FAMILY_IPV4;
		return ADDRESS_OK;
	}
	if (!in_brackets || !parse_numeric(AF_INET6, inside, out->address))
		return ADDRESS_NOT_NUMERIC;
	out->family = FAMILY_IPV6;
	return is_mapped(out->address) ? ADDRESS_MAPPED : ADDRESS_OK;
}

enum address_result address_parse(struct text text, struct endpoint *out)
{
	const struct number_limits ports = {1, UINT16_MAX};
	struct endpoint endpoint = *out;
	struct text host, port;
	enum address_result result;
	uint64_t number;

	if (!split(text, &host, &port) || port.n == 0 || port.bytes[0] == ']')
		return ADDRESS_NO_PORT;
	if (number_parse(port, ports, &number) != NUMBER_OK)
		return text_starts_with(text, "[") &&
				       text.bytes[text.n - 1] == ']'
			       ? ADDRESS_NO_PORT
			       : ADDRESS_BAD_PORT;
	endpoint.kind = ENDPOINT_INET;
	endpoint.port = (uint16_t)number;
	memset(endpoint.address, 0, sizeof(endpoint.address));
	result = parse_host(host, &endpoint);
	if (result == ADDRESS_OK)
		*out = endpoint;
	return result;
}

void address_put(struct text_builder *builder, const struct endpoint *endpoint)
{
	char text[INET6_ADDRSTRLEN];
	bool is_ipv6 = endpoint->family == FAMILY_IPV6;

	assert(endpoint->kind == ENDPOINT_INET);
	if (endpoint->family == FAMILY_BOTH) {
		text_put_char(builder, '*');
	} else {
		const char *put = inet_ntop(is_ipv6 ? AF_INET6 : AF_INET,
			endpoint->address, text, sizeof(text));

		assert(put != NULL);
		text_put(builder, is_ipv6 ? "[" : "");
		text_put(builder, put);
		text_put(builder, is_ipv6 ? "]" : "");
	}
	text_put_format(builder, ":%u", endpoint->port);
}
