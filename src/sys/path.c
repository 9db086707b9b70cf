/* SPDX-License-Identifier: MIT */
#include "sys/path.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <string.h>
#include <unistd.h>

int sys_exists(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0)
		return 1;
	return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
}

static int64_t ns_of(struct timespec time)
{
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int sys_file_age(const char *path, uint64_t *out_ns)
{
	struct timespec now;
	struct stat st;
	int64_t age_ns;

	if (stat(path, &st) < 0 || clock_gettime(CLOCK_REALTIME, &now) < 0)
		return -errno;
	age_ns = ns_of(now) - ns_of(st.st_mtim);
	*out_ns = age_ns >= 0 ? (uint64_t)age_ns : UINT64_MAX;
	return 0;
}

int sys_executable(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	return access(path, X_OK) < 0 ? -errno : 0;
}

int sys_glob(const char *pattern, struct glob_result *out)
{
	glob_t *found = calloc(1, sizeof(*found));
	int result;

	*out = (struct glob_result){.n = 0};
	if (found == NULL)
		return -ENOMEM;
	result = glob(pattern, GLOB_ERR, NULL, found);
	if (result != 0) {
		globfree(found);
		free(found);
		if (result == GLOB_NOMATCH)
			return 0;
		return result == GLOB_NOSPACE ? -ENOMEM : -EACCES;
	}
	*out = (struct glob_result){
		.paths = found->gl_pathv, .n = found->gl_pathc, .state = found};
	return 0;
}

void sys_glob_free(struct glob_result *result)
{
	if (result->state == NULL)
		return;
	globfree(result->state);
	free(result->state);
	*result = (struct glob_result){.n = 0};
}

bool sys_is_root(void)
{
	return geteuid() == 0;
}

unsigned sys_uid(void)
{
	return geteuid();
}

unsigned sys_gid(void)
{
	return getegid();
}

char *sys_own_program(const char *word)
{
	char *path = realpath("/proc/self/exe", NULL);

	return path != NULL ? path : strdup(word);
}
