/* SPDX-License-Identifier: MIT */
/*
 * Every call that a wrapper of sys/ makes fails once: the first, the second ...
 * until the wrapper gets through. Each time it must say so or succeed all the
 * same, and leave no descriptor, no file and no child behind.
 *
 * The calls are caught by the linker (--wrap, see meson.build), which knows
 * those that take an offset or a stat by their names with 64.
 */
#include <dirent.h>
#include <ifaddrs.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "../unit/sys_fixture.h"
#include "sys/channel.h"
#include "sys/child.h"
#include "sys/creds.h"
#include "sys/daemon.h"
#include "sys/depth.h"
#include "sys/fd.h"
#include "sys/hosts.h"
#include "sys/lockfile.h"
#include "sys/locks.h"
#include "sys/loop.h"
#include "sys/net.h"
#include "sys/signals.h"
#include "sys/sink.h"
#include "sys/spawn.h"

#define CALLS_MAX 400
#define FAULT EIO /* what no call here gives by itself */

static int until_fault; /* 0: no fault is wanted */
static unsigned faults;

/* 1 if this call is the one to fail. */
static bool fails_now(void)
{
	if (until_fault == 0 || --until_fault > 0)
		return false;
	faults++;
	errno = FAULT;
	return true;
}

/* TYPE name(PARAMETERS), called with ARGUMENTS; BAD is its failure. */
#define CATCH(type, name, parameters, arguments, bad)                          \
	type __real_##name parameters;                                         \
	type __wrap_##name parameters;                                         \
	type __wrap_##name parameters                                          \
	{                                                                      \
		return fails_now() ? (bad) : __real_##name arguments;          \
	}

CATCH(int, socket, (int a, int b, int c), (a, b, c), -1)
CATCH(int, socketpair, (int a, int b, int c, int *d), (a, b, c, d), -1)
CATCH(int, bind, (int a, const struct sockaddr *b, socklen_t c), (a, b, c), -1)
CATCH(int, connect, (int a, const struct sockaddr *b, socklen_t c), (a, b, c),
	-1)
CATCH(int, listen, (int a, int b), (a, b), -1)
CATCH(int, setsockopt, (int a, int b, int c, const void *d, socklen_t e),
	(a, b, c, d, e), -1)
CATCH(int, fchmod, (int a, mode_t b), (a, b), -1)
CATCH(int, fchmodat, (int a, const char *b, mode_t c, int d), (a, b, c, d), -1)
CATCH(int, fchownat, (int a, const char *b, uid_t c, gid_t d, int e),
	(a, b, c, d, e), -1)
CATCH(int, fstat64, (int a, struct stat *b), (a, b), -1)
CATCH(int, mkfifoat, (int a, const char *b, mode_t c), (a, b, c), -1)
CATCH(int, renameat, (int a, const char *b, int c, const char *d), (a, b, c, d),
	-1)
CATCH(int, flock, (int a, int b), (a, b), -1)
CATCH(int, pipe2, (int *a, int b), (a, b), -1)
CATCH(int, epoll_create1, (int a), (a), -1)
CATCH(int, signalfd, (int a, const sigset_t *b, int c), (a, b, c), -1)
CATCH(int, fork, (void), (), -1)
CATCH(int, pidfd_open, (pid_t a, unsigned b), (a, b), -1)
CATCH(int, dup3, (int a, int b, int c), (a, b, c), -1)
CATCH(int, mprotect, (void *a, size_t b, int c), (a, b, c), -1)
CATCH(void *, mmap64, (void *a, size_t b, int c, int d, int e, off_t f),
	(a, b, c, d, e, f), MAP_FAILED)
CATCH(void *, malloc, (size_t a), (a), NULL)
CATCH(void *, calloc, (size_t a, size_t b), (a, b), NULL)
CATCH(void *, realloc, (void *a, size_t b), (a, b), NULL)
CATCH(int, ftruncate64, (int a, off_t b), (a, b), -1)
CATCH(int, dup2, (int a, int b), (a, b), -1)
CATCH(int, getifaddrs, (struct ifaddrs * *a), (a), -1)
CATCH(FILE *, fopen64, (const char *a, const char *b), (a, b), NULL)
CATCH(ssize_t, sendmsg, (int a, const struct msghdr *b, int c), (a, b, c), -1)
CATCH(ssize_t, writev, (int a, const struct iovec *b, int c), (a, b, c), -1)
CATCH(ssize_t, pwrite64, (int a, const void *b, size_t c, off_t d),
	(a, b, c, d), -1)
