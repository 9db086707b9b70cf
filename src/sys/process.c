/* SPDX-License-Identifier: MIT */
#include "sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
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

int sys_process_wait(int pid, char *buffer, size_t size)
{
	char path[64];
	FILE *file;
	size_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/wchan", pid);
	file = fopen(path, "re");
	if (file == NULL)
		return errno == ENOENT ? -ESRCH : -errno;
	n = fread(buffer, 1, size - 1, file);
	(void)fclose(file);
	buffer[n] = '\0';
	return n == 0 || strcmp(buffer, "0") == 0 ? -ENOENT : 0;
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

int sys_process_part(int pid, uint64_t *out_bytes)
{
	char path[64];
	char line[256];
	bool found = false;
	uint64_t kb = 0;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	file = fopen(path, "re");
	if (file == NULL)
		return errno == ENOENT ? -ESRCH : -errno;
	while (!found && fgets(line, sizeof(line), file) != NULL)
		found = sscanf(line, "Pss: %" SCNu64 " kB", &kb) == 1;
	(void)fclose(file);
	*out_bytes = kb * 1024;
	return found ? 0 : -ESRCH;
}

int sys_process_resident(int pid, uint64_t *out_bytes)
{
	uint64_t pages = 0;
	char path[64];
	FILE *file;
	int n;

	(void)snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	file = fopen(path, "re");
	if (file == NULL)
		return errno == ENOENT ? -ESRCH : -errno;
	n = fscanf(file, "%*u %" SCNu64, &pages);
	(void)fclose(file);
	*out_bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE);
	return n == 1 ? 0 : -ESRCH;
}

int sys_children(int *out, unsigned max)
{
	int self = (int)getpid();
	unsigned n = 0;
	char path[64];
	FILE *file;
	int pid;

	(void)snprintf(
		path, sizeof(path), "/proc/%d/task/%d/children", self, self);
	file = fopen(path, "re");
	if (file == NULL)
		return -errno;
	while (fscanf(file, "%d", &pid) == 1)
		out[n++ % max] = pid;
	(void)fclose(file);
	return (int)n;
}

static uint64_t run_ns(int pid)
{
	struct timespec used;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0 ||
		clock_gettime(clock, &used) < 0)
		return 0;
	return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

/* Without stdio: it is asked for at every start. */
static uint64_t wait_ns(int pid)
{
	char text[128];
	uint64_t ns = 0;
	ssize_t n;
	int fd;

	(void)snprintf(text, sizeof(text), "/proc/%d/schedstat", pid);
	fd = open(text, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	text[n > 0 ? n : 0] = '\0';
	/* Its first number is the time it ran, of a moment ago. */
	return sscanf(text, "%*u %" SCNu64, &ns) == 1 ? ns : 0;
}

struct process_time sys_process_time(int pid)
{
	return (struct process_time){run_ns(pid), wait_ns(pid)};
}
