/* SPDX-License-Identifier: MIT */
#include "sys/entry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys/path.h"

#define FRESH ".ostler-new"
#define FILE_MAX ((size_t)256 * 1024 * 1024)

static int read_target(const char *path, struct entry *out)
{
	ssize_t n = readlink(path, out->target, sizeof(out->target) - 1);

	if (n < 0)
		return -errno;
	out->target[n] = '\0';
	return 0;
}

int sys_entry(const char *path, struct entry *out)
{
	struct stat st;

	*out = (struct entry){.kind = ENTRY_NONE};
	if (lstat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	out->device = (uint64_t)st.st_dev;
	out->inode = (uint64_t)st.st_ino;
	out->kind = S_ISREG(st.st_mode)	  ? ENTRY_FILE
		    : S_ISLNK(st.st_mode) ? ENTRY_LINK
					  : ENTRY_OTHER;
	return out->kind == ENTRY_LINK ? read_target(path, out) : 0;
}

bool entry_is_same(const struct entry *a, const struct entry *b)
{
	return a->kind != ENTRY_NONE && b->kind != ENTRY_NONE &&
	       a->device == b->device && a->inode == b->inode;
}

static int fresh_name(const char *path, char *out, size_t size)
{
	int n = snprintf(out, size, "%s" FRESH, path);

	if (n < 0 || (size_t)n >= size)
		return -ENAMETOOLONG;
	/* One that an interrupted run has left. */
	return sys_remove_entry(out);
}

/* What was renamed is on the disk before the next step is. */
static int sync_directory_of(const char *path)
{
	AUTO_CLOSE int fd = -1;
	char directory[PATH_MAX];
	const char *slash = strrchr(path, '/');

	snprintf(directory, sizeof(directory), "%.*s",
		slash == NULL ? 1 : (int)(slash - path) + 1,
		slash == NULL ? "." : path);
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return fsync(fd) < 0 ? -errno : 0;
}

static int move_into_place(const char *fresh, const char *path)
{
	if (rename(fresh, path) < 0) {
		int error = -errno;

		(void)unlink(fresh); /* the first failure is the news */
		return error;
	}
	/* Two names of one file: then rename() has left both. */
	if (unlink(fresh) < 0 && errno != ENOENT)
		return -errno;
	return sync_directory_of(path);
}

int sys_replace_by_file(const char *path, const char *old)
{
	char fresh[PATH_MAX];
	int result = fresh_name(path, fresh, sizeof(fresh));

	if (result < 0)
		return result;
	if (link(old, fresh) < 0)
		return -errno;
	return move_into_place(fresh, path);
}

static int write_all(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		int done = sys_write(fd, bytes, n);

		if (done < 0)
			return done;
		bytes += done;
		n -= (size_t)done;
	}
	return 0;
}

/* Whole, and on the disk, before it gets its name. */
static int write_program(const char *path, const char *bytes, size_t n)
{
	AUTO_CLOSE int fd = -1;
	int result;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	if (fd < 0)
		return -errno;
	result = write_all(fd, bytes, n);
	if (result < 0)
		return result;
	if (fchmod(fd, 0755) < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

int sys_replace_by_copy(const char *path, const char *source)
{
	AUTO_FREE char *bytes = NULL;
	char fresh[PATH_MAX];
	size_t n;
	int result = fresh_name(path, fresh, sizeof(fresh));

	if (result == 0)
		result = sys_read_file(source, &bytes, &n, FILE_MAX);
	if (result < 0)
		return result;
	result = write_program(fresh, bytes, n);
	if (result < 0) {
		(void)unlink(fresh); /* the first failure is the news */
		return result;
	}
	return move_into_place(fresh, path);
}

int sys_file_has(const char *path, const char *word)
{
	AUTO_FREE char *bytes = NULL;
	size_t n;
	int result = sys_read_file(path, &bytes, &n, FILE_MAX);

	if (result < 0)
		return result;
	return memmem(bytes, n, word, strlen(word)) != NULL;
}

int sys_files_equal(const char *a, const char *b)
{
	AUTO_FREE char *of_a = NULL;
	AUTO_FREE char *of_b = NULL;
	size_t a_n = 0;
	size_t b_n = 0;
	int result = sys_read_file(a, &of_a, &a_n, FILE_MAX);

	if (result == 0)
		result = sys_read_file(b, &of_b, &b_n, FILE_MAX);
	if (result < 0)
		return result;
	return a_n == b_n && memcmp(of_a, of_b, a_n) == 0;
}

int sys_replace_by_link(const char *path, const char *target)
{
	char fresh[PATH_MAX];
	int result = fresh_name(path, fresh, sizeof(fresh));

	if (result < 0)
		return result;
	if (symlink(target, fresh) < 0)
		return -errno;
	return move_into_place(fresh, path);
}

int sys_sweep_entry(const char *path)
{
	char fresh[PATH_MAX];

	return fresh_name(path, fresh, sizeof(fresh));
}

int sys_remove_entry(const char *path)
{
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

int sys_make_scratch(char *out, size_t size)
{
	const char *place = getenv("TMPDIR");
	int n = snprintf(out, size, "%s/ostler-XXXXXX",
		place != NULL && place[0] == '/' ? place : "/tmp");

	if (n < 0 || (size_t)n >= size)
		return -ENAMETOOLONG;
	return mkdtemp(out) == NULL ? -errno : 0;
}

int sys_remove_directory(const char *path)
{
	return rmdir(path) < 0 ? -errno : 0;
}

int sys_check_program(const char *path)
{
	AUTO_FREE char *real = realpath(path, NULL);
	struct stat st;
	char *slash;
	int result;

	if (real == NULL)
		return -errno;
	result = sys_executable(real);
	if (result < 0)
		return result;
	if (stat(real, &st) < 0)
		return -errno;
	if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return -EPERM;
	while ((slash = strrchr(real, '/')) != NULL && slash != real) {
		*slash = '\0';
		result = sys_check_directory(real);
		if (result < 0)
			return result;
	}
	return 0;
}

int sys_is_flocked(const char *path)
{
	AUTO_CLOSE int fd = -1;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	if (flock(fd, LOCK_SH | LOCK_NB) == 0)
		return 0;
	return errno == EWOULDBLOCK ? 1 : -errno;
}

int sys_lock_whole(const char *path)
{
	AUTO_CLOSE int fd = -1;
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_SETLK, &lock) < 0)
		return errno == EACCES ? -EAGAIN : -errno;
	return fd_take(&fd);
}
