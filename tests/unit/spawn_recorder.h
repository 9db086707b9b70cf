/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_TESTS_SPAWN_RECORDER_H
#define OSTLER_TESTS_SPAWN_RECORDER_H

/*
 * What a started program finds, as text: test_spawn starts itself with
 * "--record N", and this writes one "key value" line per fact to N.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static inline void record_status(FILE *out)
{
	static const char *const keys[] = {
		"Uid:", "Gid:", "Groups:", "SigBlk:", "SigIgn:", "NoNewPrivs:"};
	FILE *status = fopen("/proc/self/status", "re");
	char line[4096];

	while (status != NULL && fgets(line, sizeof(line), status) != NULL)
		for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			if (strncmp(line, keys[i], strlen(keys[i])) == 0)
				(void)fputs(line, out);
	if (status != NULL)
		(void)fclose(status);
}

static inline void record_fds(FILE *out, int keep_out)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		int fd = atoi(entry->d_name);
		char target[256] = "";

		if (entry->d_name[0] == '.' || fd == dirfd(dir) ||
			fd == keep_out)
			continue;
		(void)readlinkat(
			dirfd(dir), entry->d_name, target, sizeof(target) - 1);
		(void)fprintf(out, "fd %d %s\n", fd, target);
	}
	if (dir != NULL)
		(void)closedir(dir);
}

static inline int record(char **argv, char **envp)
{
	struct rlimit nofile, core;
	mode_t mask = umask(0);
	char cwd[4096] = "?";
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return 1;
	record_status(out);
	record_fds(out, -1);
	if (getrlimit(RLIMIT_NOFILE, &nofile) == 0 &&
		getrlimit(RLIMIT_CORE, &core) == 0)
		(void)fprintf(out, "nofile %lu %lu\ncore %lu %lu\n",
			(unsigned long)nofile.rlim_cur,
			(unsigned long)nofile.rlim_max,
			(unsigned long)core.rlim_cur,
			(unsigned long)core.rlim_max);
	(void)fprintf(out, "umask %03o\ncwd %s\nsession %d\n", (unsigned)mask,
		getcwd(cwd, sizeof(cwd)) == NULL ? "?" : cwd,
		getsid(0) == getpid());
	for (unsigned i = 0; argv[i] != NULL; i++)
		(void)fprintf(out, "arg %s\n", argv[i]);
	for (unsigned i = 0; envp[i] != NULL; i++)
		(void)fprintf(out, "env %s\n", envp[i]);
	if (fclose(out) != 0)
		return 1;
	for (size_t at = 0; at < size;) {
		ssize_t n = write(atoi(argv[2]), text + at, size - at);

		if (n <= 0)
			return 1;
		at += (size_t)n;
	}
	free(text);
	return 0;
}

#endif
