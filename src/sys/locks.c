/* SPDX-License-Identifier: MIT */
#include "sys/locks.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "sys/fd.h"

#define LINES_MAX 100000u /* locks of the whole machine */

/*
 * "7: FLOCK  ADVISORY  WRITE 4711 fe:01:1234 0 EOF": the holder, if the file
 * has that inode. The device is another than stat() says on overlay and btrfs.
 */
static int parse(const char *line, unsigned long long wanted)
{
	unsigned long long inode;
	char kind[16];
	int pid;

	/* One that waits has "->" where a holder has its kind. */
	if (sscanf(line, "%*s %15s %*s %*s %d %*x:%*x:%llu", kind, &pid,
		    &inode) != 3 ||
		strcmp(kind, "FLOCK") != 0 || inode != wanted)
		return 0;
	return pid;
}

int sys_lock_holders(const char *path, int *out, unsigned max)
{
	struct stat file;
	char line[256];
	FILE *locks;
	unsigned found = 0;

	if (stat(path, &file) < 0)
		return errno == ENOENT ? 0 : -errno;
	locks = fopen("/proc/locks", "re");
	if (locks == NULL)
		return -errno;
	for (unsigned n = 0; found < max && n < LINES_MAX; n++) {
		if (fgets(line, sizeof(line), locks) == NULL)
			break;
		out[found] = parse(line, file.st_ino);
		found += out[found] > 0;
	}
	(void)fclose(locks);
	return (int)found;
}
