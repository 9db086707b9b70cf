/* SPDX-License-Identifier: MIT */
#include "sys/quota.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Into NUMBERS as many as there are, up to two; how many. */
static int read_numbers(const char *path, long long numbers[2])
{
	FILE *file = fopen(path, "re");
	int n = 0;

	if (file == NULL)
		return 0;
	n = fscanf(file, "%lld %lld", &numbers[0], &numbers[1]);
	(void)fclose(file);
	return n < 0 ? 0 : n;
}

static unsigned whole(long long quota, long long period)
{
	long long n;

	if (quota <= 0 || period <= 0)
		return 0;
	n = quota / period + (quota % period != 0);
	return n < UINT_MAX ? (unsigned)n : 0;
}

/* "max 100000" has no number in front. */
static unsigned group_quota(const char *directory)
{
	char path[PATH_MAX + 32];
	long long numbers[2];
	long long period[2];

	(void)snprintf(path, sizeof(path), "%s/cpu.max", directory);
	if (read_numbers(path, numbers) == 2)
		return whole(numbers[0], numbers[1]);
	(void)snprintf(path, sizeof(path), "%s/cpu.cfs_quota_us", directory);
	if (read_numbers(path, numbers) < 1)
		return 0;
	(void)snprintf(path, sizeof(path), "%s/cpu.cfs_period_us", directory);
	return read_numbers(path, period) < 1 ? 0
					      : whole(numbers[0], period[0]);
}

static unsigned stricter(unsigned a, unsigned b)
{
	if (a == 0 || b == 0)
		return a + b;
	return a < b ? a : b;
}

/* GROUP and all above it, below ROOT. */
static unsigned branch_quota(const char *root, const char *group)
{
	char path[PATH_MAX];
	size_t least = strlen(root);
	unsigned quota = 0;
	int n = snprintf(path, sizeof(path), "%s%s", root, group);

	if (n < 0 || (size_t)n >= sizeof(path))
		return 0;
	for (;;) {
		char *slash;

		quota = stricter(quota, group_quota(path));
		slash = strrchr(path, '/');
		if (slash == NULL || (size_t)(slash - path) < least)
			return quota;
		*slash = '\0';
	}
}

static int has_cpu(const char *controllers)
{
	size_t n = strlen(controllers);

	for (const char *at = controllers; at < controllers + n;) {
		size_t word = strcspn(at, ",");

		if (word == 3 && strncmp(at, "cpu", 3) == 0)
			return 1;
		at += word + 1;
	}
	return 0;
}

/* "0::/a/b" is of version 2, "4:cpu,cpuacct:/a/b" of version 1. */
static unsigned line_quota(char *line, const char *mount)
{
	char root[PATH_MAX];
	char *controllers = strchr(line, ':');
	char *group;

	if (controllers == NULL)
		return 0;
	group = strchr(++controllers, ':');
	if (group == NULL)
		return 0;
	*group++ = '\0';
	group[strcspn(group, "\n")] = '\0';
	if (controllers[0] == '\0')
		return branch_quota(mount, group);
	if (!has_cpu(controllers) ||
		(size_t)snprintf(root, sizeof(root), "%s/%s", mount,
			controllers) >= sizeof(root))
		return 0;
	return branch_quota(root, group);
}

unsigned sys_quota(const char *list, const char *mount)
{
	FILE *file = fopen(list, "re");
	char line[PATH_MAX];
	unsigned quota = 0;

	if (file == NULL)
		return 0;
	while (fgets(line, sizeof(line), file) != NULL)
		quota = stricter(quota, line_quota(line, mount));
	(void)fclose(file);
	return quota;
}
