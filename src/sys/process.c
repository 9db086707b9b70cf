/* SPDX-License-Identifier: MIT */
#include "sys/process.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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
