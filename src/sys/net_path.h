/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_NET_PATH_H
#define OSTLER_SYS_NET_PATH_H

#include <limits.h>

/*
 * net_path - sockets by path, for sys/ alone
 *
 * Knows:   that an AF_UNIX address has room for 107 bytes, and that a longer
 *          path is reached through /proc/self/fd.
 * Decides: nothing.
 * Never:   follows a symbolic link at the end of a path; the directory's own
 *          name may be one of root's or ours (/var/run is).
 */

/* A directory (O_PATH) and the name of an entry in it. */
struct net_place {
	int directory;	    /* owned: fd_close() it */
	const char *prefix; /* borrowed: the path, of which ... */
	int prefix_n;	    /* ... so many bytes lead to the directory */
	char name[NAME_MAX + 1];
};

/* Each: 0, or -errno. */
int net_open_place(const char *path, struct net_place *out);
int net_bind_at(int fd, const struct net_place *place, const char *name);

/* The same, but the directory is borrowed from NEARBY. */
struct net_nearby;
int net_find_place(
	struct net_nearby *nearby, const char *path, struct net_place *out);

/* Connect FD to the socket at PATH, of any length. */
int net_connect_path(int fd, const char *path);

/* Is somebody behind the socket FILE (O_PATH)? 1, 0, or -errno. */
int net_is_live(int file);

#endif
