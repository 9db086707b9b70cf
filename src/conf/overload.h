/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CONF_OVERLOAD_H
#define OSTLER_CONF_OVERLOAD_H

struct conf_request;
struct service;
struct values;

/*
 * overload - what becomes of clients that come when it is too much
 *
 * Knows:   on_full and what it takes: a stream, a limit, a bouncer; and what
 *          limits of clients from one place take.
 * Decides: how the bouncer is started.
 * Never:   looks at another service.
 */

/* OUT has its endpoints, sockets and counts already. */
void fill_overload(const struct values *values,
	const struct conf_request *request, struct service *out);

/* Likewise, and the times. */
void fill_sources(const struct values *values, struct service *out);

#endif
