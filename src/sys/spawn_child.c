/* SPDX-License-Identifier: MIT */
/*
 * The child between clone and exec. It may share the master's memory, thread
 * pointer included: no libc (errno is the master's), no allocation, nothing
 * written but its slot, and no instrumentation of a compiler's.
 */
#include "sys/spawn_slot.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SIGNALS 64 /* the kernel's _NSIG */
#define SIGSET_BYTES 8

#define CHILD                                                                  \
	__attribute__((no_sanitize_address, no_sanitize("undefined"),          \
		no_stack_protector))

_Static_assert(SPAWN_FDS_MAX + 1 < 1024, "lifted numbers fit a low limit");

#ifdef __x86_64__
CHILD static long kernel5(long number, long a, long b, long c, long d, long e)
{
	long result;
	register long fourth __asm__("r10") = d;
	register long fifth __asm__("r8") = e;

	__asm__ volatile(
		"syscall"
		: "=a"(result)
		: "0"(number), "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth)
		: "rcx", "r11", "memory");
	return result;
}
#else
/* Here the child is always a forked one, whose errno is its own. */
static long kernel5(long number, long a, long b, long c, long d, long e)
{
	long result = syscall(number, a, b, c, d, e);

	return result < 0 ? -errno : result;
}
#endif

/* prctl insists on a zero as the fifth. */
CHILD static long kernel(long number, long a, long b, long c, long d)
{
	return kernel5(number, a, b, c, d, 0);
}

CHILD static void enter(struct spawn_slot *slot, int stage)
{
	atomic_store_explicit(
		&slot->report->stage, stage, memory_order_release);
}

CHILD _Noreturn static void give_up(struct spawn_slot *slot, long result)
{
	atomic_store_explicit(
		&slot->report->error, (int)-result, memory_order_release);
	for (;;)
		(void)kernel(SYS_exit_group, 127, 0, 0, 0);
}

/* Leave the table that we share with the master, before anything else. */
CHILD static void leave_shared_table(struct spawn_slot *slot)
{
	long result;

	if (slot->shared_end == 0)
		return;
	/* The highest number possible: only then is less of it copied. */
	result = kernel(
		SYS_close_range, slot->shared_end, ~0U, CLOSE_RANGE_UNSHARE, 0);
	if (result < 0)
		give_up(slot, result);
}

/* Everything from FIRST up is closed, also where close_range is refused. */
CHILD static void close_rest(struct spawn_slot *slot, unsigned first)
{
	if (kernel(SYS_close_range, first, ~0U, 0, 0) == 0)
		return;
	for (unsigned fd = first; fd < slot->table_end; fd++)
		(void)kernel(SYS_close, fd, 0, 0, 0);
}

/* FD, or a copy of it that is out of the way of the numbers below END. */
CHILD static int lift(struct spawn_slot *slot, int fd, unsigned end)
{
	long result;

	if (fd < 0 || (unsigned)fd >= end)
		return fd;
	result = kernel(SYS_fcntl, fd, F_DUPFD_CLOEXEC, end, 0);
	if (result < 0)
		give_up(slot, result);
	return (int)result;
}

CHILD static void place(
	struct spawn_slot *slot, int from, unsigned to, int flags)
{
	long result;

	if (from < 0) {
		(void)kernel(SYS_close, to, 0, 0, 0);
		return;
	}
	result = kernel(SYS_dup3, from, to, flags, 0);
	if (result < 0)
		give_up(slot, result);
}

/* The one place that gives the child its numbers. */
CHILD static void assign_fds(struct spawn_slot *slot)
{
	unsigned n = slot->fds_n;
	unsigned held = n + slot->held_n;
	unsigned end = slot->exec_pipe >= 0 ? held + 1 : held;

	for (unsigned i = 0; i < held; i++)
		slot->fds[i] = lift(slot, slot->fds[i], end);
	slot->exec_pipe = lift(slot, slot->exec_pipe, end);
	for (unsigned i = 0; i < n; i++)
		place(slot, slot->fds[i], i, 0);
	if (slot->held_n > 0)
		place(slot, slot->fds[n], n, O_CLOEXEC);
	if (slot->exec_pipe >= 0)
		place(slot, slot->exec_pipe, held, O_CLOEXEC);
	close_rest(slot, end);
}

/* Where CLONE_CLEAR_SIGHAND has done the rest, few are left. */
CHILD static void reset_signals(struct spawn_slot *slot)
{
	for (int number = 1; number <= SIGNALS; number++) {
		uint64_t bit = UINT64_C(1) << (number - 1);
		bool ignore = (slot->ignored & bit) != 0;

		if (number == SIGKILL || number == SIGSTOP ||
			((slot->ignored | slot->reset) & bit) == 0)
			continue;
		(void)kernel(SYS_rt_sigaction, number,
			ignore ? (long)slot->ignore_action
			       : (long)slot->default_action,
			0, SIGSET_BYTES);
	}
}

CHILD static void set_limits(struct spawn_slot *slot)
{
	long result;

	for (unsigned i = 0; i < slot->limits_n; i++) {
		result = kernel(SYS_prlimit64, 0, slot->limits[i].resource,
			(long)&slot->limits[i], 0);
		if (result < 0)
			give_up(slot, result);
	}
}

