/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_TABLE_DIFF_H
#define OSTLER_TABLE_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct endpoint;
struct service;

/*
 * diff - what a reload would mean for one service
 *
 * Knows:   which settings a running worker has taken with it (its command,
 *          user, environment, limits, endpoints ...) and which only the
 *          master uses (policy).
 * Decides: how deep a change goes.
 * Never:   compares anything but the two rows it is given.
 */
enum row_change {
	ROW_SAME,    /* nothing differs */
	ROW_POLICY,  /* only what the master itself uses: no worker leaves. With
		     * backlog and socket_*, it is applied to kept listeners */
	ROW_CHANGED, /* workers must be replaced; listeners may stay */
	ROW_REPLACED, /* the same, and they cannot serve on until others have
		       * come: what they listen on or speak by is another */
};

/*
 * How far two rows are apart. Names, and the places in the file, are not
 * compared: a row that only moved is the same.
 */
enum row_change row_compare(
	const struct service *before, const struct service *after);

/*
 * The same for rows that are the same, and for others most likely another:
 * of all that row_compare() looks at.
 */
uint64_t row_fingerprint(const struct service *row);

/* MARK with N more bytes in it. */
uint64_t fingerprint_add(uint64_t mark, const void *bytes, size_t n);

/* ENDPOINTS of both are the same, one by one and in order. */
bool row_same_endpoints(const struct service *a, const struct service *b);

/* The same place to knock: such a listener is kept open across a reload. */
bool endpoint_same(const struct endpoint *a, const struct endpoint *b);

/* Of ENDPOINT_INET: the wildcard, of one family or of both. */
bool endpoint_is_any(const struct endpoint *endpoint);

/* Two TCP listeners that the kernel would not let live side by side. */
bool endpoint_overlap(const struct endpoint *a, const struct endpoint *b);

#endif
