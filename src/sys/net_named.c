/* SPDX-License-Identifier: MIT */
/*
 * Sockets and pipes with a name. Each is made under a temporary name in the
 * directory it belongs to, gets its owner and mode there, and is renamed over
 * its path when all is ready: nobody ever sees a half-made or missing one.
 */
#include "sys/net.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys/net_path.h"

#define SHORT_NAME 40 /* up to here a temporary name shows the real one */

/* ---- what is there already ---------------------------------------------------- */

enum there {
	THERE_NOTHING,
	THERE_STALE, /* a socket, and nobody is behind it */
	THERE_SOMETHING,
};

/* FILE is a socket, to be replaced by another. */
static int look_behind(
	int file, enum net_replace replace, enum there *out_there)
{
	int live = net_is_live(file);

	if (live == 0)
		*out_there = THERE_STALE;
	if (replace == NET_REPLACE_ANY)
		return 0;
	return live > 0 ? -EADDRINUSE : live;
}

/* 0 if NAME may be replaced, or is free. KIND is S_IFSOCK or S_IFIFO. */
static int look_at(int directory, const char *name, mode_t kind,
	enum net_replace replace, enum there *out_there)
{
	AUTO_CLOSE int file = -1;
	struct stat st;

	*out_there = THERE_NOTHING;
	file = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (file < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(file, &st) < 0)
		return -errno;
	*out_there = THERE_SOMETHING;
	if (replace == NET_REPLACE_ANY && S_ISDIR(st.st_mode))
		return -EISDIR;
	if (replace != NET_REPLACE_ANY && (st.st_mode & S_IFMT) != kind)
		return -EEXIST;
	if (kind != S_IFSOCK || !S_ISSOCK(st.st_mode) ||
		replace == NET_REPLACE_SOCKET)
		return 0;
	return look_behind(file, replace, out_there);
}

/* A temporary name is left over only by a crash: remove it. */
static int clear_temporary(
	int directory, const char *name, mode_t kind, enum net_replace replace)
{
	enum there there;
	int result = look_at(directory, name, kind,
		replace == NET_REPLACE_ANY ? replace : NET_REPLACE_STALE,
		&there);

	if (result < 0 || there == THERE_NOTHING)
		return result;
	return unlinkat(directory, name, 0) < 0 ? -errno : 0;
}

/* Always the same for one name, so that the next start finds leftovers. */
static void name_temporary(const char *name, char out[NAME_MAX + 1])
{
	uint64_t hash = 14695981039346656037u; /* FNV-1a */

	for (const char *c = name; *c != '\0'; c++)
		hash = (hash ^ (unsigned char)*c) * 1099511628211u;
	if (strlen(name) <= SHORT_NAME)
		(void)snprintf(out, NAME_MAX + 1, ".%s.new", name);
	else
		(void)snprintf(out, NAME_MAX + 1, ".ostler-%016llx.new",
			(unsigned long long)hash);
}

/* ---- preparing ------------------------------------------------------------------ */

/* *OUT without a descriptor: the directory, both names, and room for them. */
static int prepare(struct net_place *place, mode_t kind,
	enum net_replace replace, struct net_named *out, enum there *out_there)
{
	int result = look_at(
		place->directory, place->name, kind, replace, out_there);

	if (result < 0)
		return result;
	*out = (struct net_named){
		.fd = -1, .directory = -1, .any = replace == NET_REPLACE_ANY};
	memcpy(out->name, place->name, sizeof(out->name));
	name_temporary(place->name, out->temporary);
	return clear_temporary(place->directory, out->temporary, kind, replace);
}

/*
 * Give FILE (O_PATH) its owner and then its mode. Never by its name: that
 * could be exchanged meanwhile by whoever may write to the directory.
 */
static int give(int directory, int file, const struct net_owner *owner)
{
	gid_t gid = owner->gid;
	char path[32];
	struct stat st;

	if (owner->directory_group && fstat(directory, &st) < 0)
		return -errno;
	if (owner->directory_group && (st.st_mode & S_ISGID) != 0)
		gid = st.st_gid;
	if (fchownat(file, "", owner->uid, gid, AT_EMPTY_PATH) < 0)
		return -errno;
	/* fchmod(2) does not take what O_PATH opened. */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	return fchmodat(AT_FDCWD, path, owner->mode & 07777, 0) < 0 ? -errno
								    : 0;
}

static int protect(int directory, mode_t kind, const struct net_owner *owner,
	struct net_named *out)
{
	AUTO_CLOSE int file = -1;
	int result;
	struct stat st;

	file = openat(
		directory, out->temporary, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (file < 0)
		return -errno;
	if (fstat(file, &st) < 0)
		return -errno;
	if ((st.st_mode & S_IFMT) != kind || st.st_uid != geteuid())
		return -ESTALE;
	result = give(directory, file, owner);
	if (result < 0)
		return result;
	out->dev = st.st_dev;
	out->ino = st.st_ino;
	return 0;
}

/* MODE is the one that bind() gives to the file. */
static int open_socket(int type, mode_t mode)
{
	AUTO_CLOSE int fd = -1;
	int on = 1;

	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (fchmod(fd, mode) < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on)) < 0)
		return -errno;
	return fd_take(&fd);
}

