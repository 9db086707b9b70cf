/* SPDX-License-Identifier: MIT */
#include "ctl/postfix.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ctl/daemon.h"
#include "ctl/say.h"
#include "sys/fd.h"
#include "sys/path.h"
#include "sys/run.h"

#define DIRECTORY_DEFAULT "/usr/lib/postfix/sbin"

static const struct {
	const char *word;
	bool changes;
	enum ctl_exit (*run)(struct postfix *postfix);
} words[] = {
	{"enable", true, postfix_enable},
	{"disable", true, postfix_disable},
	{"status", false, postfix_status},
};

/* ---- steps ---- */

bool postfix_step(struct postfix *postfix, const char *format, ...)
{
	char line[3 * PATH_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	say_line(stdout, "%s%s", postfix->ctl->dry_run ? "would " : "", line);
	return !postfix->ctl->dry_run;
}

enum ctl_exit postfix_done(int result, const char *path)
{
	if (result >= 0)
		return CTL_OK;
	say_complaint("%s: %s; nothing is lost: the same again goes on", path,
		strerror(-result));
	return CTL_FAILED;
}

/*
 * Behind a diversion the package's file is at MASTER.postfix. A file at MASTER
 * is the one that was there before an upgrade of the package, or something
 * that an administrator has put there: too rare to guess, too dear to lose.
 */
enum ctl_exit postfix_keep_replaced(struct postfix *postfix)
{
	const struct diversion *at = &postfix->diversion;

	if (at->ours || at->kind != DIVERSION_OURS ||
		at->master_entry.kind != ENTRY_FILE ||
		at->saved_entry.kind == ENTRY_NONE ||
		entry_is_same(&at->master_entry, &at->saved_entry))
		return CTL_OK;
	if (!postfix_step(postfix, "keep the file %s as %s", at->master_at,
		    at->replaced_at))
		return CTL_OK;
	return postfix_done(sys_replace_by_file(at->replaced_at, at->master_at),
		at->replaced_at);
}

bool postfix_is_current(const struct postfix *postfix)
{
	const struct diversion *at = &postfix->diversion;

	return at->master_entry.kind == ENTRY_FILE &&
	       sys_files_equal(at->master_at, postfix->daemon_at) == 1;
}

/* ---- who runs ---- */

static bool is_listed(const struct postfix *postfix, int pid)
{
	for (unsigned i = 0; i < postfix->instances_n; i++)
		if (postfix->instances[i].pid == pid)
			return true;
	return false;
}

int postfix_find_stranger(const struct postfix *postfix, int *from)
{
	int pid;

	do {
		pid = sys_find_process(from, postfix->diversion.master_at);
	} while (pid > 0 && is_listed(postfix, pid));
	return pid > 0 ? pid : 0;
}

enum ctl_exit postfix_may_change(const struct postfix *postfix)
{
	enum ctl_exit result = CTL_OK;
	char text[128];
	int from = 0;
	int pid;

	for (unsigned i = 0; i < postfix->instances_n; i++) {
		const struct instance *one = &postfix->instances[i];

		if (one->master == INSTANCE_STOPPED)
			continue;
		say_complaint(
			"%s is %s; stop it first (systemctl stop postfix, or postfix -c %s stop)",
			one->config_directory,
			instance_text(one, text, sizeof(text)),
			one->config_directory);
		result = CTL_FAILED;
	}
	while ((pid = postfix_find_stranger(postfix, &from)) > 0) {
		say_complaint(
			"%s runs as pid %d for an instance that postmulti does not list; stop it first",
			postfix->diversion.master_at, pid);
		result = CTL_FAILED;
	}
	return result;
}

/* ---- looking ---- */

static bool is_of(const struct instance *instance, const char *directory)
{
	char theirs[PATH_MAX + 4];
	char ours[PATH_MAX + 4];
	struct entry a;
	struct entry b;

	snprintf(theirs, sizeof(theirs), "%s/.", instance->daemon_directory);
	snprintf(ours, sizeof(ours), "%s/.", directory);
	return sys_entry(theirs, &a) == 0 && sys_entry(ours, &b) == 0 &&
	       entry_is_same(&a, &b);
}

/* The instances that the first one lists, as postmulti reads it. */
static void look_at_others(struct postfix *postfix)
{
	const char *list = postfix->instances[0].multi_directories;
	struct text rest = text_of(list);

	while (rest.n > 0 && postfix->instances_n < INSTANCES_MAX) {
		char directory[PATH_MAX];
		size_t n = 0;

		while (n < rest.n && strchr(" \t,", rest.bytes[n]) == NULL)
			n++;
		snprintf(directory, sizeof(directory), "%.*s", (int)n,
			rest.bytes);
		if (n > 0 && instance_look(directory, false,
				     &postfix->instances[postfix->instances_n]))
			postfix->instances_n++;
		n += n < rest.n;
		rest = (struct text){rest.bytes + n, rest.n - n};
	}
}

/* Without a Postfix that is set up here there are none, and nothing runs. */
static bool find_instances(struct postfix *postfix)
{
	const char *named = postfix->ctl->postfix;
	const char *first = named != NULL ? named : INSTANCE_DEFAULT;
	char path[PATH_MAX];

	postfix->instances = calloc(INSTANCES_MAX, sizeof(struct instance));
	if (postfix->instances == NULL) {
		say_complaint("out of memory");
		return false;
	}
	if (named == NULL && postfix->root[0] != '\0')
		return true;
	snprintf(path, sizeof(path), "%s/main.cf", first);
	if (named == NULL && sys_exists(path) == 0)
		return true;
	if (!instance_look(first, false, &postfix->instances[0]))
		return false;
	postfix->instances_n = 1;
	look_at_others(postfix);
	return true;
}

static const char *directory_of(const struct postfix *postfix)
{
	if (postfix->ctl->daemon_directory != NULL)
		return postfix->ctl->daemon_directory;
	if (postfix->root[0] == '\0' && postfix->instances_n > 0)
		return postfix->instances[0].daemon_directory;
	return DIRECTORY_DEFAULT;
}

static void drop_others(struct postfix *postfix, const char *directory)
{
	char at[PATH_MAX];
	unsigned kept = 0;

	snprintf(at, sizeof(at), "%s%s", postfix->root, directory);
	for (unsigned i = 0; i < postfix->instances_n; i++) {
		if (!is_of(&postfix->instances[i], at))
			continue;
		if (kept != i)
			postfix->instances[kept] = postfix->instances[i];
		kept++;
	}
	postfix->instances_n = kept;
}

static enum ctl_exit look(struct postfix *postfix)
{
	char directory[PATH_MAX];

	if (!find_instances(postfix))
		return CTL_FAILED;
	snprintf(directory, sizeof(directory), "%s", directory_of(postfix));
	snprintf(postfix->daemon, sizeof(postfix->daemon), "%s",
		daemon_installed());
	snprintf(postfix->daemon_at, sizeof(postfix->daemon_at), "%s%s",
		postfix->root, postfix->daemon);
	if (directory[0] != '/' || postfix->daemon[0] != '/') {
		say_complaint("%s: not an absolute path",
			directory[0] != '/' ? directory : postfix->daemon);
		return CTL_USAGE;
	}
	drop_others(postfix, directory);
	return diversion_look(postfix->root, directory, &postfix->diversion)
		       ? CTL_OK
		       : CTL_FAILED;
}

static enum ctl_exit sweep(const struct diversion *at)
{
	const char *const names[] = {
		at->master_at, at->saved_at, at->replaced_at};
	enum ctl_exit result = CTL_OK;

	for (size_t i = 0; i < 3 && result == CTL_OK; i++)
		result = postfix_done(sys_sweep_entry(names[i]), names[i]);
	return result;
}

static enum ctl_exit change(
	struct postfix *postfix, enum ctl_exit (*run)(struct postfix *postfix))
{
	AUTO_CLOSE int lock = -1;
	enum ctl_exit result;

	if (postfix->ctl->json) {
		say_complaint("there is --json only for `postfix status`");
		return CTL_USAGE;
	}
	if (!sys_is_root()) {
		say_complaint("only root can do that; `ostler postfix status` "
			      "may be asked by anybody");
		return CTL_NOT_ALLOWED;
	}
	/* Look only when nobody else may change it any more. */
	postfix->diversion.root = postfix->root;
	if (!postfix->ctl->dry_run &&
		!diversion_lock(&postfix->diversion, &lock))
		return CTL_FAILED;
	result = look(postfix);
	if (result == CTL_OK && !postfix->ctl->dry_run)
		result = sweep(&postfix->diversion);
	return result == CTL_OK ? run(postfix) : result;
}

enum ctl_exit ctl_postfix(const struct ctl *ctl)
{
	static struct postfix postfix;
	enum ctl_exit result = CTL_USAGE;
	const char *word = ctl->words_n > 0 ? ctl->words[0] : "status";

	postfix = (struct postfix){
		.ctl = ctl, .root = ctl->root != NULL ? ctl->root : ""};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(word, words[i].word) != 0)
			continue;
		if (words[i].changes)
			result = change(&postfix, words[i].run);
		else
			result = look(&postfix);
		if (!words[i].changes && result == CTL_OK)
			result = words[i].run(&postfix);
		free(postfix.instances);
		return result;
	}
	say_complaint("there is no `postfix %s`; there is enable, disable and "
		      "status",
		word);
	return result;
}
