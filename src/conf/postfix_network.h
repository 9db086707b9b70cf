/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CONF_POSTFIX_NETWORK_H
#define OSTLER_CONF_POSTFIX_NETWORK_H

#include <stdbool.h>

#include "conf/postfix_host.h"

struct arena;
struct maincf;
struct postfix_report;

#define POSTFIX_ADDRESSES_MAX 64u /* of one name */

/*
 * postfix_network - which addresses and ports main.cf means
 *
 * Knows:   inet_protocols, inet_interfaces and known_tcp_ports, and what the
 *          caller says of this machine.
 * Decides: which addresses a service without a host listens on.
 * Never:   asks the system itself.
 */

/* What this machine has; the caller finds out. */
struct postfix_machine {
	bool no_ipv4, no_ipv6; /* sockets of that kind cannot be made */
	const struct postfix_address *own; /* of its interfaces */
	unsigned own_n;			   /* 0: not known, and not checked */
	void *context;			   /* handed to the callbacks */

	/*
	 * Put at most MAX addresses of HOST, which is no address itself, into
	 * OUT, in the resolver's order, and return how many there are. NULL:
	 * no name has an address.
	 */
	unsigned (*resolve)(void *context, const char *host,
		struct postfix_address *out, unsigned max);

	/* The TCP port called NAME; 0: there is none. NULL: the same. */
	unsigned (*port)(void *context, const char *name);
};

struct postfix_network {
	const struct postfix_machine *machine; /* borrowed */
	struct arena *arena;		       /* borrowed */
	const char *known_ports;	       /* good items only */
	bool ipv4, ipv6; /* may be listened on; with neither, no inet */
	const struct postfix_address *own; /* what no host means */
	unsigned own_n;
};

/* False if something is wrong; *OUT can be used to find out more. */
bool postfix_network_read(struct arena *arena, const struct maincf *maincf,
	const struct postfix_machine *machine,
	const struct postfix_report *report, struct postfix_network *out);

/*
 * The addresses of HOST (a name or an address) that may be listened on, each
 * once. OUT has room for POSTFIX_ADDRESSES_MAX. Returns how many.
 */
unsigned postfix_network_resolve(const struct postfix_network *network,
	struct text host, struct postfix_address *out);

/* The TCP port called NAME, or 0. */
unsigned postfix_network_port(
	const struct postfix_network *network, struct text name);

#endif
