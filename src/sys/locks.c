/* SPDX-License-Identifier: MIT */
#include "sys/locks.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "sys/fd.h"

#define LINES_MAX 100000u /* locks of the whole machine */

/* "7: FLOCK  ADVISORY  WRITE 4711 fe:01:1234 0 EOF": holder and file. */
static int parse(const char *line, const struct stat *file)
{
	unsigned major, minor;
	unsigned long long inode;
	char kind[16];
	int pid;

	/* One that waits has "->" where a holder has its kind. */
	if (sscanf(line, "%*s %15s %*s %*s %d %x:%x:%llu", kind, &pid, &major,
		    &minor, &inode) != 5 ||
		strcmp(kind, "FLOCK") != 0)
		return 0;
	if (inode != file->st_ino || major != major(file->st_dev) ||
		minor != minor(file->st_dev))
		return 0;
	return pid;
}

int sys_lock_holder(const char *path, int *out_pid)
{
	struct stat file;
	char line[256];
	FILE *locks;
	int pid = 0;

	if (stat(path, &file) < 0)
		return errno == ENOENT ? 0 : -errno;
	locks = fopen("/proc/locks", "re");
	if (locks == NULL)
		return -errno;
	for (unsigned n = 0; pid <= 0 && n < LINES_MAX; n++) {
		if (fgets(line, sizeof(line), locks) == NULL)
			break;
		pid = parse(line, &file);
	}
	(void)fclose(locks);
	*out_pid = pid;
	return pid > 0;
}

int sys_process_stopped(int pid)
{
	char path[64];
	char stat[512];
	const char *state;
	FILE *file;
	size_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	n = fread(stat, 1, sizeof(stat) - 1, file);
	(void)fclose(file);
	stat[n] = '\0';
	/* Its name is between parentheses, and may have any. */
	state = strrchr(stat, ')');
	if (state == NULL || state[1] != ' ')
		return 0;
	return state[2] == 'T' || state[2] == 't';
}
