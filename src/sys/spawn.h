/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_SPAWN_H
#define OSTLER_SYS_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * spawn - start a program as ordered, without sleeping and without growing
 *
 * Knows:   the starts in flight: each has a slot that holds all its child
 *          needs until it has exec'd or died.
 * Decides: how: a child that shares our memory and descriptors until exec
 *          (MECHANISMS B15), or plain fork where the kernel refuses that.
 * Never:   waits, and never lets a descriptor through that was not ordered.
 *
 * A spawner belongs to one process. While a start is in flight the process
 * must not become dumpable again (PR_SET_DUMPABLE).
 */
struct program;
struct spawner;

enum spawn_method {
	SPAWN_AUTO, /* SPAWN_CLONE, and SPAWN_FORK where it is refused */
	SPAWN_FORK,
	SPAWN_CLONE,
};

#define SPAWN_FDS_MAX 128
#define SPAWN_LIMITS_MAX 16
#define SPAWN_GROUPS_MAX 64

/* The child's steps, in their order. */
enum spawn_stage {
	SPAWN_DONE = 0, /* it has exec'd */
	SPAWN_STAGE_FORK,
	SPAWN_STAGE_FDS,
	SPAWN_STAGE_SIGNALS,
	SPAWN_STAGE_SESSION,
	SPAWN_STAGE_LIMITS,
	SPAWN_STAGE_DIRECTORY,
	SPAWN_STAGE_GROUPS,
	SPAWN_STAGE_GID,
	SPAWN_STAGE_UID,
	SPAWN_STAGE_VERIFY,
	SPAWN_STAGE_PRIVS,
	SPAWN_STAGE_EXEC,
	SPAWN_STAGES,
};

/* "fork", "fds", ... "exec"; "done" for 0. */
const char *spawn_stage_name(int stage);

struct spawn_limit {
	int resource;	     /* RLIMIT_... */
	uint64_t soft, hard; /* UINT64_MAX: unlimited */
};

/* Everything is copied by spawn_start(). */
struct spawn_order {
	const char *path;
	const struct program *program; /* held: what is executed if PATH is
					* another file by now; or NULL */
	const char *const *argv;
	const char *const *envp;
	const char *directory; /* NULL: as we are */
	mode_t umask;
	bool switch_user; /* else uid, gid and groups are not read */
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* the supplementary ones, exactly */
	unsigned groups_n;
	const struct spawn_limit *limits;
	unsigned limits_n;
	const int *fds; /* fds[i] becomes i; -1: i is closed */
	unsigned fds_n; /* everything from fds_n up is closed */
	bool new_session;
	bool no_new_privs;
	uint64_t ignored; /* bit (1 << (signal - 1)): ignored; else default */
};

struct spawned {
	int pid;
	int pidfd; /* the caller's; readable when the child is dead */
};

struct spawn_done {
	uint64_t cookie;
	int pid;
	int stage; /* SPAWN_DONE, or where it failed */
	int error; /* errno; ECANCELED: it was killed before it could exec */
};

/*
 * Create it early: its reserved descriptors take the lowest free numbers from
 * 3 up (about 200; fewer where RLIMIT_NOFILE is low). SPAWN_CLONE fails where
 * it cannot be had (-ENOSYS, -EPERM). What is ignored only later stays so in
 * the children of SPAWN_CLONE.
 */
int spawner_create(struct spawner **out, enum spawn_method method);

/* Children in flight are killed; the caller reaps them. NULL is fine. */
void spawner_destroy(struct spawner *spawner);

/* SPAWN_FORK or SPAWN_CLONE: what it really does. */
enum spawn_method spawner_method(const struct spawner *spawner);

/*
 * 0: the child is on its way and spawn_collect() will tell COOKIE's end.
 * -EBUSY: all slots are taken; try again after spawn_collect(). (Not -EAGAIN:
 * that is the kernel's word for no more processes.) Any other -errno is a
 * failure at SPAWN_STAGE_FORK; nothing was started. The order's descriptors
 * may be closed as soon as this returns.
 */
int spawn_start(struct spawner *spawner, const struct spawn_order *order,
	uint64_t cookie, struct spawned *out);

/*
 * The starts that came to their end since the last call. Until then copies of
 * a start's descriptors stay open here: a channel's other end is not closed
 * (no LOOP_HUP) before its start is collected, so collect before the rest. A failed one leaves
 * a dead child to be reaped by its pidfd. Also kills those past their time.
 * Costs no system call for starts in time.
 */
unsigned spawn_collect(
	struct spawner *spawner, struct spawn_done *out, unsigned max);

/*
 * Starts in flight. While there are any, look again within 20 ms, and within
 * 1 ms while a start waits for a slot: nothing else tells that one is free.
 */
unsigned spawn_busy(const struct spawner *spawner);

/* When the first one is past its time (10 s); UINT64_MAX: none in flight. */
uint64_t spawn_deadline(const struct spawner *spawner);

#endif
