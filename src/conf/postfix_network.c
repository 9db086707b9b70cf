/* SPDX-License-Identifier: MIT */
#include "conf/postfix_network.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/number.h"
#include "conf/maincf.h"
#include "conf/postfix_ports.h"
#include "conf/postfix_report.h"
#include "conf/postfix_word.h"

/* What inet_interfaces is being read into. */
struct interfaces {
	const struct postfix_report *report;
	const struct postfix_network *network;
	struct postfix_address *items;
	unsigned n, size;
	struct postfix_remark remark;
};

static bool may_use(const struct postfix_network *network,
	const struct postfix_address *address)
{
	return address->family == FAMILY_IPV4 ? network->ipv4 : network->ipv6;
}

static bool is_among(const struct postfix_address *items, unsigned n,
	const struct postfix_address *address)
{
	for (unsigned i = 0; i < n; i++)
		if (postfix_address_same(&items[i], address))
			return true;
	return false;
}

static unsigned add_family(const struct postfix_network *network,
	enum endpoint_family family, const struct postfix_address *found,
	unsigned found_n, struct postfix_address *out, unsigned n)
{
	for (unsigned i = 0; i < found_n; i++)
		if (found[i].family == family && may_use(network, &found[i]) &&
			!is_among(out, n, &found[i]))
			out[n++] = found[i];
	return n;
}

unsigned postfix_network_resolve(const struct postfix_network *network,
	struct text host, struct postfix_address *out)
{
	const struct postfix_machine *machine = network->machine;
	struct postfix_address found[POSTFIX_ADDRESSES_MAX];
	unsigned found_n = 0, n = 0;
	const char *name = arena_copy(network->arena, host);

	if (postfix_address_parse(host, &found[0]))
		found_n = 1;
	else if (machine->resolve != NULL && name != NULL)
		found_n = machine->resolve(
			machine->context, name, found, POSTFIX_ADDRESSES_MAX);
	assert(found_n <= POSTFIX_ADDRESSES_MAX);
	/* Postfix hands over IPv4 first, whatever the resolver's order. */
	n = add_family(network, FAMILY_IPV4, found, found_n, out, n);
	return add_family(network, FAMILY_IPV6, found, found_n, out, n);
}

unsigned postfix_network_port(
	const struct postfix_network *network, struct text name)
{
	const struct postfix_machine *machine = network->machine;
	unsigned port = postfix_ports_find(network->known_ports, name);
	const char *copy;

	if (port != 0 || machine->port == NULL)
		return port;
	copy = arena_copy(network->arena, name);
	return copy == NULL ? 0 : machine->port(machine->context, copy);
}

static void read_protocols(const struct maincf *maincf,
	const struct postfix_report *report, struct postfix_network *out)
{
	const char *text = maincf_text(maincf, POSTFIX_inet_protocols);
	struct text rest = text_of(text), word;
	struct postfix_remark remark = {.severity = POSTFIX_WARNING,
		.form = POSTFIX_BARE,
		.line = maincf_line(maincf, "inet_protocols")};

	while (postfix_cut_field(&rest, POSTFIX_LIST_SEPARATORS, &word)) {
		out->ipv4 = out->ipv4 || !text_is(word, "ipv6");
		out->ipv6 = out->ipv6 || !text_is(word, "ipv4");
	}
	out->ipv4 = out->ipv4 && !out->machine->no_ipv4;
	out->ipv6 = out->ipv6 && !out->machine->no_ipv6;
	if (out->ipv4 || out->ipv6)
		return;
	postfix_say(report, &remark,
		"all network protocols are disabled (inet_protocols = %s)",
		text);
	postfix_say(report, &remark,
		"disabling all type \"inet\" services in master.cf");
}

static bool add_address(
	struct interfaces *interfaces, const struct postfix_address *address)
{
	struct postfix_address *grown;

	if (is_among(interfaces->items, interfaces->n, address))
		return true;
	if (interfaces->n == interfaces->size) {
		grown = arena_array(interfaces->network->arena,
			(size_t)interfaces->size * 2 + 8, sizeof(*grown));
		if (grown == NULL)
			return false;
		if (interfaces->n > 0)
			memcpy(grown, interfaces->items,
				interfaces->n * sizeof(*grown));
		interfaces->items = grown;
		interfaces->size = interfaces->size * 2 + 8;
	}
	interfaces->items[interfaces->n++] = *address;
	return true;
}

