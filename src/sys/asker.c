/* SPDX-License-Identifier: MIT */
#include "sys/asker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/child.h"
#include "sys/fd.h"

#define REAP_MS 200 /* what a killed or finished child may take to be gone */

/* ---- the child -------------------------------------------------------------------- */

void asker_put(int fd, const void *data, size_t n)
{
	const char *at = data;

	while (n > 0) {
		int done = sys_write(fd, at, n);

		if (done <= 0)
			_exit(1);
		at += done;
		n -= (size_t)done;
	}
}

static void become_plain(int keep)
{
	struct sigaction action = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		(void)sigaction(number, &action, NULL);
	(void)sigemptyset(&none); /* cannot fail */
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	/* A stranger's code runs here: it gets nothing of the master's. */
	if (keep > 3)
		(void)close_range(3, (unsigned)keep - 1, 0);
	(void)close_range((unsigned)keep + 1, ~0U, 0);
}

/* ---- the caller's side ------------------------------------------------------------ */

/* fork and a pidfd, with all signals blocked until the child is plain. */
static int fork_child(struct asker *asker, asker_question *ask,
	const void *question, int write_end)
{
	sigset_t all, old;
	int pid, error;

	(void)sigfillset(&all);			    /* cannot fail */
	(void)sigprocmask(SIG_SETMASK, &all, &old); /* cannot fail */
	pid = fork();
	error = errno;
	if (pid == 0) {
		become_plain(write_end);
		ask(question, write_end);
		_exit(0);
	}
	(void)sigprocmask(SIG_SETMASK, &old, NULL); /* cannot fail */
	if (pid < 0)
		return -error;
	asker->pid = pid;
	asker->pidfd = sys_child_open(pid);
	return asker->pidfd < 0 ? asker->pidfd : 0;
}

int asker_start(struct asker *asker, asker_question *ask, const void *question,
	size_t size)
{
	AUTO_CLOSE int write_end = -1;
	int ends[2];
	int result;

	*asker = (struct asker){.fd = -1, .pidfd = -1, .size = size};
	asker->answer = malloc(size + 1);
	if (asker->answer == NULL)
		return -ENOMEM;
	result = sys_pipe(ends, false);
	if (result < 0)
		return result;
	asker->fd = ends[0];
	write_end = ends[1];
	result = fd_nonblocking(asker->fd, true);
	return result < 0 ? result
			  : fork_child(asker, ask, question, write_end);
}

int asker_read(struct asker *asker)
{
	while (asker->have < asker->size) {
		int n = sys_read(asker->fd, asker->answer + asker->have,
			asker->size - asker->have);

		if (n < 0)
			return n;
		if (n == 0)
			return -EPIPE;
		asker->have += (size_t)n;
	}
	return 0;
}

/*
 * A killed child is gone in microseconds, unless a file system hangs: then it
 * stays, to be reaped as a stranger.
 */
static void end_child(struct asker *asker)
{
	struct pollfd poll_fd = {.fd = asker->pidfd, .events = POLLIN};
	struct child_end end;

	if (asker->pid == 0)
		return;
	/* Ours and not reaped, so the number still means it. */
	(void)kill(asker->pid, SIGKILL);
	if (asker->pidfd >= 0) {
		(void)poll(&poll_fd, 1, REAP_MS);
		(void)sys_reap_stranger(asker->pid, &end);
	} else {
		/* Born a moment ago: it has no file to hang on. */
		(void)waitpid(asker->pid, NULL, 0);
	}
	asker->pid = 0;
}

void asker_end(struct asker *asker)
{
	end_child(asker);
	fd_close(&asker->fd);
	fd_close(&asker->pidfd);
	free(asker->answer);
	asker->answer = NULL;
}
