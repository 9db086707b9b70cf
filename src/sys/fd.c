/* SPDX-License-Identifier: MIT */
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

int fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

void fd_close(int *fd)
{
	int kept = errno;

	/* Not retried after EINTR: Linux has let go of the number by then. */
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	errno = kept;
}

void sys_free(void *pointer)
{
	char **owner = pointer;

	free(*owner);
	*owner = NULL;
}

int fd_above(int fd, int lowest)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, lowest);

	return copy < 0 ? -errno : copy;
}

/* One bit of a descriptor's flags, read and written with GET and SET. */
static int set_flag(int fd, int get, int set, int bit, bool on)
{
	int old = fcntl(fd, get);
	int new;

	if (old < 0)
		return -errno;
	new = on ? old | bit : old & ~bit;
	if (new != old && fcntl(fd, set, new) < 0)
		return -errno;
	return 0;
}

int fd_nonblocking(int fd, bool on)
{
	return set_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, on);
}

int fd_inherit(int fd, bool on)
{
	return set_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, !on);
}

int sys_open_null(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : fd;
}

int sys_pipe(int out[2], bool nonblocking)
{
	int flags = nonblocking ? O_CLOEXEC | O_NONBLOCK : O_CLOEXEC;
	int ends[2];

	if (pipe2(ends, flags) < 0)
		return -errno;
	out[0] = ends[0];
	out[1] = ends[1];
	return 0;
}

int sys_write(int fd, const void *data, size_t n)
{
	ssize_t done;

	do
		done = write(fd, data, n);
	while (done < 0 && errno == EINTR);
	return done < 0 ? -errno : (int)done;
}

int sys_read(int fd, void *data, size_t n)
{
	ssize_t done;

	do
		done = read(fd, data, n);
	while (done < 0 && errno == EINTR);
	return done < 0 ? -errno : (int)done;
}

int sys_readable(int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	int n = poll(&ready, 1, 0);

	if (n < 0)
		return -errno;
	return n == 1 && (ready.revents & POLLIN) ? 1 : 0;
}

int sys_hung_up(int fd)
{
	struct pollfd ready = {.fd = fd, .events = 0};
	int n = poll(&ready, 1, 0);

	if (n < 0)
		return -errno;
	return n == 1 && (ready.revents & POLLHUP) ? 1 : 0;
}

int sys_open_standard(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_NOCTTY);
		if (fd < 0)
			return -errno;
	} while (fd <= STDERR_FILENO);
	close(fd);
	return 0;
}