CATCH(ssize_t, write, (int a, const void *b, size_t c), (a, b, c), -1)
CATCH(ssize_t, read, (int a, void *b, size_t c), (a, b, c), -1)

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, mode_t mode);
int __wrap_open64(const char *path, int flags, mode_t mode)
{
	return fails_now() ? -1 : __real_open64(path, flags, mode);
}

int __real_openat64(int at, const char *path, int flags, ...);
int __wrap_openat64(int at, const char *path, int flags);
int __wrap_openat64(int at, const char *path, int flags)
{
	return fails_now() ? -1 : __real_openat64(at, path, flags);
}

/* With ARGUMENT for those that take one; the others do not look at it. */
int __real_fcntl64(int fd, int command, ...);
int __wrap_fcntl64(int fd, int command, long argument);
int __wrap_fcntl64(int fd, int command, long argument)
{
	/* That is a question, and "no" an answer. */
	if (command != F_GETFD && fails_now())
		return -1;
	return __real_fcntl64(fd, command, argument);
}

/* ---- the loop ------------------------------------------------------------------------- */

static unsigned count_files(void)
{
	DIR *dir = opendir(scratch);
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	assert_int_equal(closedir(dir), 0);
	return n;
}

/*
 * Run SCENARIO with its first call failing, then the second, until none is
 * left to fail. It returns what its wrappers said, and cleans up what it got.
 */
static void fail_each_call(int (*scenario)(void))
{
	unsigned fds = count_fds(), files = count_files();
	int n = 1, result;

	assert_int_equal(scenario(), 0);
	for (faults = 1; faults > 0 && n < CALLS_MAX; n++) {
		faults = 0;
		until_fault = n;
		result = scenario();
		until_fault = 0;
		if (count_fds() != fds)
			fail_msg("call %d: %u descriptors, not %u", n,
				count_fds(), fds);
		if (count_files() != files)
			fail_msg("call %d: %u files, not %u", n, count_files(),
				files);
		if (sys_stranger_next() != 0)
			fail_msg("call %d: a child is left", n);
		if (faults == 0)
			assert_int_equal(result, 0);
		else if (result != 0 && result != -FAULT && result != -ENOMEM)
			fail_msg("call %d: %s", n, strerror(-result));
	}
	assert_true(n > 2 && n < CALLS_MAX);
}

/* ---- what is tried --------------------------------------------------------------------- */

static const struct net_owner as_is = {
	.uid = (uid_t)-1, .gid = (gid_t)-1, .mode = 0600};

/* Put the name into place, and take it away again, faults or none. */
static int commit_and_remove(struct net_named *named, const char *path)
{
	int result = sys_listen_unix_commit(named);

	until_fault = 0;
	if (result == 0)
		assert_int_equal(
			sys_unix_unlink(path, named->dev, named->ino), 0);
	sys_listen_unix_abort(named);
	return result;
}

static int open_a_socket(void)
{
	const char *path = in_scratch("socket");
	struct net_named named;
	int result = sys_listen_unix(
		path, SOCK_STREAM, 5, &as_is, NET_REPLACE_STALE, &named);

	return result < 0 ? result : commit_and_remove(&named, path);
}

static int open_at_once(void)
{
	struct net_nearby nearby = {.directory = -1};
	struct net_owner owner = as_is;
	const char *path = in_scratch("at-once");
	struct net_named named;
	int result;

	/* So that something is left to do when it is bound. */
	owner.gid = getuid() == 0 ? 1234 : getgid();
	result = sys_listen_unix_at_once(
		&nearby, path, SOCK_STREAM, 5, &owner, &named);
	net_nearby_finish(&nearby);
	return result < 0 ? result : commit_and_remove(&named, path);
}

static int open_a_pipe(void)
{
	const char *path = in_scratch("pipe");
	struct net_named named;
	int result = sys_listen_fifo(path, &as_is, NET_REPLACE_STALE, &named);

	return result < 0 ? result : commit_and_remove(&named, path);
}

static int replace_anything(void)
{
	struct net_owner owner = as_is;
	const char *path = in_scratch("any");
	struct net_named named;
	int wanted = until_fault, result;

	until_fault = 0;
	owner.directory_group = true;
	write_text(path, "old");
	until_fault = wanted;
	result = sys_listen_unix(
		path, SOCK_STREAM, 5, &owner, NET_REPLACE_ANY, &named);
	if (result == 0)
		result = commit_and_remove(&named, path);
	until_fault = 0;
	if (result < 0)
		assert_int_equal(unlink(path), 0);
	return result;
}

