/* SPDX-License-Identifier: MIT */
#include "sys/clock.h"

#include <time.h>

uint64_t clock_now_ns(void)
{
	struct timespec now = {0, 0};

	/* It cannot fail with this clock and a valid pointer. */
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
