/* SPDX-License-Identifier: MIT */
#include "sys/creds.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/child.h"
#include "sys/fd.h"

#define REAP_MS 200 /* what a killed or finished child may take to be gone */

struct lookup {
	int fd;	   /* owned; answers */
	int pidfd; /* owned */
	int pid;   /* 0: reaped */
	unsigned n;
	size_t have;		   /* bytes of answers */
	struct identity answers[]; /* n of them */
};

/* ---- the child -------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void fail(
	struct identity *out, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(out->error, sizeof(out->error), format, args);
	va_end(args);
	out->valid = false;
}

/* A number as chown(1) takes it: digits, and not the "no change" value. */
static bool parse_id(const char *text, unsigned *out)
{
	unsigned long long value = 0;

	for (const char *c = text; *c != '\0'; c++) {
		if (*c < '0' || *c > '9')
			return false;
		value = value * 10 + (unsigned long long)(*c - '0');
		if (value >= UINT_MAX)
			return false;
	}
	*out = (unsigned)value;
	return text[0] != '\0';
}

/* gid first, which getgrouplist() sees to; the groups after it are USER's. */
static bool find_groups(const char *user, struct identity *out)
{
	int n = CREDS_GROUPS_MAX;

	if (getgrouplist(user, out->gid, out->groups, &n) < 0) {
		fail(out, "user \"%s\" is in %d groups; the limit is %d", user,
			n, CREDS_GROUPS_MAX);
		return false;
	}
	out->n = (unsigned)n;
	return true;
}

static bool find_group(const char *group, struct identity *out)
{
	struct group *entry;
	unsigned number;

	if (parse_id(group, &number)) {
		out->gid = number;
		return true;
	}
	errno = 0;
	entry = getgrnam(group);
	if (entry != NULL) {
		out->gid = entry->gr_gid;
		return true;
	}
	if (errno == 0 || errno == ENOENT || errno == ESRCH)
		fail(out, "no group \"%s\"", group);
	else
		fail(out, "cannot look up group \"%s\": %s", group,
			strerror(errno));
	return false;
}

/* The user's entry; a number without one is fine, and *OUT_ENTRY is NULL. */
static bool find_user(
	const char *user, struct identity *out, struct passwd **out_entry)
{
	unsigned number = 0;
	bool numeric = parse_id(user, &number);

	errno = 0;
	*out_entry = numeric ? getpwuid(number) : getpwnam(user);
	if (*out_entry != NULL)
		out->uid = (*out_entry)->pw_uid;
	else if (numeric)
		out->uid = number;
	else if (errno == 0 || errno == ENOENT || errno == ESRCH)
		fail(out, "no user \"%s\"", user);
	else
		fail(out, "cannot look up user \"%s\": %s", user,
			strerror(errno));
	return numeric || *out_entry != NULL;
}

static void answer(const struct lookup_request *request, struct identity *out)
{
	struct passwd *entry = NULL;

	*out = (struct identity){
		.uid = geteuid(), .gid = getegid(), .valid = true};
	if (request->user != NULL && !find_user(request->user, out, &entry))
		return;
	if (request->group != NULL) {
		if (!find_group(request->group, out))
			return;
	} else if (entry != NULL) {
		out->gid = entry->pw_gid;
	} else if (request->user != NULL) {
		/* A number nobody knows: its group has the same one. */
		out->gid = out->uid;
	}
	if (entry != NULL && !find_groups(entry->pw_name, out))
		return;
	if (entry == NULL) {
		out->groups[0] = out->gid;
		out->n = 1;
	}
}

static void write_all(int fd, const void *data, size_t n)
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

_Noreturn static void run_child(
	const struct lookup_request *requests, unsigned n, int fd)
{
	become_plain(fd);
	for (unsigned i = 0; i < n; i++) {
		struct identity identity;

		answer(&requests[i], &identity);
		write_all(fd, &identity, sizeof(identity));
	}
	_exit(0);
}

/* ---- the caller's side ------------------------------------------------------------ */

/* fork and a pidfd, with all signals blocked until the child is plain. */
static int fork_child(const struct lookup_request *requests, unsigned n,
	int write_end, struct lookup *lookup)
{
	sigset_t all, old;
	int pid, error;

	(void)sigfillset(&all);			    /* cannot fail */
	(void)sigprocmask(SIG_SETMASK, &all, &old); /* cannot fail */
	pid = fork();
	error = errno;
	if (pid == 0)
		run_child(requests, n, write_end);
	(void)sigprocmask(SIG_SETMASK, &old, NULL); /* cannot fail */
	if (pid < 0)
		return -error;
	lookup->pid = pid;
	lookup->pidfd = sys_child_open(pid);
	return lookup->pidfd < 0 ? lookup->pidfd : 0;
}

int sys_lookup_start(
	const struct lookup_request *requests, unsigned n, struct lookup **out)
{
	AUTO_CLOSE int write_end = -1;
	struct lookup *lookup =
		malloc(sizeof(*lookup) + n * sizeof(lookup->answers[0]));
	int ends[2];
	int result;

	if (lookup == NULL)
		return -ENOMEM;
	*lookup = (struct lookup){.fd = -1, .pidfd = -1, .n = n};
	result = sys_pipe(ends, false);
	if (result == 0) {
		lookup->fd = ends[0];
		write_end = ends[1];
		result = fd_nonblocking(lookup->fd, true);
	}
	if (result == 0)
		result = fork_child(requests, n, write_end, lookup);
	if (result < 0) {
		sys_lookup_cancel(lookup);
		return result;
	}
	*out = lookup;
	return 0;
}

int sys_lookup_fd(const struct lookup *lookup)
{
	return lookup->fd;
}

int sys_lookup_pid(const struct lookup *lookup)
{
	return lookup->pid;
}

int sys_lookup_read(struct lookup *lookup, struct identity *out)
{
	size_t all = lookup->n * sizeof(lookup->answers[0]);

	while (lookup->have < all) {
		int n = sys_read(lookup->fd,
			(char *)lookup->answers + lookup->have,
			all - lookup->have);

		if (n < 0)
			return n;
		if (n == 0)
			return -EPIPE;
		lookup->have += (size_t)n;
	}
	for (unsigned i = 0; i < lookup->n; i++)
		out[i] = lookup->answers[i];
	return 0;
}

/*
 * A killed child is gone in microseconds, unless a file system hangs: then it
 * stays, to be reaped as a stranger.
 */
static void end_child(struct lookup *lookup)
{
	struct pollfd poll_fd = {.fd = lookup->pidfd, .events = POLLIN};
	struct child_end end;

	if (lookup->pid == 0)
		return;
	/* Ours and not reaped, so the number still means it. */
	(void)kill(lookup->pid, SIGKILL);
	if (lookup->pidfd >= 0) {
		(void)poll(&poll_fd, 1, REAP_MS);
		(void)sys_reap_stranger(lookup->pid, &end);
	} else {
		/* Born a moment ago: it has no file to hang on. */
		(void)waitpid(lookup->pid, NULL, 0);
	}
	lookup->pid = 0;
}

void sys_lookup_cancel(struct lookup *lookup)
{
	if (lookup == NULL)
		return;
	end_child(lookup);
	fd_close(&lookup->fd);
	fd_close(&lookup->pidfd);
	free(lookup);
}