static int replace_a_stale_socket(void)
{
	const char *path = in_scratch("stale");
	struct net_named old, new;
	int wanted = until_fault, result;

	until_fault = 0;
	assert_int_equal(sys_listen_unix(path, SOCK_DGRAM, 0, &as_is,
				 NET_REPLACE_STALE, &old),
		0);
	assert_int_equal(sys_listen_unix_commit(&old), 0);
	fd_close(&old.fd);
	until_fault = wanted;
	result = sys_listen_unix(
		path, SOCK_STREAM, 5, &as_is, NET_REPLACE_STALE, &new);
	if (result == 0)
		result = commit_and_remove(&new, path);
	until_fault = 0;
	if (result < 0)
		assert_int_equal(sys_unix_unlink(path, old.dev, old.ino), 0);
	return result;
}

/* A descriptor or -errno; the descriptor is closed. */
static int drop(int fd)
{
	if (fd < 0)
		return fd;
	fd_close(&fd);
	return 0;
}

static int open_inet(void)
{
	static const struct net_inet how = {
		.shared = true, .buffer_bytes = 8192};
	int result = drop(sys_listen_inet(NET_BOTH, NULL, 0, 5, &how));

	return result < 0 ? result
			  : drop(sys_listen_inet(NET_IPV4,
				    (uint8_t[16]){127, 0, 0, 1}, 0, 5, NULL));
}

static int open_the_rest(void)
{
	struct depth_unix depth = DEPTH_UNIX_NONE;
	struct loop *loop = NULL;
	int ends[2] = {-1, -1}, result;

	result = loop_create(&loop);
	loop_destroy(loop);
	if (result == 0)
		result = sys_depth_unix_open(&depth);
	sys_depth_unix_close(&depth);
	if (result == 0)
		result = sys_channel_pair(ends, true);
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	if (result == 0)
		result = drop(sys_signals_open(&(int){SIGUSR1}, 1));
	return result;
}

static int read_and_lock(void)
{
	AUTO_FREE char *text = NULL;
	const char *path = in_scratch("lock");
	size_t n;
	int result = drop(sys_lock_file(path, 0600));

	if (result == 0)
		result = sys_read_file("/proc/self/maps", &text, &n, 1 << 20);
	(void)unlink(path);
	return result;
}

static int look_up(void)
{
	struct lookup_request request = {"1", NULL};
	struct identity answer;
	struct lookup *lookup = NULL;
	int result = sys_lookup_start(&request, 1, &lookup);

	if (result < 0)
		return result;
	while ((result = sys_lookup_read(lookup, &answer)) == -EAGAIN)
		(void)wait_for(sys_lookup_fd(lookup), POLLIN);
	sys_lookup_cancel(lookup);
	/* A child without memory, say, has no answer. */
	return result == -EPIPE ? -FAULT : result;
}

static int look_up_hosts(void)
{
	static const char *const names[] = {"192.0.2.7"};
	struct host_answer answer = {.n = 1};
	struct machine_address own[8];
	struct hosts *hosts = NULL;
	int result = sys_hosts_start(names, 1, &hosts);

	if (result < 0)
		return result;
	while ((result = sys_hosts_read(hosts, &answer)) == -EAGAIN)
		(void)wait_for(sys_hosts_fd(hosts), POLLIN);
	sys_hosts_cancel(hosts);
	if (result == 0 && answer.n == 1)
		result = sys_own_addresses(own, 8);
	else
		result = -FAULT; /* the child's memory or descriptors */
	return result > 0 ? 0 : result;
}

static int pass_a_wake_up(void)
{
	int ends[2] = {-1, -1}, wanted = until_fault, result;

	until_fault = 0;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	until_fault = wanted;
	result = sys_wake_pass(ends[0], "W", 2);
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	return result;
}

static int lock_for_postfix(void)
{
	const char *path = in_scratch("postfix");
	const char *problem = NULL;
	int pid, result;
	int fd = sys_lock_exclusive(path, 0600, &problem);

	result = fd;
	if (fd >= 0)
		result = sys_write_pid_padded(fd, 1);
	else
		assert_non_null(problem);
	if (result == 0)
		result = sys_lock_holders(path, &pid, 1) < 0 ? -FAULT : 0;
	fd_close(&fd);
	/* An existing one. */
	if (result == 0)
		result = drop(sys_lock_exclusive(path, 0600, &problem));
	(void)unlink(path);
	return result;
}

