/* SPDX-License-Identifier: MIT */
#include "sys/spawn.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/daemon.h"
#include "sys/fd.h"
#include "sys/spawn_park.h"
#include "sys/spawn_slot.h"

/* A burst loses a little with 4, and gains nothing with 32. */
#define SLOTS_MAX PARK_BLOCKS_MAX
#define SLOTS_FEW 4
#define SPARE_FDS 64u /* left to the process where RLIMIT_NOFILE is low */
#define START_NS 10000000000u
#define KILLED_NS 1000000000u
#define LIBC_SIGNALS (UINT64_C(3) << 31) /* 32 and 33: libc tells nobody */

struct spawner {
	enum spawn_method method;
	struct spawn_report *reports; /* owned; shared with forked children */
	struct spawn_slot slots[SLOTS_MAX];
	unsigned slots_n;
	unsigned busy;
	uint64_t ignored;	/* signals; CLONE_CLEAR_SIGHAND leaves them */
	struct spawn_park park; /* SPAWN_CLONE: its children's descriptors */
};

static const char *const stage_names[SPAWN_STAGES] = {
	[SPAWN_DONE] = "done",
	[SPAWN_STAGE_FORK] = "fork",
	[SPAWN_STAGE_FDS] = "fds",
	[SPAWN_STAGE_SIGNALS] = "signals",
	[SPAWN_STAGE_SESSION] = "session",
	[SPAWN_STAGE_LIMITS] = "limits",
	[SPAWN_STAGE_DIRECTORY] = "directory",
	[SPAWN_STAGE_GROUPS] = "groups",
	[SPAWN_STAGE_GID] = "gid",
	[SPAWN_STAGE_UID] = "uid",
	[SPAWN_STAGE_VERIFY] = "verify",
	[SPAWN_STAGE_PRIVS] = "privs",
	[SPAWN_STAGE_EXEC] = "exec",
};

const char *spawn_stage_name(int stage)
{
	if (stage < 0 || stage >= SPAWN_STAGES)
		return "unknown";
	return stage_names[stage];
}

/* ---- the kernel's part ----------------------------------------------------- */

#ifdef __x86_64__
/*
 * clone3 with a stack of the child's own, which no libc call offers. The child
 * runs spawn_child_run(SLOT) there and never comes back.
 */
static long clone_slot(struct clone_args *args, struct spawn_slot *slot)
{
	long result;

	__asm__ volatile("syscall\n\t"
			 "testq %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xorl %%ebp, %%ebp\n\t"
			 "movq %%rdx, %%rdi\n\t"
			 "call *%%rbx\n\t"
			 "hlt\n"
			 "1:"
			 : "=a"(result)
			 : "0"((long)SYS_clone3), "D"(args), "S"(sizeof(*args)),
			 "b"(spawn_child_run), "d"(slot)
			 : "rcx", "r11", "memory", "cc");
	return result;
}
#else
static long clone_slot(struct clone_args *args, struct spawn_slot *slot)
{
	(void)args; /* written for x86-64 alone; fork does for the others */
	(void)slot;
	return -ENOSYS;
}
#endif

static long clone_sharing(struct spawn_slot *slot, int *pidfd)
{
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_FILES | CLONE_PIDFD |
			 CLONE_CHILD_CLEARTID | CLONE_CLEAR_SIGHAND,
		.pidfd = (uintptr_t)pidfd,
		.child_tid = (uintptr_t)&slot->report->tid,
		.exit_signal = SIGCHLD,
		.stack = (uintptr_t)slot->stack +
			 (uintptr_t)sysconf(_SC_PAGESIZE),
		.stack_size = SPAWN_STACK_BYTES,
	};

	return clone_slot(&args, slot);
}

/* fork(), but with the pidfd in the same step: nothing to undo without it. */
static long clone_copying(struct spawn_slot *slot, int *pidfd)
{
	long pid = syscall(
		SYS_clone, (long)(CLONE_PIDFD | SIGCHLD), 0L, pidfd, 0L, 0L);

	if (pid == 0)
		spawn_child_run(slot);
	return pid < 0 ? -errno : pid;
}

/*
 * Signals are blocked around it: a handler must not run in the child, where
 * its world is half the master's, and the child is to begin with all blocked.
 */
static long clone_blocked(struct spawn_slot *slot, int *pidfd)
{
	sigset_t all, old;
	long pid;

	(void)sigfillset(&all);			    /* cannot fail */
	(void)sigprocmask(SIG_SETMASK, &all, &old); /* cannot fail */
	pid = slot->shared_end != 0 ? clone_sharing(slot, pidfd)
				    : clone_copying(slot, pidfd);
	(void)sigprocmask(SIG_SETMASK, &old, NULL); /* cannot fail */
	return pid;
}

/* ---- one start --------------------------------------------------------------- */

static unsigned table_end(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > 1u << 20)
		return 1u << 20;
	return (unsigned)limit.rlim_cur;
}

static struct spawn_slot *free_slot(struct spawner *s)
{
	for (unsigned i = 0; i < s->slots_n; i++)
		if (!s->slots[i].busy)
			return &s->slots[i];
	return NULL;
}

