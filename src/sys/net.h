/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_NET_H
#define OSTLER_SYS_NET_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/*
 * net - sockets and named pipes: where clients knock, the wake-up client,
 * and the control socket
 *
 * Knows:   how to open each, and how to put a name into place at once, owned
 *          and protected before anybody can use it.
 * Decides: nothing, except that a path in somebody else's use is refused.
 * Never:   accepts a client of a service, blocks (sys_connect_unix apart), or
 *          follows a symbolic link at the end of a path.
 *
 * All descriptors are CLOEXEC and non-blocking. Every int is 0 or more, or
 * -errno.
 */

/* ---- listeners ---------------------------------------------------------- */

#define NET_IPV4 4
#define NET_IPV6 6
#define NET_BOTH 46 /* one socket for both; IPv4 alone if there is no IPv6 */

struct net_address {
	struct sockaddr_storage storage;
	socklen_t size;
};

struct net_inet {
	bool shared;	  /* SO_REUSEPORT, before it is bound */
	int buffer_bytes; /* for sending and for receiving; 0: the system's */
};

/*
 * A TCP listener. ADDRESS in network order (the first 4 bytes for IPv4, not
 * read for NET_BOTH, which is every address); PORT in host order, 0: any.
 * HOW may be NULL: not shared, the system's buffers.
 */
int sys_listen_inet(int family, const uint8_t address[16], uint16_t port,
	int backlog, const struct net_inet *how);

/*
 * Whether another shared socket may be bound to FD's address, or to one that
 * is part of it, or the other way round: for the moment in which one listener
 * follows another. Off again, whoever asks for the address and does not share
 * is refused; but until both are closed the kernel remembers the port as
 * shared, and lets in who asks for that too (of the same user alone).
 */
int sys_listener_share(int fd, bool on);

/* Where FD is bound, and its port (host order; -EAFNOSUPPORT if it has none) */
int sys_local_address(int fd, struct net_address *out);
int sys_local_port(int fd);

/* Who owns the name of a socket or pipe. (uid_t)-1, (gid_t)-1: leave as is. */
struct net_owner {
	uid_t uid;
	gid_t gid;
	mode_t mode;
	bool directory_group; /* a set-gid directory's group instead of GID */
};

/* What may be at the path already, to be replaced by the commit. */
enum net_replace {
	NET_REPLACE_STALE,  /* its own kind, and no socket that is in use */
	NET_REPLACE_SOCKET, /* its own kind, also one that we use */
	NET_REPLACE_ANY,    /* all but a directory */
};

/*
 * A socket or pipe that is complete but not yet at its path: a reload opens
 * all of them, then commits all or aborts all.
 */
struct net_named {
	int fd;		   /* fd_take() it after the commit; abort closes it */
	int directory;	   /* owned; -1 after commit and abort */
	const char *there; /* borrowed; its path, if it is there already */
	dev_t dev;	   /* the name's file, for sys_unix_unlink() */
	ino_t ino;
	bool any; /* NET_REPLACE_ANY */
	char name[NAME_MAX + 1];
	char temporary[NAME_MAX + 1];
};

/* A net_named that holds nothing: abort and commit do nothing with it. */
#define NET_NAMED_NONE                                                         \
	{                                                                      \
		.fd = -1, .directory = -1                                      \
	}

/*
 * TYPE is SOCK_STREAM or SOCK_DGRAM. -EADDRINUSE: a socket at PATH is in use;
 * -EEXIST: something at PATH is no socket; -EISDIR: it is a directory, which
 * NET_REPLACE_ANY leaves alone too. BACKLOG is not read for datagrams. Nothing
 * is left behind on failure.
 */
int sys_listen_unix(const char *path, int type, int backlog,
	const struct net_owner *owner, enum net_replace replace,
	struct net_named *out);

/* The directory of the socket before: those in a row often share it. */
struct net_nearby {
	int directory; /* owned; or -1 */
	bool set_gid;  /* what is made there has its group */
	gid_t gid;
	char path[PATH_MAX];
};

void net_nearby_finish(struct net_nearby *nearby);

