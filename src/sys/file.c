/* SPDX-License-Identifier: MIT */
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

int fd_file(int fd, uint64_t *out_dev, uint64_t *out_ino)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	*out_dev = st.st_dev;
	*out_ino = st.st_ino;
	return 0;
}

/* Make room for one byte more; never above MAX + 2 (the NUL, and one to see
 * that there is too much). */
static int grow(char **data, size_t *room, size_t max)
{
	size_t more = *room * 2 > max + 2 ? max + 2 : *room * 2;
	char *moved = realloc(*data, more);

	if (moved == NULL)
		return -ENOMEM;
	*data = moved;
	*room = more;
	return 0;
}

/* Read to the end into DATA, which has ROOM and may move. */
static int read_all(int fd, char **data, size_t room, size_t max, size_t *out_n)
{
	size_t n = 0;
	int got;

	for (;;) {
		if (n + 1 == room) {
			got = grow(data, &room, max);
			if (got < 0)
				return got;
		}
		got = sys_read(fd, *data + n, room - 1 - n);
		if (got < 0)
			return got;
		n += (size_t)got;
		if (n > max)
			return -EFBIG;
		if (got == 0)
			break;
	}
	(*data)[n] = '\0';
	*out_n = n;
	return 0;
}

/* Open without waiting for a FIFO's writer; then insist on a regular file. */
static int open_regular(const char *path, struct stat *st)
{
	AUTO_CLOSE int fd = -1;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (fstat(fd, st) < 0)
		return -errno;
	if (S_ISDIR(st->st_mode))
		return -EISDIR;
	if (!S_ISREG(st->st_mode))
		return -EINVAL;
	return fd_take(&fd);
}

int sys_read_file(const char *path, char **out, size_t *out_n, size_t max)
{
	AUTO_CLOSE int fd = -1;
	AUTO_FREE char *data = NULL;
	struct stat st;
	size_t room, n = 0;
	int result;

	fd = open_regular(path, &st);
	if (fd < 0)
		return fd;
	if ((uint64_t)st.st_size > max)
		return -EFBIG;
	/* Files of /proc say 0 bytes and have more. */
	room = (size_t)st.st_size + 2;
	data = malloc(room);
	if (data == NULL)
		return -ENOMEM;
	result = read_all(fd, &data, room, max, &n);
	if (result < 0)
		return result;
	*out = data;
	*out_n = n;
	data = NULL;
	return 0;
}

int sys_lock_file(const char *path, mode_t mode)
{
	AUTO_CLOSE int fd = -1;
	struct stat st;

	fd = open(path,
		O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK |
			O_NOCTTY,
		mode);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	/* A second name would let somebody hold our lock through their own. */
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
		return -EINVAL;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	return fd_take(&fd);
}

int sys_write_pid(int fd, int pid)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%d\n", pid);

	/* Written, then cut: a reader never sees an empty file. */
	ssize_t done = pwrite(fd, text, (size_t)n, 0);

	if (done < 0)
		return -errno;
	if (done != n)
		return -ENOSPC;
	return ftruncate(fd, n) < 0 ? -errno : 0;
}

int sys_make_directory(const char *path, mode_t mode)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	if (lstat(path, &st) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode))
		return -ELOOP;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int sys_check_directory(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode))
		return -ELOOP;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return -EPERM;
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
		(st.st_mode & S_ISVTX) == 0)
		return -EPERM;
	return 0;
}
