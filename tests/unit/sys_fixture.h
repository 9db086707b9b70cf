/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_TESTS_SYS_FIXTURE_H
#define OSTLER_TESTS_SYS_FIXTURE_H

/* What the tests of src/sys/ share. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define NOBODY 65534
#define PATIENCE_MS 10000

static char scratch[64]; /* a directory of the test's own */

static inline int make_scratch(void **state)
{
	(void)state;
	(void)snprintf(scratch, sizeof(scratch), "/tmp/ostler-test.XXXXXX");
	return mkdtemp(scratch) == NULL ? -1 : 0;
}

static inline int remove_scratch(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", scratch);
	return system(command);
}

/* PATH below the scratch directory, in one of a few buffers. */
static inline const char *in_scratch(const char *name)
{
	static char paths[8][512];
	static unsigned next;
	char *path = paths[next++ % 8];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", scratch, name);
	return path;
}

static inline void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	assert_int_equal(fclose(file), 0);
}

static inline mode_t mode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) < 0 ? 0 : st.st_mode;
}

static inline unsigned count_fds(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 1000; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static inline bool is_cloexec(int fd)
{
	return (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

static inline bool is_nonblocking(int fd)
{
	return (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0;
}

static inline int wait_for(int fd, short events)
{
	struct pollfd ready = {.fd = fd, .events = events};

	assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
	return ready.revents;
}

/* Run CHECK in a process of its own; it returns 0 if all is well. */
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

static inline int become_nobody(void)
{
	if (getuid() != 0)
		return 0;
	return setgroups(0, NULL) != 0 ||
	       setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
	       setresuid(NOBODY, NOBODY, NOBODY) != 0;
}

#endif
