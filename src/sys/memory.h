/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_MEMORY_H
#define OSTLER_SYS_MEMORY_H

#include <stddef.h>

/*
 * Zeroed memory that costs nothing until it is touched, for tables with room
 * for many; NULL if there is none. Given back by sys_unmap().
 */
void *sys_map(size_t bytes);
void sys_unmap(void *memory, size_t bytes);

/* Give back what was freed: reading a large table takes more than keeping it. */
void sys_memory_trim(void);

#endif
