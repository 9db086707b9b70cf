/* SPDX-License-Identifier: MIT */
#include "sys/memory.h"

#include <malloc.h>
#include <sys/mman.h>

void *sys_map(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void sys_unmap(void *memory, size_t bytes)
{
	if (memory != NULL)
		(void)munmap(memory, bytes); /* can only fail if misused */
}

void sys_memory_trim(void)
{
	(void)malloc_trim(0); /* whether there was any does not matter */
}
