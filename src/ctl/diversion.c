/* SPDX-License-Identifier: MIT */
#include "ctl/diversion.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ctl/say.h"
#include "sys/run.h"

#define DPKG_LOCK "/var/lib/dpkg/lock-frontend"

static bool put_path(char *out, const char *a, const char *b, const char *c)
{
	int n = snprintf(out, PATH_MAX, "%s%s%s", a, b, c);

	if (n > 0 && n < PATH_MAX)
		return true;
	say_complaint("%s%s%s: the name is too long", a, b, c);
	return false;
}

static bool put_names(
	const char *root, const char *directory, struct diversion *out)
{
	out->root = root;
	return put_path(out->master, directory, "/master", "") &&
	       put_path(out->saved, out->master, DIVERSION_SUFFIX, "") &&
	       put_path(out->master_at, root, out->master, "") &&
	       put_path(out->saved_at, root, out->saved, "") &&
	       put_path(out->replaced_at, out->master_at, DIVERSION_REPLACED,
		       "");
}

static bool look_at(const char *path, struct entry *out)
{
	int result = sys_entry(path, out);

	if (result >= 0)
		return true;
	say_complaint("%s: %s", path, strerror(-result));
	return false;
}

/* The option that dpkg's programs take, in BUFFER of PATH_MAX + 16. */
static const char *root_option(const struct diversion *diversion, char *buffer)
{
	snprintf(buffer, PATH_MAX + 16, "--root=%s",
		diversion->root[0] != '\0' ? diversion->root : "/");
	return buffer;
}

/* What PROGRAM answers to WORDS (up to 6), its last newline cut off. */
static int ask(const struct diversion *diversion, const char *program,
	const char *const *words, char *out, size_t size)
{
	char root[PATH_MAX + 16];
	const char *argv[10] = {program, root_option(diversion, root)};
	const struct run run = {.argv = argv,
		.stderr_to = RUN_STDERR_NOWHERE,
		.out = out,
		.size = size};
	int code;
	size_t n;

	for (n = 0; words[n] != NULL; n++)
		argv[n + 2] = words[n];
	code = sys_run(&run);
	if (code < 0) {
		say_complaint(
			"%s: %s; is this a Debian?", program, strerror(-code));
		return code;
	}
	n = strlen(out);
	if (n > 0 && out[n - 1] == '\n')
		out[n - 1] = '\0';
	return code;
}

static bool look_for_diversion(struct diversion *out)
{
	const char *const truename[] = {"--truename", out->master, NULL};
	const char *const owner[] = {"--listpackage", out->master, NULL};
	char whose[256];

	if (ask(out, "dpkg-divert", truename, out->truename,
		    sizeof(out->truename)) != 0 ||
		ask(out, "dpkg-divert", owner, whose, sizeof(whose)) != 0) {
		say_complaint(
			"dpkg-divert does not answer about %s", out->master);
		return false;
	}
	out->kind = whose[0] == '\0' ? DIVERSION_NONE
		    : strcmp(whose, "LOCAL") == 0 &&
				    strcmp(out->truename, out->saved) == 0
			    ? DIVERSION_OURS
			    : DIVERSION_FOREIGN;
	return true;
}

/* "postfix: /usr/lib/..." among lines about diversions. */
static void read_owner(const char *answer, struct diversion *out)
{
	struct text rest = text_of(answer);
	struct text line;

	while (text_cut(&rest, '\n', &line)) {
		struct text name;

		if (text_starts_with(line, "local diversion") ||
			text_starts_with(line, "diversion by") ||
			!text_cut(&line, ':', &name) ||
			name.n >= sizeof(out->package))
			continue;
		memcpy(out->package, name.bytes, name.n);
		out->package[name.n] = '\0';
	}
}

