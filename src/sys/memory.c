/* SPDX-License-Identifier: MIT */
#include "sys/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/fd.h"

/* Since Linux 6.3; without it the kernel grumbles once. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u
#endif

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

static int open_sealable(void)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create("ostler-page", flags | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("ostler-page", flags);
	return fd < 0 ? -errno : fd;
}

int sys_sealed(size_t bytes)
{
	AUTO_CLOSE int fd = open_sealable();

	if (fd < 0)
		return fd;
	if (ftruncate(fd, (off_t)bytes) < 0 ||
		fcntl(fd, F_ADD_SEALS,
			F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	return fd_take(&fd);
}

int sys_memory_size(int fd, uint64_t *out_bytes)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	*out_bytes = (uint64_t)st.st_size;
	return 0;
}

bool sys_is_sealed(int fd, size_t bytes)
{
	int wanted = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	struct stat st;

	return fstat(fd, &st) == 0 && (size_t)st.st_size >= bytes &&
	       (fcntl(fd, F_GET_SEALS) & wanted) == wanted;
}

void *sys_map_shared(int fd, size_t bytes)
{
	void *memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

int sys_read_at(int fd, void *out, size_t bytes, uint64_t offset)
{
	ssize_t n = pread(fd, out, bytes, (off_t)offset);

	if (n < 0)
		return -errno;
	return (size_t)n == bytes ? 0 : -EIO;
}

int sys_write_at(int fd, const void *from, size_t bytes, uint64_t offset)
{
	ssize_t n = pwrite(fd, from, bytes, (off_t)offset);

	if (n < 0)
		return -errno;
	return (size_t)n == bytes ? 0 : -EIO;
}

void sys_memory_trim(void)
{
	(void)malloc_trim(0); /* whether there was any does not matter */
}
