/* SPDX-License-Identifier: MIT */
#include "sys/limits.h"

#include <errno.h>
#include <sys/resource.h>

int sys_nofile(uint64_t *out, uint64_t *out_soft)
{
	struct rlimit limit;
	uint64_t soft;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	soft = limit.rlim_cur;
	if (limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
			return -errno;
	}
	*out_soft = soft;
	*out = limit.rlim_cur;
	return 0;
}