static bool look_for_package(struct diversion *out)
{
	const char *const search[] = {"--search", out->master, NULL};
	const char *const show[] = {
		"--show", "--showformat=${Version}", out->package, NULL};
	char answer[2 * PATH_MAX] = "";
	int code = ask(out, "dpkg-query", search, answer, sizeof(answer));

	out->package[0] = '\0';
	out->version[0] = '\0';
	if (code < 0)
		return false;
	if (code == 0)
		read_owner(answer, out);
	if (out->package[0] == '\0')
		return true;
	return ask(out, "dpkg-query", show, out->version,
		       sizeof(out->version)) >= 0;
}

bool diversion_is_ostlerd(const char *path)
{
	return sys_file_has(path, "ostlerd") == 1;
}

/* A link by its name: where it leads may be gone. */
static bool is_ours(const struct diversion *diversion)
{
	const char *target = diversion->master_entry.target;
	const char *slash = strrchr(target, '/');

	if (diversion->master_entry.kind == ENTRY_FILE)
		return diversion_is_ostlerd(diversion->master_at);
	return strcmp(slash != NULL ? slash + 1 : target, "ostlerd") == 0;
}

bool diversion_look(
	const char *root, const char *directory, struct diversion *out)
{
	if (!put_names(root, directory, out) ||
		!look_at(out->master_at, &out->master_entry) ||
		!look_at(out->saved_at, &out->saved_entry))
		return false;
	out->ours = is_ours(out);
	return look_for_diversion(out) && look_for_package(out);
}

/* dpkg --verify prints a line about each file that is another. */
bool diversion_saved_is_foreign(const struct diversion *diversion)
{
	return diversion->saved_entry.kind != ENTRY_NONE &&
	       diversion->kind == DIVERSION_NONE && !diversion->ours &&
	       !entry_is_same(
		       &diversion->master_entry, &diversion->saved_entry);
}

bool diversion_is_genuine(const struct diversion *diversion)
{
	const char *const words[] = {"--verify", diversion->package, NULL};
	static char answer[65536];
	struct text rest;
	struct text line;

	if (diversion->master_entry.kind != ENTRY_FILE ||
		ask(diversion, "dpkg", words, answer, sizeof(answer)) < 0)
		return false;
	rest = text_of(answer);
	while (text_cut(&rest, '\n', &line)) {
		size_t n = strlen(diversion->master);

		if (line.n > n && line.bytes[line.n - n - 1] == ' ' &&
			memcmp(line.bytes + line.n - n, diversion->master, n) ==
				0)
			return false;
	}
	return true;
}

static bool tell(const struct diversion *diversion, const char *verb)
{
	const char *const words[] = {"--local", "--no-rename", "--divert",
		diversion->saved, verb, diversion->master, NULL};
	char root[PATH_MAX + 16];
	const char *argv[10] = {"dpkg-divert", root_option(diversion, root)};
	char answer[2048];
	const struct run run = {.argv = argv,
		.stderr_to = RUN_STDERR_TOO,
		.out = answer,
		.size = sizeof(answer)};
	int code;

	memcpy(argv + 2, words, sizeof(words));
	code = sys_run(&run);
	if (code == 0)
		return true;
	say_complaint("dpkg-divert %s %s: %s", verb, diversion->master,
		code < 0 ? strerror(-code) : answer);
	return false;
}

bool diversion_add(const struct diversion *diversion)
{
	return tell(diversion, "--add");
}

bool diversion_remove(const struct diversion *diversion)
{
	return tell(diversion, "--remove");
}

/* Within a maintainer script dpkg itself runs us, and holds the lock. */
bool diversion_lock(const struct diversion *diversion, int *out)
{
	char path[PATH_MAX + sizeof(DPKG_LOCK)];

	*out = -1;
	if (getenv("DPKG_MAINTSCRIPT_PACKAGE") != NULL)
		return true;
	snprintf(path, sizeof(path), "%s" DPKG_LOCK, diversion->root);
	*out = sys_lock_whole(path);
	if (*out >= 0)
		return true;
	if (*out == -EAGAIN)
		say_complaint(
			"packages are being installed; try again when dpkg is done");
	else
		say_complaint("%s: %s", path, strerror(-*out));
	return false;
}
