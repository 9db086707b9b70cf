/* SPDX-License-Identifier: MIT */
#include "conf/postfix_inet.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/number.h"
#include "conf/address.h"
#include "conf/postfix_host.h"
#include "conf/postfix_network.h"
#include "conf/postfix_word.h"
#include "table/service.h"

struct inet_name {
	const char *whole;
	struct text host; /* empty: none is given */
	bool has_host;
	struct text port;
	struct postfix_inet_fault *fault;
};

static bool fail(struct inet_name *name, const char *what)
{
	text_put_format(
		&name->fault->problem, "%s in \"%s\"", what, name->whole);
	name->fault->remedy = "write PORT, HOST:PORT or [ADDRESS]:PORT";
	return false;
}

/* "[host]", and what is behind it. */
static bool split_brackets(struct inet_name *name)
{
	struct text whole = text_of(name->whole);
	const char *close = strchr(name->whole, ']');
	struct text rest;

	if (close == NULL)
		return fail(name, "missing \"]\"");
	name->has_host = true;
	name->host = (struct text){
		whole.bytes + 1, (size_t)(close - whole.bytes) - 1};
	rest = text_of(close + 1);
	if (rest.n > 0 && rest.bytes[0] != ':')
		return fail(name, "garbage after \"]\"");
	name->port = rest.n > 0 ? postfix_behind(rest, 1) : rest;
	return true;
}

/* At the last colon, if there is one. */
static void split_colon(struct inet_name *name)
{
	const char *colon = strrchr(name->whole, ':');

	name->port = text_of(name->whole);
	if (colon == NULL)
		return;
	name->host = (struct text){name->whole, (size_t)(colon - name->whole)};
	name->has_host = name->host.n > 0;
	name->port = text_of(colon + 1);
}

static bool check_port(struct inet_name *name)
{
	if (name->port.n == 0)
		return fail(name, "missing service information");
	if (text_char_is_digit(name->port.bytes[0]) &&
		!postfix_is_digits(name->port))
		return fail(name, "garbage after numerical service");
	return true;
}

/* "ipv6:" in brackets promises an address. */
static bool check_ipv6(struct inet_name *name)
{
	const struct text promise = text_of("ipv6:");
	struct text prefix = {name->host.bytes, promise.n};
	struct postfix_address address;

	if (name->whole[0] != '[' || name->host.n < promise.n ||
		!postfix_same_word(prefix, promise))
		return true;
	name->host = postfix_behind(name->host, promise.n);
	if (postfix_address_parse(name->host, &address) &&
		address.family == FAMILY_IPV6)
		return true;
	return fail(name, "malformed IPv6 address");
}

static bool check_host(struct inet_name *name)
{
	struct postfix_address address;

	if (!check_ipv6(name))
		return false;
	if (postfix_address_parse(name->host, &address) ||
		postfix_hostname_fault(name->host) == NULL)
		return true;
	return fail(name, "valid hostname or network address required");
}

static bool split(struct inet_name *name)
{
	if (name->whole[0] != '[')
		split_colon(name);
	else if (!split_brackets(name))
		return false;
	return check_port(name) && (!name->has_host || check_host(name));
}

static bool find_addresses(const struct inet_name *name,
	const struct postfix_network *network, struct postfix_address *found,
	const struct postfix_address **out, unsigned *out_n)
{
	*out = found;
	if (name->has_host) {
		*out_n = postfix_network_resolve(network, name->host, found);
		name->fault->remedy = "correct the name, or write an address";
		text_put_format(&name->fault->problem,
			"bad hostname or network address: %s", name->whole);
		return *out_n > 0;
	}
	*out = network->own;
	*out_n = network->own_n;
	name->fault->remedy = "give inet_interfaces an address in main.cf";
	text_put_format(&name->fault->problem, "no valid IP address found: %s",
		name->whole);
	return *out_n > 0;
}

