/* SPDX-License-Identifier: MIT */
#include "sys/net_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys/net.h"

/* 0, or -ENAMETOOLONG where N, as snprintf says it, did not fit. */
static int fits(int n)
{
	return n > 0 && (size_t)n < sizeof(((struct sockaddr_un *)0)->sun_path)
		       ? 0
		       : -ENAMETOOLONG;
}

static int connect_to(int fd, const struct sockaddr_un *at)
{
	if (connect(fd, (const struct sockaddr *)at, sizeof(*at)) < 0)
		return -errno;
	return 0;
}

/* ---- the directory ------------------------------------------------------------ */

/* PATH is a symbolic link that root or we have made. */
static bool is_trusted_link(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode) &&
	       (st.st_uid == 0 || st.st_uid == geteuid());
}

static int open_directory(const char *path)
{
	int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
	int fd = open(path, flags | O_NOFOLLOW);
	int error = errno;

	if (fd >= 0)
		return fd;
	if ((error != ENOTDIR && error != ELOOP) || !is_trusted_link(path))
		return -error;
	fd = open(path, flags);
	return fd < 0 ? -errno : fd;
}

/* All of *OUT but the descriptor, and DIRECTORY's name. */
static int split(const char *path, struct net_place *out, char directory[])
{
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;
	size_t prefix_n = (size_t)(name - path);

	memcpy(directory, ".", 2);
	if (name[0] == '\0' || strcmp(name, ".") == 0 ||
		strcmp(name, "..") == 0)
		return -EISDIR;
	if (strlen(name) > NAME_MAX || prefix_n >= PATH_MAX)
		return -ENAMETOOLONG;
	if (prefix_n > 0) {
		memcpy(directory, path, prefix_n);
		directory[prefix_n] = '\0';
		/* A slash at the end would follow a link, whatever the flag. */
		while (prefix_n > 1 && directory[prefix_n - 1] == '/')
			directory[--prefix_n] = '\0';
	}
	out->directory = -1;
	out->prefix = path;
	out->prefix_n = (int)(name - path);
	memcpy(out->name, name, strlen(name) + 1);
	return 0;
}

int net_open_place(const char *path, struct net_place *out)
{
	char directory[PATH_MAX];
	int result = split(path, out, directory);

	if (result < 0)
		return result;
	out->directory = open_directory(directory);
	return out->directory < 0 ? out->directory : 0;
}

int net_find_place(
	struct net_nearby *nearby, const char *path, struct net_place *out)
{
	char directory[PATH_MAX];
	struct stat st;
	int result = split(path, out, directory);

	if (result < 0)
		return result;
	if (nearby->directory < 0 || strcmp(nearby->path, directory) != 0) {
		net_nearby_finish(nearby);
		nearby->path[0] = '\0';
		nearby->directory = open_directory(directory);
		if (nearby->directory < 0)
			return nearby->directory;
		if (fstat(nearby->directory, &st) < 0)
			return -errno;
		nearby->set_gid = (st.st_mode & S_ISGID) != 0;
		nearby->gid = st.st_gid;
		memcpy(nearby->path, directory, strlen(directory) + 1);
	}
	out->directory = nearby->directory;
	return 0;
}

void net_nearby_finish(struct net_nearby *nearby)
{
	fd_close(&nearby->directory);
}

/* ---- addresses ------------------------------------------------------------------- */

/*
 * The path as the operator wrote it, if that fits: it is what ss(8) shows. The
 * caller sees to it that the file has appeared in PLACE's directory.
 */
int net_bind_at(int fd, const struct net_place *place, const char *name)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int result = fits(snprintf(at.sun_path, sizeof(at.sun_path), "%.*s%s",
		place->prefix_n, place->prefix, name));

	if (result < 0)
		result = fits(snprintf(at.sun_path, sizeof(at.sun_path),
			"/proc/self/fd/%d/%s", place->directory, name));
	if (result < 0)
		return result;
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0)
		return -errno;
	return 0;
}

static int connect_file(int fd, int file)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int result = fits(snprintf(
		at.sun_path, sizeof(at.sun_path), "/proc/self/fd/%d", file));

	return result < 0 ? result : connect_to(fd, &at);
}

int net_connect_path(int fd, const char *path)
{
	AUTO_CLOSE int file = -1;
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	if (fits(snprintf(at.sun_path, sizeof(at.sun_path), "%s", path)) == 0)
		return connect_to(fd, &at);
	file = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return file < 0 ? -errno : connect_file(fd, file);
}

int net_is_live(int file)
{
	AUTO_CLOSE int fd = -1;
	int result;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	result = connect_file(fd, file);
	switch (-result) {
	case 0:
	case EAGAIN:	 /* its queue is full */
	case EPROTOTYPE: /* it is of another kind, so it is */
		return 1;
	case ECONNREFUSED:
		return 0;
	}
	return result;
}