static int write_to_postlog(void)
{
	const char *file = in_scratch("postlog-file");
	struct sink sink;
	int result;

	sink_open_postlog(&sink, &(struct sink_postlog){.socket = "/none",
					 .file = file,
					 .host = "lab",
					 .tag = "test"});
	result = sink_write(&sink, 6, "one", 3);
	sink_close(&sink);
	(void)unlink(file);
	return result;
}

static int wait_for_a_child(void)
{
	struct monitor monitor = {.fd = -1};
	int result = sys_monitor_start(&monitor);

	if (result == 0) {
		sys_monitor_release(&monitor);
		_exit(0);
	}
	/* Ready or dead, and not reaped in the first case. */
	if (result == 1)
		assert_true(wait(NULL) > 0);
	return result == 1 ? 0 : result == -ECHILD ? -FAULT : result;
}

static int start_one(struct spawner *s)
{
	static const char *const argv[] = {"true", NULL};
	static const char *const envp[] = {NULL};
	int fds[3] = {-1, -1, -1};
	struct spawn_order order = {.path = "/bin/true",
		.argv = argv,
		.envp = envp,
		.fds = fds,
		.fds_n = 3};
	struct spawned child;
	struct spawn_done done = {.stage = SPAWN_DONE};
	struct child_end end;
	int result = spawn_start(s, &order, 1, &child);

	if (result < 0)
		return result;
	(void)wait_for(child.pidfd, POLLIN);
	while (spawn_collect(s, &done, 1) == 0)
		assert_int_equal(spawn_busy(s), 1);
	assert_int_equal(sys_child_reap(child.pidfd, &end), 1);
	fd_close(&child.pidfd);
	return -done.error;
}

static int spawn_with(enum spawn_method method)
{
	struct spawner *s = NULL;
	int result = spawner_create(&s, method);

	if (result < 0)
		return result;
	result = start_one(s);
	spawner_destroy(s);
	return result;
}

static int spawn_sharing(void)
{
	return spawn_with(SPAWN_CLONE);
}

static int spawn_copying(void)
{
	return spawn_with(SPAWN_FORK);
}

static int spawn_somehow(void)
{
	return spawn_with(SPAWN_AUTO);
}

#define SCENARIO(name)                                                         \
	static void every_call_may_fail_in_##name(void **state)                \
	{                                                                      \
		(void)state;                                                   \
		fail_each_call(name);                                          \
	}

SCENARIO(open_a_socket)
SCENARIO(open_a_pipe)
SCENARIO(open_at_once)
SCENARIO(replace_a_stale_socket)
SCENARIO(replace_anything)
SCENARIO(open_inet)
SCENARIO(open_the_rest)
SCENARIO(read_and_lock)
SCENARIO(look_up)
SCENARIO(look_up_hosts)
SCENARIO(pass_a_wake_up)
SCENARIO(lock_for_postfix)
SCENARIO(write_to_postlog)
SCENARIO(wait_for_a_child)
SCENARIO(spawn_sharing)
SCENARIO(spawn_copying)
SCENARIO(spawn_somehow)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_call_may_fail_in_open_a_socket),
		cmocka_unit_test(every_call_may_fail_in_open_a_pipe),
		cmocka_unit_test(every_call_may_fail_in_open_at_once),
		cmocka_unit_test(every_call_may_fail_in_replace_a_stale_socket),
		cmocka_unit_test(every_call_may_fail_in_replace_anything),
		cmocka_unit_test(every_call_may_fail_in_open_inet),
		cmocka_unit_test(every_call_may_fail_in_open_the_rest),
		cmocka_unit_test(every_call_may_fail_in_read_and_lock),
		cmocka_unit_test(every_call_may_fail_in_look_up),
		cmocka_unit_test(every_call_may_fail_in_look_up_hosts),
		cmocka_unit_test(every_call_may_fail_in_pass_a_wake_up),
		cmocka_unit_test(every_call_may_fail_in_lock_for_postfix),
		cmocka_unit_test(every_call_may_fail_in_write_to_postlog),
		cmocka_unit_test(every_call_may_fail_in_wait_for_a_child),
		cmocka_unit_test(every_call_may_fail_in_spawn_sharing),
		cmocka_unit_test(every_call_may_fail_in_spawn_copying),
		cmocka_unit_test(every_call_may_fail_in_spawn_somehow),
	};

	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
