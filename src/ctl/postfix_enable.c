/* SPDX-License-Identifier: MIT */
#include "ctl/postfix.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl/say.h"
#include "sys/run.h"

/* A program that others could change would be theirs to run as root. */
static enum ctl_exit check_daemon(const struct postfix *postfix)
{
	int result = sys_check_program(postfix->daemon_at);

	if (result >= 0 && !diversion_is_ostlerd(postfix->daemon_at)) {
		say_complaint("%s: this is no ostlerd", postfix->daemon_at);
		return CTL_FAILED;
	}
	if (result >= 0)
		return CTL_OK;
	if (result == -EPERM)
		say_complaint(
			"%s: it, or a directory that leads to it, can be changed by others than root",
			postfix->daemon_at);
	else
		say_complaint("%s: %s; name the program with OSTLER_DAEMON",
			postfix->daemon_at, strerror(-result));
	return CTL_FAILED;
}

/* ostlerd reads the instance's files as it would at its start. */
static enum ctl_exit check_instance(
	const struct postfix *postfix, const struct instance *instance)
{
	const char *const argv[] = {postfix->daemon_at, "--postfix", "--check",
		"-c", instance->config_directory, NULL};
	static char complaints[16384];
	const struct run run = {.argv = argv,
		.stderr_to = RUN_STDERR_TOO,
		.out = complaints,
		.size = sizeof(complaints)};
	int code = sys_run(&run);
	char *line = complaints;

	while (code >= 0 && *line != '\0') {
		size_t n = strcspn(line, "\n");

		say_line(code == 0 ? stdout : stderr, "%.*s", (int)n, line);
		line += n + (line[n] == '\n');
	}
	if (code == 0)
		return CTL_OK;
	if (code < 0)
		say_complaint("%s: %s", postfix->daemon_at, strerror(-code));
	else
		say_complaint(
			"%s: ostlerd would not start with this configuration (exit status %d)",
			instance->config_directory, code);
	return code == CTL_CONFIGURATION ? CTL_CONFIGURATION : CTL_FAILED;
}

static enum ctl_exit check_instances(const struct postfix *postfix)
{
	enum ctl_exit worst = CTL_OK;

	for (unsigned i = 0; i < postfix->instances_n; i++) {
		enum ctl_exit result =
			check_instance(postfix, &postfix->instances[i]);

		if (result != CTL_OK)
			worst = result;
	}
	return worst;
}

static enum ctl_exit refuse(const struct diversion *at, const char *why)
{
	say_complaint("%s: %s", at->master, why);
	return CTL_FAILED;
}

/* Is the package's file at one of the two names, and known to be that? */
static enum ctl_exit check_place(const struct postfix *postfix)
{
	const struct diversion *at = &postfix->diversion;

	if (at->kind == DIVERSION_FOREIGN) {
		say_complaint(
			"%s is diverted to %s already, and not by ostler: `dpkg-divert --list` says by whom",
			at->master, at->truename);
		return CTL_FAILED;
	}
	if (at->package[0] == '\0')
		return refuse(at,
			"no package owns it; where daemon_directory is your own, put ostlerd there under this name yourself");
	if (at->kind == DIVERSION_OURS && at->saved_entry.kind == ENTRY_FILE)
		return CTL_OK;
	if (at->ours)
		return at->saved_entry.kind == ENTRY_FILE
			       ? CTL_OK
			       : refuse(at,
					 "the package's own program is missing; reinstall the package (apt install --reinstall postfix), then enable again");
	if (at->master_entry.kind != ENTRY_FILE)
		return refuse(at,
			"there is no program; reinstall the package (apt install --reinstall postfix)");
	if (at->kind == DIVERSION_NONE && !diversion_is_genuine(at))
		return refuse(at,
			"it is not the program that the package brought; reinstall the package, or keep what you have put there");
	return CTL_OK;
}

