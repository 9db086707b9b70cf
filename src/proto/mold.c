/* SPDX-License-Identifier: MIT */
#include "proto/mold.h"

#include <stdint.h>
#include <string.h>

#define MAGIC UINT32_C(0x6d6f6c64) /* "mold" */
#define VERSION 1

struct wire {
	uint32_t magic;
	uint32_t version;
	int32_t pid;
	uint32_t generation;
};

_Static_assert(sizeof(struct wire) == OSTLER__MOLD_BYTES,
	"a mold announces itself with sixteen bytes");

bool ostler__mold_decode(const void *bytes, size_t bytes_n, int *out_pid,
	unsigned *out_generation)
{
	struct wire wire;

	if (bytes_n != sizeof(wire))
		return false;
	memcpy(&wire, bytes, sizeof(wire));
	if (wire.magic != MAGIC || wire.version != VERSION)
		return false;
	*out_pid = wire.pid;
	*out_generation = wire.generation;
	return true;
}

void ostler__mold_encode(
	int pid, unsigned generation, unsigned char out[OSTLER__MOLD_BYTES])
{
	struct wire wire = {.magic = MAGIC,
		.version = VERSION,
		.pid = pid,
		.generation = generation};

	memcpy(out, &wire, sizeof(wire));
}