/*
 * The kernel remembers the name that a socket was bound to: it is what
 * getsockname(2) and ss(8) show, whatever the file is called later. So a free
 * name, or a stale one, is used for that moment. What is in use keeps its
 * name until the commit; then the temporary one is what is shown.
 */
static int bind_as_itself(int fd, const struct net_place *place,
	const struct net_named *named, bool stale)
{
	char aside[NAME_MAX + 1];
	int directory = place->directory;
	int result;

	(void)snprintf(aside, sizeof(aside), "%.*s.old",
		(int)strlen(named->temporary) - 4, named->temporary);
	if (stale && renameat(directory, place->name, directory, aside) < 0)
		return -errno;
	result = net_bind_at(fd, place, place->name);
	if (result == 0 && renameat(directory, place->name, directory,
				   named->temporary) < 0) {
		result = -errno;
		(void)unlinkat(directory, place->name, 0);
	}
	/* Nobody uses it: it need not come back, but must not stay aside. */
	if (stale && renameat(directory, aside, directory, place->name) < 0)
		(void)unlinkat(directory, aside, 0);
	return result;
}

/* From a fresh socket to one that only lacks its name. */
static int finish_socket(int fd, int type, int backlog, int directory,
	const struct net_owner *owner, struct net_named *out)
{
	int result = protect(directory, S_IFSOCK, owner, out);

	if (result == 0 && type == SOCK_STREAM && listen(fd, backlog) < 0)
		result = -errno;
	if (result < 0)
		(void)unlinkat(directory, out->temporary, 0);
	return result;
}

int sys_listen_unix(const char *path, int type, int backlog,
	const struct net_owner *owner, enum net_replace replace,
	struct net_named *out)
{
	struct net_place place;
	AUTO_CLOSE int directory = -1;
	AUTO_CLOSE int fd = -1;
	struct net_named named;
	enum there there;
	int result = net_open_place(path, &place);

	if (result < 0)
		return result;
	directory = place.directory;
	result = prepare(&place, S_IFSOCK, replace, &named, &there);
	if (result < 0)
		return result;
	fd = open_socket(type, 0); /* nobody may use it yet */
	if (fd < 0)
		return fd;
	/* In use, or too long to be shown: the temporary one will do. */
	result = there == THERE_SOMETHING ? -ENAMETOOLONG
					  : bind_as_itself(fd, &place, &named,
						    there == THERE_STALE);
	if (result == -ENAMETOOLONG)
		result = net_bind_at(fd, &place, named.temporary);
	if (result < 0)
		return result;
	result = finish_socket(fd, type, backlog, directory, owner, &named);
	if (result < 0)
		return result;
	named.fd = fd_take(&fd);
	named.directory = fd_take(&directory);
	*out = named;
	return 0;
}

/* ---- at once ------------------------------------------------------------------- */

/* (gid_t)-1: any. */
static gid_t wanted_group(
	const struct net_owner *owner, const struct net_nearby *nearby)
{
	return owner->directory_group && nearby->set_gid ? nearby->gid
							 : owner->gid;
}

/* A file that we make there has the right owner by itself. */
static bool is_owner(
	const struct net_owner *owner, const struct net_nearby *nearby)
{
	gid_t gid = wanted_group(owner, nearby);

	return (owner->uid == (uid_t)-1 || owner->uid == geteuid()) &&
	       (gid == (gid_t)-1 ||
		       gid == (nearby->set_gid ? nearby->gid : getegid()));
}

static bool is_owned(const struct stat *file, const struct net_owner *owner,
	const struct net_nearby *nearby)
{
	gid_t gid = wanted_group(owner, nearby);

	return (owner->uid == (uid_t)-1 || owner->uid == file->st_uid) &&
	       (gid == (gid_t)-1 || gid == file->st_gid) &&
	       (file->st_mode & 07777) == (owner->mode & 07777);
}

/* The name that we have bound: see whose it is, and make it OWNER's. */
static int protect_there(const struct net_nearby *nearby,
	const struct net_place *place, const struct net_owner *owner,
	struct net_named *out)
{
	AUTO_CLOSE int file = -1;
	struct stat st;

	if (fstatat(place->directory, place->name, &st, AT_SYMLINK_NOFOLLOW) <
		0) {
		int error = -errno;

		(void)unlinkat(place->directory, place->name, 0);
		return error;
	}
	if (!S_ISSOCK(st.st_mode) || st.st_uid != geteuid())
		return -ESTALE;
	out->dev = st.st_dev;
	out->ino = st.st_ino;
	if (is_owned(&st, owner, nearby))
		return 0;
	file = openat(
		place->directory, place->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (file < 0 || fstat(file, &st) < 0)
		return -errno;
	if (st.st_dev != out->dev || st.st_ino != out->ino)
		return -ESTALE;
	return give(place->directory, file, owner);
}

/* As bind() makes it, MODE is the file's, whatever our mask is. */
static int bind_unmasked(int fd, const struct net_place *place)
{
	mode_t mask = umask(0);
	int result = net_bind_at(fd, place, place->name);

	(void)umask(mask);
	return result;
}

int sys_listen_unix_at_once(struct net_nearby *nearby, const char *path,
	int type, int backlog, const struct net_owner *owner,
	struct net_named *out)
{
	AUTO_CLOSE int fd = -1;
	struct net_named named = NET_NAMED_NONE;
	struct net_place place;
	int result = net_find_place(nearby, path, &place);

