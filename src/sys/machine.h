/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_MACHINE_H
#define OSTLER_SYS_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * machine - what this machine is, and what names mean to it
 *
 * Knows:   its processors, addresses, families and ports, and its resolver.
 * Decides: nothing.
 * Never:   remembers: it may be different in a moment.
 */
struct machine_address {
	int family;	   /* NET_IPV4 or NET_IPV6 (sys/net.h) */
	uint8_t bytes[16]; /* network order; the first 4 for IPv4 */
};

/* How many processors we may run on and use up; at least 1. */
unsigned sys_processors(void);

/* Those of all interfaces, up to MAX: how many, or -errno. */
int sys_own_addresses(struct machine_address *out, unsigned max);

/* Whether a socket of FAMILY can be made. */
bool sys_has_family(int family);

/* The TCP port called NAME; 0: there is none. */
unsigned sys_service_port(const char *name);

/*
 * The addresses of HOST in the resolver's order, each once, up to MAX: how
 * many. This one waits for the resolver; sys/hosts.h does not.
 */
unsigned sys_resolve_now(
	const char *host, struct machine_address *out, unsigned max);

/* The same; where there is none, why not is in *OUT_ERROR (static). */
unsigned sys_resolve(const char *host, struct machine_address *out,
	unsigned max, const char **out_error);

#endif
