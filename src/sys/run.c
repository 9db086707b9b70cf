/* SPDX-License-Identifier: MIT */
#include "sys/run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/fd.h"

#define LOCALE "LC_ALL=C"

static bool names_same(const char *a, const char *b)
{
	size_t n = b != NULL ? strcspn(b, "=") : 0;

	return n > 0 && strncmp(a, b, n + 1) == 0;
}

/* Only we are to speak to the service manager. */
static bool is_managers(const char *assignment)
{
	return names_same(assignment, "NOTIFY_SOCKET") ||
	       names_same(assignment, "WATCHDOG_USEC") ||
	       names_same(assignment, "WATCHDOG_PID");
}

/* Our environment, but in English and with SETTING. free() it. */
static char **environment(const char *setting)
{
	size_t n = 0;
	size_t kept = 0;
	char **out;

	while (environ[n] != NULL)
		n++;
	out = calloc(n + 3, sizeof(*out));
	if (out == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (!names_same(environ[i], LOCALE) &&
			!names_same(environ[i], setting) &&
			!is_managers(environ[i]))
			out[kept++] = environ[i];
	out[kept++] = (char *)(size_t)LOCALE;
	if (setting != NULL)
		out[kept] = (char *)(size_t)setting;
	return out;
}

static int prepare(posix_spawn_file_actions_t *actions, const struct run *run,
	const int pipe[2])
{
	int error = posix_spawn_file_actions_addopen(
		actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

	if (error == 0)
		error = posix_spawn_file_actions_adddup2(
			actions, pipe[1], STDOUT_FILENO);
	if (error != 0 || run->stderr_to == RUN_STDERR_OURS)
		return -error;
	if (run->stderr_to == RUN_STDERR_TOO)
		return -posix_spawn_file_actions_adddup2(
			actions, pipe[1], STDERR_FILENO);
	return -posix_spawn_file_actions_addopen(
		actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
}

static int start(const struct run *run, const int pipe[2])
{
	AUTO_FREE char **env = environment(run->setting);
	posix_spawn_file_actions_t actions;
	pid_t pid = -1;
	int result;

	if (env == NULL)
		return -ENOMEM;
	result = -posix_spawn_file_actions_init(&actions);
	if (result < 0)
		return result;
	result = prepare(&actions, run, pipe);
	if (result == 0)
		result = -posix_spawnp(&pid, run->argv[0], &actions, NULL,
			(char *const *)(size_t)run->argv, env);
	(void)posix_spawn_file_actions_destroy(&actions); /* cannot fail */
	return result < 0 ? result : (int)pid;
}

/* Up to the end, so that it is never left waiting for us. */
static void read_out(const struct run *run, int fd)
{
	char rest[512];
	size_t n = 0;
	int got;

	do {
		bool full = run->size == 0 || n + 1 >= run->size;

		got = sys_read(fd, full ? rest : run->out + n,
			full ? sizeof(rest) : run->size - 1 - n);
		if (got > 0 && !full)
			n += (size_t)got;
	} while (got > 0);
	if (run->size > 0)
		run->out[n] = '\0';
}

static int wait_for(int pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int sys_run(const struct run *run)
{
	int pipe[2];
	int pid = sys_pipe(pipe, false);

	if (pid < 0)
		return pid;
	pid = start(run, pipe);
	fd_close(&pipe[1]);
	if (pid > 0)
		read_out(run, pipe[0]);
	fd_close(&pipe[0]);
	return pid < 0 ? pid : wait_for(pid);
}

/* A container's processes have paths of their own. Who cannot tell, may be. */
static bool is_of_our_root(int pid)
{
	char path[64];
	struct stat ours;
	struct stat theirs;

	snprintf(path, sizeof(path), "/proc/%d/root/.", pid);
	return stat("/", &ours) < 0 || stat(path, &theirs) < 0 ||
	       (ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino);
}

static bool is_called(int pid, const char *name)
{
	AUTO_CLOSE int fd = -1;
	char path[64];
	char words[PATH_MAX + 1];
	int n;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : sys_read(fd, words, sizeof(words) - 1);
	if (n <= 0)
		return false;
	words[n] = '\0';
	return strcmp(words, name) == 0 && is_of_our_root(pid);
}

int sys_find_process(int *from, const char *name)
{
	DIR *directory = opendir("/proc");
	struct dirent *entry;
	int best = 0;

	if (directory == NULL)
		return -errno;
	while ((entry = readdir(directory)) != NULL) {
		int pid = (int)strtol(entry->d_name, NULL, 10);

		if (pid > *from && (best == 0 || pid < best) &&
			is_called(pid, name))
			best = pid;
	}
	(void)closedir(directory); /* read only */
	if (best > 0)
		*from = best;
	return best;
}
