/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CONF_ENDPOINT_H
#define OSTLER_CONF_ENDPOINT_H

struct service;
struct values;

/*
 * endpoint - what `listen` says
 *
 * Knows:   addresses, "localhost", and names of sockets and pipes.
 * Decides: whether each can be listened on at all.
 * Never:   looks at two at a time: the table does.
 */

/*
 * Fill in the endpoints of SERVICE; relative names are below
 * RUNTIME_DIRECTORY.
 */
void endpoints_fill(const struct values *values, const char *runtime_directory,
	struct service *service);

#endif
