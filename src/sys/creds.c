/* SPDX-License-Identifier: MIT */
#include "sys/creds.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys/asker.h"

struct lookup {
	struct asker asker;
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

struct question {
	const struct lookup_request *requests;
	unsigned n;
};

static void ask(const void *question, int fd)
{
	const struct question *q = question;

	for (unsigned i = 0; i < q->n; i++) {
		struct identity identity;

		answer(&q->requests[i], &identity);
		asker_put(fd, &identity, sizeof(identity));
	}
}

/* ---- the caller's side ------------------------------------------------------------ */

int sys_lookup_start(
	const struct lookup_request *requests, unsigned n, struct lookup **out)
{
	const struct question question = {requests, n};
	struct lookup *lookup = malloc(sizeof(*lookup));
	int result;

	if (lookup == NULL)
		return -ENOMEM;
	result = asker_start(
		&lookup->asker, ask, &question, n * sizeof(struct identity));
	if (result < 0) {
		sys_lookup_cancel(lookup);
		return result;
	}
	*out = lookup;
	return 0;
}

int sys_lookup_fd(const struct lookup *lookup)
{
	return lookup->asker.fd;
}

int sys_lookup_pid(const struct lookup *lookup)
{
	return lookup->asker.pid;
}

int sys_lookup_read(struct lookup *lookup, struct identity *out)
{
	int result = asker_read(&lookup->asker);

	if (result == 0)
		memcpy(out, lookup->asker.answer, lookup->asker.size);
	return result;
}

void sys_lookup_cancel(struct lookup *lookup)
{
	if (lookup == NULL)
		return;
	asker_end(&lookup->asker);
	free(lookup);
}
