/* SPDX-License-Identifier: MIT */
#include "sys/process.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int sys_process(int pid, struct process *out)
{
	char path[64];
	char text[512];
	const char *rest;
	FILE *file;
	size_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (file == NULL)
		return errno == ENOENT ? -ESRCH : -errno;
	n = fread(text, 1, sizeof(text) - 1, file);
	(void)fclose(file);
	text[n] = '\0';
	/* Its name is between parentheses, and may have any. */
	rest = strrchr(text, ')');
	if (rest == NULL ||
		sscanf(rest, ") %c %d", &out->state, &out->parent) != 2)
		return -ESRCH;
	return 0;
}

int sys_process_user(int pid, uid_t *out)
{
	char path[64];
	char line[256];
	bool found = false;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	if (file == NULL)
		return errno == ENOENT ? -ESRCH : -errno;
	while (!found && fgets(line, sizeof(line), file) != NULL)
		found = sscanf(line, "Uid: %u", out) == 1;
	(void)fclose(file);
	return found ? 0 : -ESRCH;
}

int sys_children(int *out, unsigned max)
{
	int self = (int)getpid();
	unsigned n = 0;
	char path[64];
	FILE *file;

	(void)snprintf(
		path, sizeof(path), "/proc/%d/task/%d/children", self, self);
	file = fopen(path, "re");
	if (file == NULL)
		return -errno;
	while (n < max && fscanf(file, "%d", &out[n]) == 1)
		n++;
	(void)fclose(file);
	return (int)n;
}
