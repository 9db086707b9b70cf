/* SPDX-License-Identifier: MIT */
#include "ctl/instance.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ctl/say.h"
#include "sys/entry.h"
#include "sys/fd.h"
#include "sys/net.h"
#include "sys/run.h"

#define PID_FILE "pid/master.pid"
#define CONNECT_NS UINT64_C(1000000000)
enum { PID_FILE_MAX = 256 };

static bool take_line(struct text *rest, char *out, size_t size)
{
	struct text line;

	if (!text_cut(rest, '\n', &line) || line.n >= size)
		return false;
	memcpy(out, line.bytes, line.n);
	out[line.n] = '\0';
	return true;
}

/* In the order in which postconf was asked. */
static bool read_answer(const char *answer, struct instance *out)
{
	struct text rest = text_of(answer);

	return take_line(&rest, out->daemon_directory,
		       sizeof(out->daemon_directory)) &&
	       take_line(&rest, out->queue_directory,
		       sizeof(out->queue_directory)) &&
	       take_line(&rest, out->multi_directories,
		       sizeof(out->multi_directories)) &&
	       out->daemon_directory[0] == '/' &&
	       out->queue_directory[0] == '/';
}

/* What is asked, behind the words that say of whom. */
#define QUESTIONS                                                              \
	"-xh", "daemon_directory", "queue_directory",                          \
		"multi_instance_directories", NULL

static int run_postconf(const char *const *words, enum run_stderr stderr_to,
	struct instance *out)
{
	static char answer[4 * PATH_MAX];
	const struct run run = {.argv = words,
		.stderr_to = stderr_to,
		.out = answer,
		.size = sizeof(answer)};
	int code = sys_run(&run);

	return code == 0 && !read_answer(answer, out) ? 1 : code;
}

/*
 * postconf reads master.cf too, and says nothing at all if that has an error:
 * just when we are needed. Where there is none it only warns.
 */
static int ask_without_master_cf(struct instance *out)
{
	char directory[PATH_MAX];
	char file[PATH_MAX + 16];
	char real[PATH_MAX + 16];
	char config[PATH_MAX + 32];
	const char *const words[] = {
		"postconf", "-c", directory, "-o", config, QUESTIONS};
	int code = sys_make_scratch(directory, sizeof(directory));

	if (code < 0)
		return code;
	snprintf(file, sizeof(file), "%s/main.cf", directory);
	snprintf(real, sizeof(real), "%s/main.cf", out->config_directory);
	snprintf(config, sizeof(config), "config_directory=%s",
		out->config_directory);
	code = sys_replace_by_link(file, real);
	if (code == 0)
		code = run_postconf(words, RUN_STDERR_NOWHERE, out);
	(void)sys_remove_entry(file); /* a leftover harms nobody */
	(void)sys_remove_directory(directory);
	return code;
}

static bool ask_postconf(struct instance *out, bool quiet)
{
	const char *const words[] = {
		"postconf", "-c", out->config_directory, QUESTIONS};
	/* It warns of much that nobody has asked for. */
	int code = run_postconf(words, RUN_STDERR_NOWHERE, out);

	if (code > 0)
		code = ask_without_master_cf(out);
	if (code == 0)
		return true;
	if (!quiet && code > 0)
		code = run_postconf(words, RUN_STDERR_OURS, out);
	if (quiet)
		return false;
	if (code < 0)
		say_complaint(
			"postconf: %s; is Postfix installed?", strerror(-code));
	else
		say_complaint("%s: postconf does not say which Postfix this is",
			out->config_directory);
	return false;
}

static int read_pid(const char *path)
{
	AUTO_FREE char *text = NULL;
	size_t n;

	if (sys_read_file(path, &text, &n, PID_FILE_MAX) < 0)
		return 0;
	return (int)strtol(text, NULL, 10);
}

/* By the bytes of its program, which may have been deleted since. */
static enum instance_master instance_master_of(int pid)
{
	char path[64];
	int ours;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	ours = pid > 0 ? sys_file_has(path, "ostlerd") : -1;
	if (ours == 1)
		return INSTANCE_OURS;
	return ours == 0 && sys_file_has(path, "libpostfix") == 1
		       ? INSTANCE_POSTFIX
		       : INSTANCE_UNKNOWN;
}

/* Postfix's own has no such socket. */
static bool has_control(struct instance *instance)
{
	AUTO_CLOSE int fd = -1;
	char path[PATH_MAX + sizeof(INSTANCE_SOCKET) + 1];
	struct peer peer;

	instance_socket(instance, path, sizeof(path));
	fd = sys_connect_unix(path, CONNECT_NS);
	if (fd >= 0 && instance->pid == 0 && sys_peer(fd, &peer) >= 0)
		instance->pid = peer.pid;
	return fd >= 0;
}

static void find_master(struct instance *instance)
{
	char path[PATH_MAX + sizeof(PID_FILE) + 1];

	snprintf(path, sizeof(path), "%s/" PID_FILE, instance->queue_directory);
	instance->master = INSTANCE_STOPPED;
	instance->pid = 0;
	/* Who may not open it cannot know: it counts as running. */
	if (sys_is_flocked(path) == 0)
		return;
	instance->pid = read_pid(path);
	instance->master = has_control(instance)
				   ? INSTANCE_OURS
				   : instance_master_of(instance->pid);
}

static bool instance_ask(
	const char *config_directory, bool quiet, struct instance *out)
{
	int n = snprintf(out->config_directory, sizeof(out->config_directory),
		"%s", config_directory);

	return n > 0 && (size_t)n < sizeof(out->config_directory) &&
	       ask_postconf(out, quiet);
}

bool instance_look(
	const char *config_directory, bool quiet, struct instance *out)
{
	if (!instance_ask(config_directory, quiet, out))
		return false;
	find_master(out);
	return true;
}

void instance_socket(const struct instance *instance, char *out, size_t size)
{
	struct text_builder builder;

	text_builder_init(&builder, out, size);
	text_put(&builder, instance->queue_directory);
	text_put(&builder, "/" INSTANCE_SOCKET);
}

bool instance_find_socket(
	const char *config_directory, bool quiet, char *out, size_t size)
{
	static struct instance instance;

	if (!instance_ask(config_directory, quiet, &instance))
		return false;
	instance_socket(&instance, out, size);
	return true;
}

const char *instance_word(enum instance_master master)
{
	switch (master) {
	case INSTANCE_STOPPED:
		return "stopped";
	case INSTANCE_OURS:
		return "ostler";
	case INSTANCE_POSTFIX:
		return "postfix";
	case INSTANCE_UNKNOWN:
		break;
	}
	return "unknown";
}

const char *instance_text(
	const struct instance *instance, char *out, size_t size)
{
	char pid[32] = "";

	if (instance->pid > 0)
		snprintf(pid, sizeof(pid), ", pid %d", instance->pid);
	else if (instance->master == INSTANCE_UNKNOWN)
		return "who cannot read pid/master.pid cannot tell whether it runs";
	switch (instance->master) {
	case INSTANCE_STOPPED:
		return "not running";
	case INSTANCE_OURS:
		snprintf(out, size, "running under ostler%s", pid);
		break;
	case INSTANCE_POSTFIX:
		snprintf(
			out, size, "running under Postfix's own master%s", pid);
		break;
	case INSTANCE_UNKNOWN:
		snprintf(out, size, "running under an unknown master%s", pid);
		break;
	}
	return out;
}
