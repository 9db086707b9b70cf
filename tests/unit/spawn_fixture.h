/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_TESTS_SPAWN_FIXTURE_H
#define OSTLER_TESTS_SPAWN_FIXTURE_H

/* What the tests of spawn share. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "spawn_recorder.h"
#include "sys/child.h"
#include "sys/fd.h"
#include "sys/spawn.h"

#define NOBODY 65534
#define PATIENCE_MS 10000
#define LOOK_MS 5

extern char **environ;

/* ---- helpers ------------------------------------------------------------------- */

static const char *const no_env[] = {NULL};
static const char *const record_argv[] = {"recorder", "--record", "1", NULL};

/* Start this program as the recorder; FDS has three at first. */
static inline struct spawn_order recorder(const int *fds, unsigned fds_n)
{
	return (struct spawn_order){
		.path = "/proc/self/exe",
		.argv = record_argv,
		.envp = no_env,
		.umask = 022,
		.fds = fds,
		.fds_n = fds_n,
	};
}

static inline struct spawner *make(enum spawn_method method)
{
	struct spawner *s = NULL;

	assert_int_equal(spawner_create(&s, method), 0);
	assert_int_equal(spawner_method(s), method);
	return s;
}

static inline void wait_dead(int pidfd)
{
	struct pollfd end = {.fd = pidfd, .events = POLLIN};

	assert_int_equal(poll(&end, 1, PATIENCE_MS), 1);
}

static inline struct child_end reap(struct spawned *child)
{
	struct child_end end = {.code = -2};

	wait_dead(child->pidfd);
	assert_int_equal(sys_child_reap(child->pidfd, &end), 1);
	fd_close(&child->pidfd);
	return end;
}

/* Collect one, however long it takes; its pidfd may tell us sooner. */
static inline struct spawn_done collect(struct spawner *s, int pidfd)
{
	struct pollfd end = {.fd = pidfd, .events = POLLIN};
	struct spawn_done done;

	for (int waited = 0; waited < PATIENCE_MS; waited += LOOK_MS) {
		if (spawn_collect(s, &done, 1) == 1)
			return done;
		(void)poll(&end, 1, LOOK_MS);
	}
	fail_msg("a start did not come to its end");
	return (struct spawn_done){.stage = -1};
}

/* All that comes from FD until its end; free() it. */
static inline char *read_all(int fd)
{
	size_t n = 0, room = 65536;
	char *text = calloc(1, room + 1);

	assert_non_null(text);
	while (n < room) {
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		int got;

		assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
		got = sys_read(fd, text + n, room - n);
		assert_true(got >= 0);
		if (got == 0)
			break;
		n += (size_t)got;
	}
	return text;
}

/*
 * Start ORDER, whose descriptor 1 becomes a pipe's end, and return all that
 * was written there. FDS is the order's list, writable.
 */
static inline char *run(struct spawner *s, struct spawn_order *order, int *fds)
{
	struct spawned child;
	struct spawn_done done;
	int ends[2];
	char *text;

	assert_int_equal(sys_pipe(ends, false), 0);
	fds[1] = ends[1];
	order->fds = fds;
	assert_int_equal(spawn_start(s, order, 77, &child), 0);
	fd_close(&ends[1]);
	done = collect(s, child.pidfd);
	if (done.stage != SPAWN_DONE)
		fail_msg("failed at %s: %s", spawn_stage_name(done.stage),
			strerror(done.error));
	assert_int_equal(done.cookie, 77);
	assert_int_equal(done.pid, child.pid);
	assert_int_equal(spawn_busy(s), 0);
	text = read_all(ends[0]);
	fd_close(&ends[0]);
	assert_int_equal(reap(&child).code, 0);
	return text;
}

static inline bool has(const char *text, const char *line)
{
	size_t n = strlen(line);

	for (const char *at = text; at != NULL && *at != '\0';) {
		const char *end = strchr(at, '\n');

		if (end == NULL)
			end = at + strlen(at);
		if ((size_t)(end - at) == n && memcmp(at, line, n) == 0)
			return true;
		at = *end == '\0' ? NULL : end + 1;
	}
	return false;
}

#define CHECK_LINE(text, line)                                                 \
	do {                                                                   \
		if (!has(text, line))                                          \
			fail_msg("no line '%s' in:\n%s", line, text);          \
	} while (0)

static inline unsigned count_lines(const char *text, const char *start)
{
	unsigned n = 0;

	for (const char *at = text; at != NULL; at = strchr(at, '\n')) {
		at += *at == '\n';
		n += strncmp(at, start, strlen(start)) == 0;
	}
	return n;
}

static inline unsigned count_fds(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 2000; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* What the recorder is to say of a number that holds what FD holds here. */
static inline void check_fd(const char *text, unsigned number, int fd)
{
	char name[64], target[200] = "", line[300];

	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	assert_true(readlink(name, target, sizeof(target) - 1) > 0);
	(void)snprintf(line, sizeof(line), "fd %u %s", number, target);
	CHECK_LINE(text, line);
}

/* Run CHECK in a process of its own; its result is the exit status. */
static inline void in_a_child(int (*check)(void))
{
	int status = -1;
	int pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)alarm(20);
		_exit(check());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("status %d (exit %d)", status, WEXITSTATUS(status));
}

static inline int become_nobody(uid_t uid)
{
	if (getuid() != 0)
		return 0;
	return setgroups(0, NULL) != 0 || setresgid(uid, uid, uid) != 0 ||
	       setresuid(uid, uid, uid) != 0;
}

static const enum spawn_method methods[] = {SPAWN_FORK, SPAWN_CLONE};

#define EACH_METHOD(m) for (unsigned m = 0; m < 2; m++)

#endif
