/* SPDX-License-Identifier: MIT */
#include "sys/limits.h"

#include <errno.h>
#include <sys/resource.h>

int sys_nofile(uint64_t *out)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	if (limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
			return -errno;
	}
	*out = limit.rlim_cur;
	return 0;
}