CHILD static void check(struct spawn_slot *slot, long result)
{
	if (result < 0)
		give_up(slot, result);
}

CHILD static void check_ids(struct spawn_slot *slot, long call, unsigned want)
{
	check(slot, kernel(call, (long)&slot->ids[0], (long)&slot->ids[1],
			    (long)&slot->ids[2], 0));
	for (unsigned i = 0; i < 3; i++)
		if (slot->ids[i] != want)
			give_up(slot, -EPERM);
}

/* What the kernel was told is not trusted to have happened. */
CHILD static void verify_user(struct spawn_slot *slot)
{
	long n;

	check_ids(slot, SYS_getresuid, slot->uid);
	check_ids(slot, SYS_getresgid, slot->gid);
	n = kernel(
		SYS_getgroups, SPAWN_GROUPS_MAX, (long)slot->groups_now, 0, 0);
	check(slot, n);
	if ((unsigned long)n != slot->groups_n)
		give_up(slot, -EPERM);
	for (unsigned i = 0; i < slot->groups_n; i++)
		if (slot->groups_now[i] != slot->groups[i])
			give_up(slot, -EPERM);
	/* There must be no way back. */
	if (slot->uid != 0 && kernel(SYS_setuid, 0, 0, 0, 0) == 0)
		give_up(slot, -EPERM);
}

CHILD static void switch_user(struct spawn_slot *slot)
{
	enter(slot, SPAWN_STAGE_GROUPS);
	check(slot, kernel(SYS_setgroups, slot->groups_n, (long)slot->groups, 0,
			    0));
	enter(slot, SPAWN_STAGE_GID);
	check(slot, kernel(SYS_setresgid, slot->gid, slot->gid, slot->gid, 0));
	enter(slot, SPAWN_STAGE_UID);
	check(slot, kernel(SYS_setresuid, slot->uid, slot->uid, slot->uid, 0));
	enter(slot, SPAWN_STAGE_VERIFY);
	verify_user(slot);
}

/* What is done as the user that we still are. */
CHILD static void prepare(struct spawn_slot *slot)
{
	enter(slot, SPAWN_STAGE_SESSION);
	if (slot->new_session)
		check(slot, kernel(SYS_setsid, 0, 0, 0, 0));
	enter(slot, SPAWN_STAGE_LIMITS);
	set_limits(slot);
	enter(slot, SPAWN_STAGE_DIRECTORY);
	(void)kernel(SYS_umask, slot->umask, 0, 0, 0); /* cannot fail */
	if (slot->directory != NULL)
		check(slot, kernel(SYS_chdir, (long)slot->directory, 0, 0, 0));
}

/*
 * Is PATH another file than the held one was when it was opened, or none? Who
 * may not even look there is refused by exec, and hears why.
 */
CHILD static bool is_replaced(struct spawn_slot *slot)
{
	const struct program_id *id = &slot->program;
	const struct statx *s = &slot->found;
	long result = kernel5(SYS_statx, AT_FDCWD, (long)slot->path, 0,
		STATX_BASIC_STATS, (long)s);

	if (result < 0)
		return result == -ENOENT || result == -ENOTDIR;
	return id->ino != s->stx_ino || id->size != s->stx_size ||
	       id->dev !=
		       ((uint64_t)s->stx_dev_major << 32 | s->stx_dev_minor) ||
	       id->changed_s != (uint64_t)s->stx_mtime.tv_sec ||
	       id->changed_ns != s->stx_mtime.tv_nsec;
}

/*
 * By its name while that is the same file: then the process has its name, too,
 * which kernels before 6.14 take from the descriptor's number otherwise. Who
 * runs a script opens it as /dev/fd/N, so that one descriptor more stays open.
 */
CHILD static long execute(struct spawn_slot *slot)
{
	long fd = slot->fds_n;

	if (slot->held_n == 0 || !is_replaced(slot))
		return kernel(SYS_execve, (long)slot->path, (long)slot->argv,
			(long)slot->envp, 0);
	if (slot->script)
		(void)kernel(SYS_fcntl, fd, F_SETFD, 0, 0);
	return kernel5(SYS_execveat, fd, (long)"", (long)slot->argv,
		(long)slot->envp, AT_EMPTY_PATH);
}

CHILD _Noreturn void spawn_child_run(struct spawn_slot *slot)
{
	enter(slot, SPAWN_STAGE_FDS);
	leave_shared_table(slot);
	enter(slot, SPAWN_STAGE_SIGNALS);
	reset_signals(slot);
	enter(slot, SPAWN_STAGE_FDS);
	assign_fds(slot);
	prepare(slot);
	if (slot->switch_user)
		switch_user(slot);
	enter(slot, SPAWN_STAGE_PRIVS);
	if (slot->no_new_privs)
		check(slot, kernel(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0));
	enter(slot, SPAWN_STAGE_EXEC);
	/* Only now: nothing of ours can handle a signal any more. */
	check(slot, kernel(SYS_rt_sigprocmask, SIG_SETMASK,
			    (long)&slot->no_signals, 0, SIGSET_BYTES));
	give_up(slot, execute(slot));
}
