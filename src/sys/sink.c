/* SPDX-License-Identifier: MIT */
#include "sys/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys/lockfile.h"
#include "sys/net_path.h"

#define HEAD_MAX (SINK_TAG_MAX + SINK_HOST_MAX + 64)

/* journald tells by device and inode that stderr is its own. */
static bool is_journal(const struct stat *st)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev;
	unsigned long long ino;

	return stream != NULL && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
	       dev == st->st_dev && ino == st->st_ino;
}

void sink_open_stderr(struct sink *sink)
{
	struct stat st;

	*sink = (struct sink){.kind = SINK_STDERR, .fd = STDERR_FILENO};
	if (fstat(STDERR_FILENO, &st) < 0) {
		sink->kind = SINK_NONE;
		return;
	}
	sink->is_socket = S_ISSOCK(st.st_mode);
	if (is_journal(&st))
		sink->kind = SINK_JOURNAL;
	if (!sink->is_socket)
		sink->fd = open(
			"/proc/self/fd/2", O_WRONLY | O_APPEND | O_NONBLOCK |
						   O_NOCTTY | O_CLOEXEC);
	/* Not ours to open, perhaps; then we ask before each write. */
	if (sink->fd < 0)
		sink->fd = STDERR_FILENO;
}

void sink_open_syslog(struct sink *sink, const char *tag, int facility)
{
	*sink = (struct sink){.kind = SINK_SYSLOG,
		.fd = -1,
		.is_socket = true,
		.facility = facility};
	(void)snprintf(sink->tag, sizeof(sink->tag), "%s", tag);
}

void sink_open_postlog(struct sink *sink, const struct sink_postlog *postlog)
{
	*sink = (struct sink){
		.kind = SINK_POSTLOG, .fd = -1, .is_socket = true};
	(void)snprintf(sink->tag, sizeof(sink->tag), "%s", postlog->tag);
	(void)snprintf(sink->host, sizeof(sink->host), "%s", postlog->host);
	(void)snprintf(
		sink->socket, sizeof(sink->socket), "%s", postlog->socket);
	(void)snprintf(sink->file, sizeof(sink->file), "%s", postlog->file);
}

void sink_close(struct sink *sink)
{
	if (sink->fd > STDERR_FILENO)
		close(sink->fd);
	*sink = (struct sink){.kind = SINK_NONE, .fd = -1};
}

static int syslog_connect(struct sink *sink)
{
	struct sockaddr_un address = {
		.sun_family = AF_UNIX, .sun_path = "/dev/log"};

	if (sink->fd >= 0)
		return 0;
	sink->fd =
		socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sink->fd < 0)
		return -errno;
	if (connect(sink->fd, (const struct sockaddr *)&address,
		    sizeof(address)) < 0) {
		int error = errno;

		close(sink->fd);
		sink->fd = -1;
		return -error;
	}
	return 0;
}

static int head(const struct sink *sink, int severity, char *out, size_t room)
{
	struct timespec now;
	struct tm tm;
	char time[40] = "";

	clock_gettime(CLOCK_REALTIME, &now);
	switch (sink->kind) {
	case SINK_JOURNAL:
		return snprintf(out, room, "<%d>", severity);
	case SINK_SYSLOG:
		localtime_r(&now.tv_sec, &tm);
		strftime(time, sizeof(time), "%b %e %H:%M:%S", &tm);
		return snprintf(out, room,
			"<%d>%s %s[%d]: ", sink->facility * 8 + severity, time,
			sink->tag, (int)getpid());
	case SINK_POSTLOG:
		localtime_r(&now.tv_sec, &tm);
		strftime(time, sizeof(time), "%b %d %H:%M:%S", &tm);
		return snprintf(out, room, "%s %s %s[%d]: ", time, sink->host,
			sink->tag, (int)getpid());
	case SINK_STDERR:
	case SINK_NONE:
		break;
	}
	gmtime_r(&now.tv_sec, &tm);
	strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%S", &tm);
	return snprintf(out, room, "%s.%03ldZ ", time, now.tv_nsec / 1000000);
}

