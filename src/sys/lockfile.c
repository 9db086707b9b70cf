/* SPDX-License-Identifier: MIT */
#include "sys/lockfile.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/fd.h"

#define PID_COLUMNS 32 /* four for each byte of a long */
#define TRIES_MAX 3

static char many_names[64];

/* The directory of PATH is root's, and nobody else may write to it. */
static bool is_in_roots_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char directory[PATH_MAX];
	struct stat st;
	int n;

	if (slash == NULL)
		n = snprintf(directory, sizeof(directory), ".");
	else
		n = snprintf(directory, sizeof(directory), "%.*s",
			slash == path ? 1 : (int)(slash - path), path);
	return n > 0 && (size_t)n < sizeof(directory) &&
	       stat(directory, &st) == 0 && st.st_uid == 0 &&
	       (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static int refuse(int error, const char *problem, const char **out_problem)
{
	*out_problem = problem;
	return -error;
}

int sys_check_name(int fd, const char *path, const char **out_problem)
{
	struct stat file;
	struct stat name;

	if (fstat(fd, &file) < 0 || lstat(path, &name) < 0)
		return refuse(errno, "cannot open file", out_problem);
	if (file.st_nlink != 1) {
		(void)snprintf(many_names, sizeof(many_names),
			"file has %lu hard links",
			(unsigned long)file.st_nlink);
		return refuse(EMLINK, many_names, out_problem);
	}
	/* Root's own, where nobody but root could have made it. */
	if (S_ISLNK(name.st_mode) && name.st_uid == 0 &&
		is_in_roots_directory(path))
		return 0;
	if (S_ISLNK(name.st_mode))
		return refuse(ELOOP, "file is a symbolic link", out_problem);
	if (file.st_dev != name.st_dev || file.st_ino != name.st_ino)
		return refuse(ESTALE, "file status changed unexpectedly",
			out_problem);
	return 0;
}

/* Whether what was opened is what has the name, and fit to be locked. */
static int check(int fd, const char *path, const char **out_problem)
{
	struct stat file;

	if (fstat(fd, &file) == 0 && !S_ISREG(file.st_mode))
		return refuse(EINVAL, "file is no regular file", out_problem);
	return sys_check_name(fd, path, out_problem);
}

static int open_existing(const char *path, const char **out_problem)
{
	AUTO_CLOSE int fd = -1;
	int result;

	/* A pipe is refused, and must not make us wait for that. */
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return refuse(errno, "cannot open file", out_problem);
	result = check(fd, path, out_problem);
	return result < 0 ? result : fd_take(&fd);
}

static int make_new(const char *path, mode_t mode, const char **out_problem)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	return fd < 0 ? refuse(errno, "cannot create file exclusively",
				out_problem)
		      : fd;
}

/* Somebody may make it between our two looks, and take it away again. */
static int open_either(const char *path, mode_t mode, const char **out_problem)
{
	for (int tries = 1;; tries++) {
		int fd = open_existing(path, out_problem);

		if (fd != -ENOENT || tries == TRIES_MAX)
			return fd;
		fd = make_new(path, mode, out_problem);
		if (fd != -EEXIST)
			return fd;
	}
}

int sys_lock_exclusive(const char *path, mode_t mode, const char **out_problem)
{
	AUTO_CLOSE int fd = -1;
	const char *problem = "";

	fd = open_either(path, mode, &problem);
	if (fd < 0)
		return refuse(-fd, problem, out_problem);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return refuse(
			errno, "unable to set exclusive lock", out_problem);
	return fd_take(&fd);
}

int sys_write_pid_padded(int fd, int pid)
{
	char line[PID_COLUMNS + 2];
	int size = snprintf(line, sizeof(line), "%*d\n", PID_COLUMNS, pid);
	/* Written, then cut: a reader never sees an empty file. */
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