static void started(struct spawner *s, struct spawn_slot *slot, uint64_t cookie,
	const struct spawned *child)
{
	slot->busy = true;
	slot->killed = false;
	slot->cookie = cookie;
	slot->pid = child->pid;
	/* Without one to spare, a child that hangs is its caller's to kill. */
	slot->pidfd = fcntl(child->pidfd, F_DUPFD_CLOEXEC, 3);
	slot->deadline_ns = clock_now_ns() + START_NS;
	s->busy++;
}

static int start_sharing(
	struct spawner *s, struct spawn_slot *slot, struct spawned *out)
{
	long pid;
	int result = park_slot(&s->park, slot);

	if (result < 0)
		return result;
	slot->shared_end = park_end(&s->park);
	slot->reset = s->ignored;
	slot->exec_pipe = -1;
	pid = clone_blocked(slot, &out->pidfd);
	if (pid < 0)
		unpark_slot(&s->park, slot);
	return (int)pid;
}

/* exec closes the pipe; the report is in memory that both see. */
static int start_copying(struct spawn_slot *slot, struct spawned *out)
{
	AUTO_CLOSE int ours = -1;
	AUTO_CLOSE int theirs = -1;
	int ends[2];
	long pid;
	int result = sys_pipe(ends, true);

	if (result < 0)
		return result;
	ours = ends[0];
	theirs = ends[1];
	slot->shared_end = 0;
	slot->reset = UINT64_MAX;
	slot->exec_pipe = theirs;
	slot->table_end = table_end();
	pid = clone_blocked(slot, &out->pidfd);
	if (pid < 0)
		return (int)pid;
	slot->pipe = fd_take(&ours);
	return (int)pid;
}

int spawn_start(struct spawner *spawner, const struct spawn_order *order,
	uint64_t cookie, struct spawned *out)
{
	struct spawn_slot *slot = free_slot(spawner);
	struct spawned child = {.pidfd = -1};
	int result;

	if (slot == NULL)
		return -EBUSY;
	result = spawn_slot_fill(slot, order);
	if (result < 0)
		return result;
	atomic_store(&slot->report->tid, 1);
	atomic_store(&slot->report->stage, SPAWN_STAGE_FORK);
	atomic_store(&slot->report->error, 0);
	if (spawner->method == SPAWN_CLONE &&
		park_has_room(&spawner->park, slot->fds_n + slot->held_n))
		result = start_sharing(spawner, slot, &child);
	else
		result = start_copying(slot, &child);
	if (result < 0)
		return result;
	child.pid = result;
	started(spawner, slot, cookie, &child);
	*out = child;
	return 0;
}

/* ---- and its end -------------------------------------------------------------- */

static bool pipe_closed(const struct spawn_slot *slot)
{
	char byte;

	return sys_read(slot->pipe, &byte, 1) != -EAGAIN;
}

static bool is_dead(const struct spawn_slot *slot)
{
	struct pollfd poll_fd = {.fd = slot->pidfd, .events = POLLIN};

	return slot->pidfd >= 0 && poll(&poll_fd, 1, 0) == 1;
}

/*
 * Only a hung file system, or a user who stopped its half-started process, can
 * bring us here. Dead and still not told: kernels before 5.16 did not clear
 * the tid of a child that dumped core.
 */
static bool overdue(struct spawn_slot *slot, uint64_t now_ns)
{
	if (now_ns < slot->deadline_ns)
		return false;
	if (is_dead(slot))
		return true;
	if (slot->pidfd >= 0)
		(void)pidfd_send_signal(slot->pidfd, SIGKILL, NULL, 0);
	slot->killed = true;
	slot->deadline_ns = now_ns + KILLED_NS;
	return false;
}

static bool has_ended(struct spawn_slot *slot, uint64_t now_ns)
{
	if (slot->shared_end != 0 && atomic_load(&slot->report->tid) == 0)
		return true;
	if (slot->shared_end == 0 && pipe_closed(slot))
		return true;
	return overdue(slot, now_ns);
}

static void finish(
	struct spawner *s, struct spawn_slot *slot, struct spawn_done *out)
{
	int stage = atomic_load(&slot->report->stage);
	int error = atomic_load(&slot->report->error);

	if (error == 0 && slot->killed)
		error = ETIMEDOUT;
	else if (error == 0 && stage != SPAWN_STAGE_EXEC)
		error = ECANCELED;
	*out = (struct spawn_done){.cookie = slot->cookie,
		.pid = slot->pid,
		.stage = error == 0 ? SPAWN_DONE : stage,
		.error = error};
	if (slot->shared_end != 0)
		unpark_slot(&s->park, slot);
	fd_close(&slot->pipe);
	fd_close(&slot->pidfd);
	slot->busy = false;
	s->busy--;
}

unsigned spawn_collect(
	struct spawner *spawner, struct spawn_done *out, unsigned max)
{
	unsigned n = 0;
	uint64_t now_ns;

