/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_MEMORY_H
#define OSTLER_SYS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Zeroed memory that costs nothing until it is touched, for tables with room
 * for many; NULL if there is none. Given back by sys_unmap().
 */
void *sys_map(size_t bytes);
void sys_unmap(void *memory, size_t bytes);

/*
 * BYTES zeros to be shared with other processes, and sealed: nobody can make
 * it shorter and so end us, or longer. Its descriptor, close-on-exec, or
 * -errno.
 */
int sys_sealed(size_t bytes);

/* Whether FD is such an object, of so many bytes at least. */
bool sys_is_sealed(int fd, size_t bytes);

/* The first BYTES of it, to be given back by sys_unmap(); or NULL. */
void *sys_map_shared(int fd, size_t bytes);

/* How long it is: 0 or -errno. */
int sys_memory_size(int fd, uint64_t *out_bytes);

/* BYTES at OFFSET, all of them: 0, or -errno (-EIO: there were fewer). */
int sys_read_at(int fd, void *out, size_t bytes, uint64_t offset);
int sys_write_at(int fd, const void *from, size_t bytes, uint64_t offset);

/* Give back what was freed: reading a large table takes more than keeping it. */
void sys_memory_trim(void);

#endif
