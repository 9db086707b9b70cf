/* SPDX-License-Identifier: MIT */
#include "sys/lockfile.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/fd.h"

#define PID_COLUMNS 32 /* four for each byte of a long */

static char many_names[64];

/* Root's own, in a directory where only root can make another. */
static bool is_roots_link(const char *path, const struct stat *link)
{
	char copy[PATH_MAX];
	struct stat directory;

	if (link->st_uid != 0)
		return false;
	(void)snprintf(copy, sizeof(copy), "%s", path);
	return stat(dirname(copy), &directory) == 0 && directory.st_uid == 0 &&
	       (directory.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* Whether what was opened is what has the name, and fit to be locked. */
static int check(int fd, const char *path, const char **out_problem)
{
	struct stat file;
	struct stat name;

	if (fstat(fd, &file) < 0 || lstat(path, &name) < 0) {
		*out_problem = "cannot open file";
		return -errno;
	}
	if (S_ISDIR(file.st_mode)) {
		*out_problem = "file is a directory";
		return -EISDIR;
	}
	if (file.st_nlink != 1) {
		(void)snprintf(many_names, sizeof(many_names),
			"file has %lu hard links",
			(unsigned long)file.st_nlink);
		*out_problem = many_names;
		return -EMLINK;
	}
	if (S_ISLNK(name.st_mode)) {
		*out_problem = "file is a symbolic link";
		return is_roots_link(path, &name) ? 0 : -ELOOP;
	}
	if (file.st_dev != name.st_dev || file.st_ino != name.st_ino) {
		*out_problem = "file status changed unexpectedly";
		return -ESTALE;
	}
	return 0;
}

static int open_existing(const char *path, const char **out_problem)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int result;

	if (fd < 0) {
		*out_problem = errno == EISDIR ? "file is a directory"
					       : "cannot open file";
		return -errno;
	}
	result = check(fd, path, out_problem);
	if (result == 0)
		return fd;
	fd_close(&fd);
	return result;
}

int sys_lock_exclusive(const char *path, mode_t mode, const char **out_problem)
{
	int fd = open_existing(path, out_problem);
	int result;

	if (fd == -ENOENT) {
		fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
		if (fd < 0) {
			*out_problem = "cannot create file exclusively";
			return -errno;
		}
	}
	if (fd < 0)
		return fd;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	result = -errno;
	*out_problem = "unable to set exclusive lock";
	fd_close(&fd);
	return result;
}

int sys_write_pid_padded(int fd, int pid)
{
	char line[PID_COLUMNS + 2];
	int size = snprintf(line, sizeof(line), "%*d\n", PID_COLUMNS, pid);
	ssize_t written = pwrite(fd, line, (size_t)size, 0);

	if (written < 0)
		return -errno;
	if (written != size)
		return -ENOSPC;
	return ftruncate(fd, size) < 0 ? -errno : 0;
}

int sys_act_as(uid_t uid, gid_t gid)
{
	if (setgroups(1, &gid) < 0 || setegid(gid) < 0 || seteuid(uid) < 0) {
		int error = errno;

		(void)sys_act_as_root();
		return -error;
	}
	return 0;
}

int sys_act_as_root(void)
{
	const gid_t root = 0;

	if (seteuid(0) < 0 || setegid(0) < 0 || setgroups(1, &root) < 0)
		return -errno;
	return 0;
}
