/* SPDX-License-Identifier: MIT */
#include "proto/status.h"

#include <string.h>

#include <master_proto.h>

_Static_assert(sizeof(struct MASTER_STATUS) == OSTLER__STATUS_BYTES,
	"a status message is twelve bytes");

enum ostler__status_verdict ostler__status_decode(
	const void *bytes, size_t bytes_n, struct ostler__status *out)
{
	struct MASTER_STATUS wire;

	if (bytes_n != sizeof(wire))
		return STATUS_BAD_SIZE;
	memcpy(&wire, bytes, sizeof(wire));
	out->pid = wire.pid;
	out->generation = wire.gen;
	if (wire.avail == MASTER_STAT_TAKEN)
		out->word = STATUS_TAKEN;
	else if (wire.avail == MASTER_STAT_AVAIL)
		out->word = STATUS_AVAIL;
	else
		return STATUS_BAD_VALUE;
	return STATUS_OK;
}

void ostler__status_encode(const struct ostler__status *status,
	unsigned char out[OSTLER__STATUS_BYTES])
{
	struct MASTER_STATUS wire = {
		.pid = status->pid,
		.gen = status->generation,
		.avail = status->word == STATUS_AVAIL ? MASTER_STAT_AVAIL
						      : MASTER_STAT_TAKEN,
	};

	memcpy(out, &wire, sizeof(wire));
}
