/* SPDX-License-Identifier: MIT */
#include "master/tag.h"

#include <assert.h>

uint64_t tag_make(enum tag_kind kind, uint32_t index, uint32_t serial)
{
	assert(index < 1u << 24);
	return (uint64_t)kind << 56 | (uint64_t)index << 32 | serial;
}

enum tag_kind tag_kind(uint64_t tag)
{
	return (enum tag_kind)(tag >> 56);
}

uint32_t tag_index(uint64_t tag)
{
	return (uint32_t)(tag >> 32) & 0xffffff;
}

uint32_t tag_serial(uint64_t tag)
{
	return (uint32_t)tag;
}