/* An older program of the package's, or somebody's own copy: who knows. */
static enum ctl_exit keep_saved(struct postfix *postfix)
{
	const struct diversion *at = &postfix->diversion;

	if (!diversion_saved_is_foreign(at) ||
		!postfix_step(postfix, "keep the file %s as %s", at->saved_at,
			at->replaced_at))
		return CTL_OK;
	return postfix_done(sys_replace_by_file(at->replaced_at, at->saved_at),
		at->replaced_at);
}

/* The package's program gets its second name. */
static enum ctl_exit save(struct postfix *postfix)
{
	const struct diversion *at = &postfix->diversion;

	if (at->ours ||
		(at->kind == DIVERSION_OURS &&
			at->saved_entry.kind == ENTRY_FILE) ||
		entry_is_same(&at->master_entry, &at->saved_entry))
		return CTL_OK;
	if (!postfix_step(postfix, "keep %s as %s", at->master, at->saved))
		return CTL_OK;
	return postfix_done(
		sys_replace_by_file(at->saved_at, at->master_at), at->saved_at);
}

static enum ctl_exit divert(struct postfix *postfix)
{
	const struct diversion *at = &postfix->diversion;

	if (at->kind == DIVERSION_OURS)
		return CTL_OK;
	if (!postfix_step(postfix,
		    "tell dpkg that the package's program is %s from now on",
		    at->saved))
		return CTL_OK;
	return diversion_add(at) ? CTL_OK : CTL_FAILED;
}

static enum ctl_exit put_in_place(struct postfix *postfix)
{
	const struct diversion *at = &postfix->diversion;

	if (postfix_is_current(postfix) ||
		!postfix_step(postfix, "make %s a copy of %s", at->master,
			postfix->daemon))
		return CTL_OK;
	return postfix_done(
		sys_replace_by_copy(at->master_at, postfix->daemon_at),
		at->master_at);
}

/* By the package's rules; it may be an older one. */
static bool is_in_place(const struct postfix *postfix)
{
	const struct diversion *at = &postfix->diversion;

	return at->ours && at->kind == DIVERSION_OURS &&
	       at->saved_entry.kind == ENTRY_FILE;
}

/* As any upgrade of a package: who runs goes on with what he began with. */
static enum ctl_exit renew(struct postfix *postfix)
{
	enum ctl_exit result;

	if (postfix_is_current(postfix)) {
		say_line(stdout, "%s is ostler's already",
			postfix->diversion.master);
		return CTL_OK;
	}
	result = check_daemon(postfix);
	if (result == CTL_OK)
		result = check_instances(postfix);
	if (result == CTL_OK)
		result = put_in_place(postfix);
	if (result == CTL_OK && !postfix->ctl->dry_run)
		say_line(stdout,
			"%s is this ostlerd from the next start of Postfix on",
			postfix->diversion.master);
	return result;
}

static enum ctl_exit check(const struct postfix *postfix)
{
	enum ctl_exit result = check_daemon(postfix);

	if (result == CTL_OK)
		result = check_place(postfix);
	if (result == CTL_OK)
		result = check_instances(postfix);
	if (result == CTL_OK)
		result = postfix_may_change(postfix);
	return result;
}

enum ctl_exit postfix_enable(struct postfix *postfix)
{
	const struct diversion *at = &postfix->diversion;
	enum ctl_exit result;

	if (is_in_place(postfix))
		return renew(postfix);
	result = check(postfix);
	if (result == CTL_OK)
		result = keep_saved(postfix);
	if (result == CTL_OK)
		result = save(postfix);
	if (result == CTL_OK)
		result = divert(postfix);
	if (result == CTL_OK)
		result = postfix_keep_replaced(postfix);
	if (result == CTL_OK)
		result = put_in_place(postfix);
	if (result == CTL_OK && !postfix->ctl->dry_run)
		say_line(stdout,
			"%s is ostler's; start Postfix as ever (systemctl start postfix), and go back with `ostler postfix disable`",
			at->master);
	return result;
}
