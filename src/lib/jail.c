/* SPDX-License-Identifier: MIT */
#include "lib/jail.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int fail(struct ostler__start *s, const char *step, int error)
{
	(void)snprintf(s->problem, sizeof(s->problem), "%s: %s", step,
		strerror(error));
	return -error;
}

static int become(struct ostler__start *s, const struct passwd *user)
{
	if (setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0)
		return fail(s, "setresuid", errno);
	if (setuid(0) == 0)
		return fail(s, "root could be had back", EPERM);
	return 0;
}

int ostler__jail(struct ostler__start *start)
{
	const char *owner = start->mail_owner;
	const struct passwd *user = NULL;

	if (geteuid() != 0)
		return 0;
	if (start->unprivileged) {
		user = getpwnam(*owner != '\0' ? owner : "postfix");
		if (user == NULL || user->pw_uid == 0)
			return fail(start,
				"option -u: mail_owner is no user, or root",
				EINVAL);
		if (initgroups(user->pw_name, user->pw_gid) < 0)
			return fail(start, "initgroups", errno);
		if (setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0)
			return fail(start, "setresgid", errno);
	}
	if (start->jailed && (chroot(".") < 0 || chdir("/") < 0))
		return fail(start, "chroot", errno);
	return user == NULL ? 0 : become(start, user);
}