	if (spawner->busy == 0)
		return 0;
	now_ns = clock_now_ns();
	for (unsigned i = 0; i < spawner->slots_n && n < max; i++) {
		struct spawn_slot *slot = &spawner->slots[i];

		if (slot->busy && has_ended(slot, now_ns))
			finish(spawner, slot, &out[n++]);
	}
	return n;
}

unsigned spawn_busy(const struct spawner *spawner)
{
	return spawner->busy;
}

uint64_t spawn_deadline(const struct spawner *spawner)
{
	uint64_t first = UINT64_MAX;

	for (unsigned i = 0; i < spawner->slots_n; i++)
		if (spawner->slots[i].busy &&
			spawner->slots[i].deadline_ns < first)
			first = spawner->slots[i].deadline_ns;
	return first;
}

/* ---- creation ----------------------------------------------------------------- */

/* 0 if this kernel, and what it is wrapped in, can do it. */
static int probe_close_range(void)
{
	/* On an unshared table, from the highest number: it does nothing. */
	if (syscall(SYS_close_range, ~0U, ~0U, CLOSE_RANGE_UNSHARE) < 0)
		return -errno;
	return 0;
}

/* clone3 with flags that exclude each other: EINVAL if it is there at all. */
static int probe_clone3(void)
{
	struct clone_args args = {
		.flags = CLONE_SIGHAND | CLONE_CLEAR_SIGHAND | CLONE_VM,
	};

#ifndef __x86_64__
	return -ENOSYS;
#endif
	if (syscall(SYS_clone3, &args, sizeof(args)) < 0 && errno != EINVAL)
		return -errno;
	return 0;
}

/* Reserve numbers for as many slots as the limit on descriptors allows. */
static int prepare_sharing(struct spawner *s)
{
	static const unsigned sizes[] = {SLOTS_MAX, SLOTS_FEW};
	unsigned limit = table_end();
	int result = probe_clone3();

	if (result == 0)
		result = probe_close_range();
	if (result < 0)
		return result;
	result = -EMFILE;
	for (unsigned i = 0; i < 2 && result == -EMFILE; i++) {
		s->slots_n = sizes[i];
		if (limit > SPARE_FDS)
			result = park_init(
				&s->park, s->slots_n, limit - SPARE_FDS);
	}
	return result;
}

static int make_slots(struct spawner *s)
{
	s->reports = mmap(NULL, SLOTS_MAX * sizeof(s->reports[0]),
		PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s->reports == MAP_FAILED) {
		s->reports = NULL;
		return -errno;
	}
	for (unsigned i = 0; i < s->slots_n; i++) {
		int result = spawn_slot_init(
			&s->slots[i], &s->reports[i], s->method == SPAWN_CLONE);

		if (result < 0)
			return result;
	}
	return 0;
}

static int choose_method(struct spawner *s, enum spawn_method method)
{
	int result = -ENOSYS;

	s->method = SPAWN_FORK;
	if (method != SPAWN_FORK)
		result = prepare_sharing(s);
	if (result == 0) {
		s->method = SPAWN_CLONE;
		return 0;
	}
	s->slots_n = SLOTS_MAX;
	return method == SPAWN_CLONE ? result : 0;
}

int spawner_create(struct spawner **out, enum spawn_method method)
{
	struct spawner *s = calloc(1, sizeof(*s));
	int result;

	if (s == NULL)
		return -ENOMEM;
	s->park = (struct spawn_park)PARK_NONE;
	s->ignored = sys_ignored_signals() | LIBC_SIGNALS;
	for (unsigned i = 0; i < SLOTS_MAX; i++)
		s->slots[i].pidfd = s->slots[i].pipe = -1;
	result = choose_method(s, method);
	if (result == 0)
		result = make_slots(s);
	if (result < 0) {
		spawner_destroy(s);
		return result;
	}
	*out = s;
	return 0;
}

/* SIGKILL, and up to a second for it: the child may be in our memory. */
static bool end_child(struct spawn_slot *slot)
{
	struct pollfd poll_fd = {.fd = slot->pidfd, .events = POLLIN};

	if (slot->pidfd < 0)
		return false;
	(void)pidfd_send_signal(slot->pidfd, SIGKILL, NULL, 0);
	return poll(&poll_fd, 1, 1000) == 1;
}

void spawner_destroy(struct spawner *spawner)
{
	bool leak = false;

	if (spawner == NULL)
		return;
	for (unsigned i = 0; i < spawner->slots_n; i++)
		if (spawner->slots[i].busy && !end_child(&spawner->slots[i]))
			leak = true;
	park_finish(&spawner->park);
	if (leak) /* better than pulling its memory from under a child */
		return;
	for (unsigned i = 0; i < spawner->slots_n; i++)
		spawn_slot_finish(&spawner->slots[i]);
	if (spawner->reports != NULL)
		(void)munmap(spawner->reports,
			SLOTS_MAX * sizeof(spawner->reports[0]));
	free(spawner);
}

enum spawn_method spawner_method(const struct spawner *spawner)
{
	return spawner->method;
}