/* A line of up to PIPE_BUF bytes goes into a pipe whole or not at all. */
static int put(int fd, bool is_socket, const struct iovec *parts, int n)
{
	struct msghdr message = {
		.msg_iov = (struct iovec *)(unsigned long)parts,
		.msg_iovlen = (size_t)n};
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	ssize_t written;

	if (is_socket)
		written = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	else if (fd == STDERR_FILENO && poll(&ready, 1, 0) != 1)
		return -EAGAIN;
	else
		written = writev(fd, parts, n);
	return written < 0 ? -errno : 0;
}

static int write_syslog(struct sink *sink, const struct iovec parts[2])
{
	int result = syslog_connect(sink);

	if (result == 0)
		result = put(sink->fd, true, parts, 2);
	if (result == 0 || result == -EAGAIN)
		return result;
	/* The logger was restarted: a new connection next time. */
	fd_close(&sink->fd);
	return -EAGAIN;
}

/*
 * postlogd's file. It is /dev/stdout in containers, and that may be a pipe or
 * a socket: the latter cannot be opened, but is there already.
 */
static bool is_stdout(const struct sink *sink)
{
	return strcmp(sink->file, "/dev/stdout") == 0;
}

/* Its directory may be another's, who would have us write elsewhere. */
static int open_file(const struct sink *sink)
{
	AUTO_CLOSE int fd = -1;
	int flags = O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	const char *problem;
	int result;

	fd = open(sink->file, flags);
	if (fd < 0 && errno == ENOENT)
		fd = open(sink->file, flags | O_CREAT | O_EXCL, 0644);
	if (fd < 0)
		return -errno;
	result = is_stdout(sink) ? 0 : sys_check_name(fd, sink->file, &problem);
	return result < 0 ? result : fd_take(&fd);
}

static int append(const struct sink *sink, const struct iovec parts[3])
{
	AUTO_CLOSE int fd = open_file(sink);

	if (fd == -ENXIO && is_stdout(sink))
		return put(STDOUT_FILENO, true, parts, 3);
	return fd < 0 ? fd : put(fd, false, parts, 3);
}

/*
 * Connected for each line: a socket that took the place of postlogd's is the
 * one to tell, though an old reader may still hold the other.
 */
static int write_postlog(struct sink *sink, const struct iovec parts[3])
{
	int result = 0;

	if (sink->fd < 0)
		sink->fd = socket(
			AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sink->fd < 0)
		result = -errno;
	if (result == 0)
		result = net_connect_path(sink->fd, sink->socket);
	if (result == 0)
		result = put(sink->fd, true, parts, 2);
	if (result == 0 || result == -EAGAIN)
		return result;
	return append(sink, parts);
}

static int write_line(struct sink *sink, int severity, const char *line,
	size_t n, bool direct)
{
	char before[HEAD_MAX];
	struct iovec parts[3];
	int size;

	size = head(sink, severity, before, sizeof(before));
	parts[0] = (struct iovec){before, (size_t)size};
	parts[1] = (struct iovec){(char *)(unsigned long)line, n};
	parts[2] = (struct iovec){(char[]){'\n'}, 1};
	switch (sink->kind) {
	case SINK_NONE:
		return 0;
	case SINK_STDERR:
	case SINK_JOURNAL:
		break;
	case SINK_SYSLOG:
		return write_syslog(sink, parts);
	case SINK_POSTLOG:
		return direct ? append(sink, parts)
			      : write_postlog(sink, parts);
	}
	return put(sink->fd, sink->is_socket, parts, 3);
}

int sink_write(struct sink *sink, int severity, const char *line, size_t n)
{
	return write_line(sink, severity, line, n, false);
}

int sink_write_direct(
	struct sink *sink, int severity, const char *line, size_t n)
{
	return write_line(sink, severity, line, n, true);
}

int sink_forward(struct sink *sink, const char *line, size_t n)
{
	struct iovec parts[3] = {{(char *)(unsigned long)line, n}, {NULL, 0},
		{(char[]){'\n'}, 1}};

	return sink->kind == SINK_POSTLOG ? append(sink, parts) : 0;
}