/* One that no interface has would be refused by the kernel later. */
static bool check_own(const struct interfaces *interfaces,
	const struct postfix_address *address)
{
	const struct postfix_machine *machine = interfaces->network->machine;
	struct text_builder builder;
	char text[64];

	if (machine->own_n == 0 ||
		is_among(machine->own, machine->own_n, address))
		return true;
	text_builder_init(&builder, text, sizeof(text));
	postfix_address_put(&builder, address);
	postfix_say(interfaces->report, &interfaces->remark,
		"parameter inet_interfaces: no local interface found for %s",
		text);
	return false;
}

/* "[ADDRESS]" is ADDRESS. */
static struct text without_brackets(struct text host)
{
	if (host.n >= 2 && host.bytes[0] == '[' &&
		host.bytes[host.n - 1] == ']')
		host = (struct text){host.bytes + 1, host.n - 2};
	return host;
}

static bool add_host(struct interfaces *interfaces, struct text host)
{
	struct postfix_address found[POSTFIX_ADDRESSES_MAX];
	unsigned n = postfix_network_resolve(
		interfaces->network, without_brackets(host), found);
	bool good = n > 0;

	if (n == 0)
		postfix_say(interfaces->report, &interfaces->remark,
			"config variable inet_interfaces: host not found: %.*s",
			(int)host.n, host.bytes);
	for (unsigned i = 0; i < n; i++)
		good = check_own(interfaces, &found[i]) &&
		       add_address(interfaces, &found[i]) && good;
	return good;
}

/* The wildcards of ADDRESSES that may be used, or the loopback addresses. */
static bool add_constants(struct interfaces *interfaces, bool loopback)
{
	struct postfix_address both[] = {
		{.family = FAMILY_IPV4}, {.family = FAMILY_IPV6}};
	bool good = true;

	if (loopback) {
		both[0].bytes[0] = 127;
		both[0].bytes[3] = 1;
		both[1].bytes[15] = 1;
	}
	for (unsigned i = 0; i < 2; i++)
		if (may_use(interfaces->network, &both[i]))
			good = add_address(interfaces, &both[i]) && good;
	return good;
}

static bool add_loopback(struct interfaces *interfaces)
{
	const struct postfix_machine *machine = interfaces->network->machine;
	bool good = true;

	if (machine->own_n == 0)
		return add_constants(interfaces, true);
	for (unsigned i = 0; i < machine->own_n; i++)
		if (postfix_address_is_loopback(&machine->own[i]) &&
			may_use(interfaces->network, &machine->own[i]))
			good = add_address(interfaces, &machine->own[i]) &&
			       good;
	return good;
}

static bool read_interfaces(
	struct interfaces *interfaces, const struct maincf *maincf)
{
	const char *text = maincf_text(maincf, POSTFIX_inet_interfaces);
	struct text rest = text_of(text), word;
	bool good = true;

	if (strcmp(text, "all") == 0)
		return add_constants(interfaces, false);
	if (strcmp(text, "loopback-only") == 0)
		return add_loopback(interfaces);
	while (postfix_cut_field(&rest, POSTFIX_LIST_SEPARATORS, &word))
		good = add_host(interfaces, word) && good;
	return good;
}

bool postfix_network_read(struct arena *arena, const struct maincf *maincf,
	const struct postfix_machine *machine,
	const struct postfix_report *report, struct postfix_network *out)
{
	struct interfaces interfaces = {.report = report,
		.network = out,
		.remark = {.severity = POSTFIX_FATAL,
			.form = POSTFIX_BARE,
			.line = maincf_line(maincf, "inet_interfaces"),
			.remedy = "write all, loopback-only, or addresses of "
				  "this machine"}};
	bool good;

	*out = (struct postfix_network){.machine = machine, .arena = arena};
	out->known_ports = postfix_ports_check(arena, maincf, report);
	read_protocols(maincf, report, out);
	good = out->known_ports != NULL;
	if (out->ipv4 || out->ipv6)
		good = read_interfaces(&interfaces, maincf) && good;
	out->own = interfaces.items;
	out->own_n = interfaces.n;
	return good;
}
