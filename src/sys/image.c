/* SPDX-License-Identifier: MIT */
#include "sys/image.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/child.h"
#include "sys/fd.h"

/* Since Linux 6.3; without it the kernel grumbles once. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u
#endif

#define INPUT_FD 3

/* What a rehearsal may say beside what it is given. */
#define SAID_MORE ((rlim_t)1 << 20)

int sys_image_self(void)
{
	int fd = open("/proc/self/exe", O_PATH | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int sys_image_name(char *out, size_t size)
{
	const char *name = (const char *)getauxval(AT_EXECFN);
	char directory[PATH_MAX];
	int n;

	if (name == NULL || name[0] == '\0')
		return -ENOENT;
	if (name[0] == '/')
		n = snprintf(out, size, "%s", name);
	else if (getcwd(directory, sizeof(directory)) == NULL)
		return -errno;
	else
		n = snprintf(out, size, "%s/%s", directory, name);
	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

/* Whether somebody who is not root could put something else there. */
static bool is_others(const struct stat *st)
{
	bool sticky = S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX) != 0;

	return st->st_uid != 0 ||
	       ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0 && !sticky);
}

static int check_directory(const char *path)
{
	char directory[PATH_MAX];
	struct stat st;
	char *slash;

	if (realpath(path, directory) == NULL)
		return -errno;
	slash = strrchr(directory, '/');
	slash[slash == directory] = '\0';
	if (stat(directory, &st) < 0)
		return -errno;
	return is_others(&st) ? -EPERM : 0;
}

int sys_image_check(const char *path, bool trusted, const char **out_problem)
{
	struct stat st;
	int result = 0;

	*out_problem = "it is not the whole path of a program";
	if (path[0] != '/')
		return -EINVAL;
	if (stat(path, &st) < 0)
		result = -errno;
	else if (!S_ISREG(st.st_mode))
		result = -EISDIR;
	else if (access(path, X_OK) < 0)
		result = -errno;
	if (result < 0) {
		*out_problem = strerror(-result);
		return result;
	}
	*out_problem = "others than root may write it, or its directory";
	if (!trusted && geteuid() == 0 &&
		(is_others(&st) || check_directory(path) < 0))
		return -EPERM;
	return 0;
}

int sys_image_become(const struct image_call *call)
{
	if (call->path != NULL)
		(void)execve(call->path, call->argv, call->envp);
	else
		(void)syscall(SYS_execveat, call->fd, "", call->argv,
			call->envp, AT_EMPTY_PATH);
	return -errno;
}

/* ---- another process that is asked first ---------------------------------- */

static int open_memory(void)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create("ostler-state", flags | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("ostler-state", flags);
	return fd < 0 ? -errno : fd;
}

/* What it writes is memory; SIGXFSZ ends what writes on. */
static int limit_said(int input)
{
	struct stat st;
	struct rlimit limit;
	rlim_t most;

	if (fstat(input, &st) < 0 || getrlimit(RLIMIT_FSIZE, &limit) < 0)
		return -errno;
	most = (rlim_t)st.st_size + SAID_MORE;
	if (most > limit.rlim_max)
		most = limit.rlim_max;
	limit.rlim_cur = limit.rlim_max = most;
	return setrlimit(RLIMIT_FSIZE, &limit) < 0 ? -errno : 0;
}

_Noreturn static void be_rehearsal(const char *path, char *const *argv,
	char *const *envp, int input, int said)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (setpgid(0, 0) == 0 && limit_said(input) == 0 &&
		fcntl(said, F_SETFL, O_APPEND) == 0 && dup2(null, 0) == 0 &&
		dup2(said, 1) == 1 && dup2(said, 2) == 2 &&
		dup2(input, INPUT_FD) == INPUT_FD) {
		/* It is to know nothing of what we hold. */
		for (int fd = INPUT_FD + 1; fd < 256; fd++)
			(void)close(fd);
		(void)execve(path, argv, envp);
		dprintf(2, "%s", strerror(errno));
	}
	_exit(127);
}

int sys_rehearse(const char *path, char *const *argv, char *const *envp,
	int input, struct rehearsal *out)
{
	AUTO_CLOSE int said = open_memory();
	pid_t pid;
	int pidfd;

	if (said < 0)
		return said;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		/* What we hold is closed by exec; these must not be in its way. */
		int in = fcntl(input, F_DUPFD_CLOEXEC, 256);
		int to = fcntl(said, F_DUPFD_CLOEXEC, 256);

		be_rehearsal(path, argv, envp, in, to);
	}
	(void)setpgid(pid, pid); /* whoever of us is first */
	pidfd = sys_child_open(pid);
	if (pidfd < 0)
		return pidfd; /* it ends by itself, and is reaped as a stranger */
	*out = (struct rehearsal){
		.pid = pid, .pidfd = pidfd, .said = fd_take(&said)};
	return 0;
}

void sys_rehearsal_kill(const struct rehearsal *rehearsal)
{
	(void)kill(-rehearsal->pid, SIGKILL);
	(void)sys_child_signal(rehearsal->pidfd, SIGKILL);
}

/* ---- memory as files ------------------------------------------------------ */

int sys_memory_file(const char *bytes, size_t n)
{
	AUTO_CLOSE int fd = open_memory();
	size_t done = 0;

	if (fd < 0)
		return fd;
	while (done < n) {
		int result = sys_write(fd, bytes + done, n - done);

		if (result < 0)
			return result;
		done += (size_t)result;
	}
	(void)lseek(fd, 0, SEEK_SET); /* for who reads it from its beginning */
	if (fcntl(fd, F_ADD_SEALS,
		    F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) <
		0)
		return -errno;
	return fd_take(&fd);
}

int sys_memory_read(int fd, char **out, size_t *out_n, size_t max)
{
	struct stat st;
	char *bytes;
	size_t n;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	n = (size_t)st.st_size;
	if (n > max)
		return -EFBIG;
	bytes = malloc(n + 1);
	if (bytes == NULL)
		return -ENOMEM;
	for (size_t done = 0; done < n;) {
		ssize_t got = pread(fd, bytes + done, n - done, (off_t)done);

		if (got <= 0) {
			int error = got < 0 ? errno : EIO;

			free(bytes);
			return -error;
		}
		done += (size_t)got;
	}
	bytes[n] = '\0';
	*out = bytes;
	*out_n = n;
	return 0;
}