	if (result < 0)
		return result;
	/* Until it is its owner's, nobody may use it. */
	fd = open_socket(
		type, is_owner(owner, nearby) ? owner->mode & 07777 : 0);
	if (fd < 0)
		return fd;
	result = bind_unmasked(fd, &place);
	if (result < 0)
		return result;
	result = protect_there(nearby, &place, owner, &named);
	if (result == 0 && type == SOCK_STREAM && listen(fd, backlog) < 0)
		result = -errno;
	if (result < 0) {
		(void)sys_unix_unlink(path, named.dev, named.ino);
		return result;
	}
	named.fd = fd_take(&fd);
	named.there = path;
	*out = named;
	return 0;
}

/* ---- pipes ----------------------------------------------------------------------- */

static int open_fifo(int directory, const char *name)
{
	AUTO_CLOSE int fd = -1;
	struct stat st;

	/* For us alone until it has its owner. */
	if (mkfifoat(directory, name, S_IRUSR | S_IWUSR) < 0)
		return -errno;
	fd = openat(directory, name,
		O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	return S_ISFIFO(st.st_mode) ? fd_take(&fd) : -ESTALE;
}

int sys_listen_fifo(const char *path, const struct net_owner *owner,
	enum net_replace replace, struct net_named *out)
{
	struct net_place place;
	AUTO_CLOSE int directory = -1;
	AUTO_CLOSE int fd = -1;
	struct net_named named;
	enum there there;
	int result = net_open_place(path, &place);

	if (result < 0)
		return result;
	directory = place.directory;
	result = prepare(&place, S_IFIFO, replace, &named, &there);
	if (result < 0)
		return result;
	fd = open_fifo(directory, named.temporary);
	result = fd < 0 ? fd : protect(directory, S_IFIFO, owner, &named);
	if (result < 0) {
		(void)unlinkat(directory, named.temporary, 0);
		return result;
	}
	named.fd = fd_take(&fd);
	named.directory = fd_take(&directory);
	*out = named;
	return 0;
}

/* ---- putting it there, or not ----------------------------------------------------- */

int sys_listen_unix_commit(struct net_named *named)
{
	struct stat st;

	named->there = NULL;
	if (named->directory < 0)
		return 0;
	/* Nothing but what we were ready to replace is replaced. */
	if (!named->any &&
		fstatat(named->directory, named->name, &st,
			AT_SYMLINK_NOFOLLOW) == 0 &&
		!S_ISSOCK(st.st_mode) && !S_ISFIFO(st.st_mode))
		return -EEXIST;
	if (renameat(named->directory, named->temporary, named->directory,
		    named->name) < 0)
		return -errno;
	fd_close(&named->directory);
	return 0;
}

void sys_listen_unix_abort(struct net_named *named)
{
	if (named->directory >= 0)
		(void)unlinkat(named->directory, named->temporary, 0);
	if (named->there != NULL)
		(void)sys_unix_unlink(named->there, named->dev, named->ino);
	named->there = NULL;
	fd_close(&named->directory);
	fd_close(&named->fd);
}

int sys_unix_unlink(const char *path, dev_t dev, ino_t ino)
{
	struct net_place place;
	AUTO_CLOSE int directory = -1;
	struct stat st;
	int result = net_open_place(path, &place);

	if (result < 0)
		return result;
	directory = place.directory;
	if (fstatat(directory, place.name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (st.st_dev != dev || st.st_ino != ino)
		return -ESTALE;
	return unlinkat(directory, place.name, 0) < 0 ? -errno : 0;
}

bool sys_unix_is_there(const char *path, dev_t dev, ino_t ino)
{
	struct net_place place;
	AUTO_CLOSE int directory = -1;
	struct stat st;
	int result = net_open_place(path, &place);

	if (result < 0)
		return result != -ENOENT;
	directory = place.directory;
	if (fstatat(directory, place.name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno != ENOENT;
	return st.st_dev == dev && st.st_ino == ino;
}

int sys_unix_protect(
	const char *path, dev_t dev, ino_t ino, const struct net_owner *owner)
{
	struct net_place place;
	AUTO_CLOSE int directory = -1;
	AUTO_CLOSE int file = -1;
	struct stat st;
	int result = net_open_place(path, &place);

	if (result < 0)
		return result;
	directory = place.directory;
	file = openat(directory, place.name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (file < 0 || fstat(file, &st) < 0)
		return -errno;
	if (st.st_dev != dev || st.st_ino != ino)
		return -ESTALE;
	return give(directory, file, owner);
}