/*
 * The same in half the calls, for a start: it is at PATH and listens before
 * the commit, and the abort removes it. -EADDRINUSE: something is at PATH. OUT
 * borrows PATH.
 */
int sys_listen_unix_at_once(struct net_nearby *nearby, const char *path,
	int type, int backlog, const struct net_owner *owner,
	struct net_named *out);

/*
 * A named pipe, open for reading and writing. -EEXIST: PATH is no pipe. It is
 * a new one, whatever was there: what others wrote is not in it.
 */
int sys_listen_fifo(const char *path, const struct net_owner *owner,
	enum net_replace replace, struct net_named *out);

/*
 * Put it at its path, in one step, over what was there. For both kinds. On
 * failure it can be tried again or aborted. The descriptor stays open.
 */
int sys_listen_unix_commit(struct net_named *named);

/* Remove the temporary name and close the descriptor. Also after a commit:
 * then only the descriptor, if it was not taken. */
void sys_listen_unix_abort(struct net_named *named);

/* Remove PATH if it is still the file DEV, INO; -ESTALE if it is another's. */
int sys_unix_unlink(const char *path, dev_t dev, ino_t ino);

/* Whether PATH is still the file DEV, INO; what cannot be known is true. */
bool sys_unix_is_there(const char *path, dev_t dev, ino_t ino);

/* Another owner and mode for PATH, if it is still the file DEV, INO. */
int sys_unix_protect(
	const char *path, dev_t dev, ino_t ino, const struct net_owner *owner);

/* Change the length of a listener's queue. */
int sys_listen_again(int fd, int backlog);

/* 1 if FD is a listening socket, 0 if it is a socket that does not listen. */
int sys_listener_alive(int fd);

/* 1 if whoever shares FD has shut its reading side down, else 0. */
int sys_is_shut(int fd);

int sys_shutdown(int fd, int how);

/*
 * Shut a listener of AF_UNIX down and close it. If clients wait in its queue
 * they are closed by a child that exits at once: what they sent could make our
 * close sleep. The child is reaped by whoever reaps strangers.
 */
void sys_listener_close(int *fd);

/* Why FD is marked as failed, as an errno value; it is not any more. 0: not. */
int sys_take_error(int fd);

/* 1 if FD is connected to somebody, which no listener for datagrams is. */
int sys_has_peer(int fd);

/* ---- the wake-up client -------------------------------------------------- */

enum wake_kind {
	WAKE_INET,
	WAKE_UNIX,
	WAKE_FIFO,
	WAKE_DGRAM,
};

struct wake_target {
	enum wake_kind kind;
	int family; /* WAKE_INET: NET_IPV4 ...; any address means loopback */
	uint8_t address[16];
	uint16_t port;
	const char *path; /* borrowed; all but WAKE_INET */
};

/*
 * A descriptor that is connected or on its way (TCP: LOOP_OUT tells).
 * -EAGAIN: the listener's queue is full: somebody knocks already.
 */
int sys_wake_start(const struct wake_target *target);

/* One send: the count; -EAGAIN: wait for LOOP_OUT; or why it cannot be. */
int sys_wake_send(int fd, const void *data, size_t n);

/*
 * The same to a service whose clients come as descriptors: N bytes, at most
 * PIPE_BUF, in a pipe, of which it gets the end to read, with a NUL. 0 once
 * that is sent.
 */
int sys_wake_pass(int fd, const void *data, size_t n);

/* ---- the control socket --------------------------------------------------- */

struct peer {
	int pid;
	uid_t uid;
	gid_t gid;
};

/* The next client; -EAGAIN: none is there. */
int sys_accept(int fd);

int sys_peer(int fd, struct peer *out);

/* 1 if GID is the peer's group or one of its supplementary ones. */
int sys_peer_in_group(int fd, gid_t gid);

/*
 * A connected, *blocking* stream socket, for the command line. Sends and
 * receives fail with EAGAIN after TIMEOUT_NS (0: never).
 */
int sys_connect_unix(const char *path, uint64_t timeout_ns);

#endif
