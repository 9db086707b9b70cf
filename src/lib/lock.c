/* SPDX-License-Identifier: MIT */
#include "lib/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

static int fail(struct ostler_worker *w, const char *path, int error)
{
	(void)snprintf(w->start.problem, sizeof(w->start.problem),
		"accept lock %.80s: %s", path, strerror(error));
	return -error;
}

int ostler__lock_open(struct ostler_worker *w)
{
	char path[512];
	int n = snprintf(path, sizeof(path), "pid/%s.%s", w->start.transport,
		w->start.service);

	if (n < 0 || (size_t)n >= sizeof(path))
		return fail(w, w->start.service, ENAMETOOLONG);
	w->lock_fd = open(path,
		O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
	return w->lock_fd < 0 ? fail(w, path, errno) : 0;
}

int ostler__lock_take(struct ostler_worker *w)
{
	if (w->lock_fd < 0 || w->locked)
		return 0;
	if (flock(w->lock_fd, LOCK_EX) < 0)
		return -errno;
	w->locked = true;
	return 0;
}

void ostler__lock_release(struct ostler_worker *w)
{
	if (w->locked)
		(void)flock(w->lock_fd, LOCK_UN); /* of a lock we have */
	w->locked = false;
}
