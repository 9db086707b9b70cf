/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CTL_ANSWER_H
#define OSTLER_CTL_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctl/client.h"
#include "ctl/ctl.h"
#include "proto/control.h"

struct arena;

#define ANSWER_PATIENCE_NS (UINT64_C(10) * 1000000000)
/* For verbs that end when something has been done. */
#define ANSWER_PATIENCE_LONG_NS (UINT64_C(600) * 1000000000)

/*
 * answer - the records that the master sent, before anything is shown
 *
 * Knows:   every record of a kind that this version knows, in order.
 * Decides: whether the answer is whole, and the exit code that it means.
 * Never:   prints a part of an answer that then breaks off.
 */
struct answer {
	struct arena *arena;		/* owned; the texts live there */
	struct control_record *records; /* owned; without `end` */
	size_t n;
	size_t size;
	struct control_record end;
};

/*
 * Ask, and read up to `end`. CTL_OK: the answer is whole, and may still say
 * that the request failed. Otherwise it was complained about. In both cases
 * CLIENT is to be finished and ANSWER too.
 */
enum ctl_exit answer_ask(struct answer *answer, struct client *client,
	const struct ctl *ctl, const struct control_request *request,
	uint64_t patience_ns);

/* Read on until the master is gone: more records may come. */
enum ctl_exit answer_wait_for_end(struct answer *answer, struct client *client);

/* For all verbs but stop: the connection is of no more use. */
enum ctl_exit answer_get(struct answer *answer, const struct ctl *ctl,
	const struct control_request *request, uint64_t patience_ns);

/* The exit code that `end` means; a failure is complained about. */
enum ctl_exit answer_verdict(const struct answer *answer);

/*
 * SERVICE into REQUEST. False: it cannot be one's name, or is a line more, and
 * is not asked for.
 */
bool answer_name_service(const char *service, struct control_request *request);

/* "" instead of NULL. */
const char *answer_text(const char *text);

/* The first record of KIND at or behind *FROM, which it steps behind. */
const struct control_record *answer_next(
	const struct answer *answer, enum control_kind kind, size_t *from);

void answer_finish(struct answer *answer);

#endif