/* 0, and a fault, if it has none. ADDRESS is the first to listen on. */
static unsigned find_port(struct inet_name *name,
	const struct postfix_network *network,
	const struct postfix_address *address)
{
	const struct number_limits limits = {1, UINT16_MAX};
	struct text_builder *problem = &name->fault->problem;
	uint64_t number;
	unsigned port;

	if (postfix_is_digits(name->port)) {
		if (number_parse(name->port, limits, &number) == NUMBER_OK)
			return (unsigned)number;
		(void)fail(name, "port not from 1 to 65535");
		return 0;
	}
	port = postfix_network_port(network, name->port);
	if (port != 0)
		return port;
	name->fault->is_bare = true;
	name->fault->remedy = "write a number, or a name that is in "
			      "known_tcp_ports or /etc/services";
	postfix_address_put(problem, address);
	text_put_format(problem,
		":%.*s: Servname not supported for ai_socktype",
		(int)name->port.n, name->port.bytes);
	return 0;
}

/* Like "[::1]:25", however the address was written. */
static const char *make_canonical(
	struct arena *arena, const struct inet_name *name, unsigned port)
{
	struct postfix_address address;
	char text[64];
	struct text_builder builder;

	if (!name->has_host)
		return arena_format(arena, "%u", port);
	if (!postfix_address_parse(name->host, &address))
		return arena_format(arena, "[%.*s]:%u", (int)name->host.n,
			name->host.bytes, port);
	text_builder_init(&builder, text, sizeof(text));
	postfix_address_put(&builder, &address);
	return arena_format(arena, "[%s]:%u", text, port);
}

static void make_endpoint(struct arena *arena,
	const struct postfix_address *address, unsigned port,
	struct endpoint *out)
{
	char text[80];
	struct text_builder builder;

	*out = (struct endpoint){.kind = ENDPOINT_INET,
		.family = address->family,
		.port = (uint16_t)port};
	memcpy(out->address, address->bytes,
		address->family == FAMILY_IPV4 ? 4 : sizeof(out->address));
	text_builder_init(&builder, text, sizeof(text));
	address_put(&builder, out);
	out->text = arena_copy(arena, text_built(&builder));
}

/* One that could be written as IPv4 cannot be bound as IPv6 alone. */
static bool is_mapped(const struct postfix_address *address)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return address->family == FAMILY_IPV6 &&
	       memcmp(address->bytes, prefix, sizeof(prefix)) == 0;
}

static bool make_endpoints(struct arena *arena, struct inet_name *name,
	const struct postfix_address *addresses, unsigned n, unsigned port,
	struct postfix_inet *out)
{
	out->endpoints = arena_array(arena, n, sizeof(*out->endpoints));
	if (out->endpoints == NULL)
		return false;
	out->is_local = true;
	for (unsigned i = 0; i < n; i++) {
		if (is_mapped(&addresses[i])) {
			(void)fail(name, "IPv4 address in IPv6 form");
			return false;
		}
		make_endpoint(arena, &addresses[i], port, &out->endpoints[i]);
		out->is_local = out->is_local &&
				postfix_address_is_loopback(&addresses[i]);
	}
	out->endpoints_n = n;
	return true;
}

bool postfix_inet_parse(struct arena *arena,
	const struct postfix_network *network, const char *name,
	struct postfix_inet *out, struct postfix_inet_fault *fault)
{
	struct inet_name parts = {.whole = name, .fault = fault};
	struct postfix_address found[POSTFIX_ADDRESSES_MAX];
	const struct postfix_address *addresses;
	unsigned n, port;

	*out = (struct postfix_inet){0};
	if (!split(&parts) ||
		!find_addresses(&parts, network, found, &addresses, &n))
		return false;
	text_builder_reset(&fault->problem);
	port = find_port(&parts, network, &addresses[0]);
	if (port == 0 ||
		!make_endpoints(arena, &parts, addresses, n, port, out))
		return false;
	out->canonical = make_canonical(arena, &parts, port);
	return true;
}
