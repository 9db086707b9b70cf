/* SPDX-License-Identifier: MIT */
#include "master/postfix_start.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/maincf.h"
#include "master/log.h"
#include "master/postfix_shell.h"
#include "sys/daemon.h"
#include "sys/fd.h"
#include "sys/lockfile.h"
#include "sys/path.h"

int postfix_fatal(const struct postfix_master *postfix, const char *format, ...)
{
	char text[1800];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_words(LOG_FATAL, "%s", text);
	if (postfix->stderr_fd >= 0)
		dprintf(postfix->stderr_fd, "%s: fatal: %s\n", postfix->name,
			text);
	return 1;
}

/* ---- users ---------------------------------------------------------------- */

static int fatal_setting(const struct postfix_master *postfix,
	enum postfix_setting_id id, const char *what, const char *value)
{
	return postfix_fatal(postfix, "file %s: parameter %s: %s%s%s",
		postfix->main_file, postfix_settings[id].name, what,
		value[0] == '\0' ? "" : " ", value);
}

/* A user who may own things, and run commands, of a mail system. */
static int check_user(const struct postfix_master *postfix,
	const struct maincf *main, enum postfix_setting_id id)
{
	const char *name = maincf_text(main, id);
	const struct passwd *user = getpwnam(name);
	char what[256];

	if (user == NULL)
		return fatal_setting(
			postfix, id, "unknown user name value:", name);
	if (user->pw_uid == 0) {
		snprintf(what, sizeof(what), "user %s has privileged user ID",
			name);
		return fatal_setting(postfix, id, what, "");
	}
	if (user->pw_gid == 0) {
		snprintf(what, sizeof(what), "user %s has privileged group ID",
			name);
		return fatal_setting(postfix, id, what, "");
	}
	return 0;
}

static int check_group(const struct postfix_master *postfix,
	const struct maincf *main, enum postfix_setting_id id)
{
	const char *name = maincf_text(main, id);
	const struct group *group = getgrnam(name);
	char what[256];

	if (group == NULL)
		return fatal_setting(postfix, id, "unknown group name:", name);
	if (group->gr_gid != 0)
		return 0;
	snprintf(what, sizeof(what), "group %s has privileged group ID", name);
	return fatal_setting(postfix, id, what, "");
}

static bool same_user(const char *a, const char *b)
{
	const struct passwd *user = getpwnam(a);
	uid_t uid;

	if (user == NULL)
		return false;
	uid = user->pw_uid;
	user = getpwnam(b);
	return user != NULL && user->pw_uid == uid;
}

int postfix_check_users(
	const struct postfix_master *postfix, const struct maincf *main)
{
	const char *owner = maincf_text(main, POSTFIX_mail_owner);
	const char *others = maincf_text(main, POSTFIX_default_privs);

	if (check_user(postfix, main, POSTFIX_mail_owner) != 0 ||
		check_group(postfix, main, POSTFIX_setgid_group) != 0 ||
		check_user(postfix, main, POSTFIX_default_privs) != 0)
		return 1;
	if (!same_user(owner, others))
		return 0;
	return postfix_fatal(postfix,
		"file %s: parameters default_privs and mail_owner specify the "
		"same user %s",
		postfix->main_file, owner);
}

/* ---- locks ---------------------------------------------------------------- */

static int fatal_lock(const struct postfix_master *postfix, const char *path,
	const char *problem, int error)
{
	if (problem == NULL || error == 0)
		return postfix_fatal(postfix, "open lock file %s: %s", path,
			problem == NULL ? strerror(error) : problem);
	return postfix_fatal(postfix, "open lock file %s: %s: %s", path,
		problem, strerror(error));
}

/* Whose words are complete without an errno. */
static bool says_it_all(const char *problem)
{
	return problem != NULL && strncmp(problem, "file ", 5) == 0;
}

static int enter_queue(
	const struct postfix_master *postfix, const struct maincf *main)
{
	const char *queue = maincf_text(main, POSTFIX_queue_directory);
	int result = sys_enter(queue);

	if (result == 0)
		return 0;
	return postfix_fatal(postfix, "chdir %s: %s", queue, strerror(-result));
}

/* *OUT, or 1 and it was said why not. */
static int take_lock(const struct postfix_master *postfix, const char *path,
	int fd, const char *problem, int *out)
{
	if (fd < 0)
		return fatal_lock(
			postfix, path, problem, says_it_all(problem) ? 0 : -fd);
	*out = fd;
	return 0;
}

/* As mail_owner, who says nothing: the log may not be his to write. */
static int lock_data(const struct postfix_master *postfix,
	const struct maincf *main, int *out)
{
	const struct passwd *owner =
		getpwnam(maincf_text(main, POSTFIX_mail_owner));
	const char *problem = NULL;
	char path[4096];
	int result;
	int fd;

	if (owner == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/%s.lock",
		maincf_text(main, POSTFIX_data_directory), postfix->name);
	result = sys_act_as(owner->pw_uid, owner->pw_gid);
	if (result < 0)
		return postfix_fatal(postfix, "set_eugid(%u, %u): %s",
			owner->pw_uid, owner->pw_gid, strerror(-result));
	fd = sys_lock_exclusive(path, 0644, &problem);
	if (sys_act_as_root() < 0)
		return postfix_fatal(postfix, "cannot be root again");
	return take_lock(postfix, path, fd, problem, out);
}

static int lock_pid(
	const struct postfix_master *postfix, const char *path, int *out)
{
	const char *problem = NULL;
	int fd = sys_lock_exclusive(path, 0644, &problem);

	return take_lock(postfix, path, fd, problem, out);
}

static void pid_path(const struct postfix_master *postfix, char *out, size_t n)
{
	snprintf(out, n, "pid/%s.pid", postfix->name);
}

int postfix_lock(const struct postfix_master *postfix,
	const struct maincf *main, int *out_pid, int *out_data)
{
	char path[256];

	pid_path(postfix, path, sizeof(path));
	if (enter_queue(postfix, main) != 0 ||
		lock_pid(postfix, path, out_pid) != 0 ||
		lock_data(postfix, main, out_data) != 0)
		return 1;
	if (sys_write_pid_padded(*out_pid, (int)getpid()) < 0 ||
		sys_write_pid_padded(*out_data, (int)getpid()) < 0)
		return postfix_fatal(
			postfix, "cannot update lock file %s", path);
	return 0;
}

int postfix_test(
	const struct postfix_master *postfix, const struct maincf *main)
{
	const char *problem = NULL;
	char path[256];
	int fd;

	pid_path(postfix, path, sizeof(path));
	if (enter_queue(postfix, main) != 0)
		return 1;
	if (sys_exists(path) == 0)
		return 0;
	fd = sys_lock_exclusive(path, 0644, &problem);
	if (fd >= 0) {
		fd_close(&fd);
		return 0;
	}
	if (fd == -EWOULDBLOCK)
		return 1;
	return fatal_lock(
		postfix, path, problem, says_it_all(problem) ? 0 : -fd);
}
