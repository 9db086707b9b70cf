/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/text.h"
#include "conf/settings.h"
#include "master/begin.h"
#include "master/control.h"
#include "master/exit.h"
#include "master/holdings.h"
#include "master/keep.h"
#include "master/keep_arrive.h"
#include "master/keep_socket.h"
#include "master/keeper.h"
#include "master/load.h"
#include "master/log.h"
#include "master/manager.h"
#include "master/master.h"
#include "master/passed.h"
#include "master/personality.h"
#include "master/postfix_main.h"
#include "master/store.h"
#include "master/upgrade.h"
#include "sys/fd.h"
#include "sys/path.h"
#include "sys/spawn.h"
#include "table/table.h"

/*
 * main - ostlerd: arguments, the first table, exit codes
 *
 * Only this file ends the program.
 */

static const char usage[] =
	"usage: ostlerd [-c file] [--check] [--settings] [--spawn=fork|clone]\n"
	"               [--keep | --no-keep] [-V | --version] [-h | --help]\n"
	"       ostlerd --postfix [-Ddistvw] [-c directory] [-e seconds] [--check]\n"
	"               as Postfix's master; see ostler-postfix(7)\n";

enum mode {
	MODE_SERVE,
	MODE_REHEARSE,
	MODE_CHECK,
	MODE_SETTINGS,
	MODE_VERSION,
	MODE_HELP,
	MODE_WRONG,
};

static enum mode parse_arguments(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, 'k'},
		{"rehearse", no_argument, NULL, 'r'},
		{"settings", no_argument, NULL, 's'},
		{"spawn", required_argument, NULL, 'p'},
		{"keep", no_argument, NULL, 'K'},
		{"no-keep", no_argument, NULL, 'N'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	enum mode mode = MODE_SERVE;
	int c;

	while ((c = getopt_long(argc, argv, "c:Vh", longs, NULL)) != -1) {
		if (c == 'c')
			options->config = optarg;
		else if (c == 'k')
			mode = MODE_CHECK;
		else if (c == 'r')
			mode = MODE_REHEARSE;
		else if (c == 's')
			mode = MODE_SETTINGS;
		else if (c == 'V')
			mode = MODE_VERSION;
		else if (c == 'h')
			mode = MODE_HELP;
		else if (c == 'K' || c == 'N')
			options->keep = c == 'K' ? KEEP_YES : KEEP_NO;
		else if (c != 'p' ||
			 !begin_method(optarg, &options->spawn_method))
			return MODE_WRONG;
	}
	return optind == argc ? mode : MODE_WRONG;
}

static void print_settings(void)
{
	char buffer[512];
	struct text_builder text;

	for (unsigned i = 0; i < SETTINGS_N; i++) {
		text_builder_init(&text, buffer, sizeof(buffer));
		setting_put(&text, &settings[i]);
		printf("%s\n", buffer);
	}
}

/* The lock file is the one who runs; its content is for people. */
static int lock_directory(struct master *master, const char *directory)
{
	char path[4096];
	int result;

	result = sys_make_directory(directory, 0755);
	if (result < 0) {
		log_say(MESSAGE_MASTER_FAILED,
			"runtime_directory cannot be made; name one that can");
		return begin_failed(directory, result);
	}
	result = sys_check_directory(directory);
	if (result < 0) {
		log_say(MESSAGE_MASTER_FAILED,
			"runtime_directory must belong to root or to this "
			"user, and nobody else may write there");
		return begin_failed(directory, result);
	}
	snprintf(path, sizeof(path), "%s/ostler.pid", directory);
	master->lock_fd = sys_lock_file(path, 0644);
	if (master->lock_fd == -EWOULDBLOCK) {
		struct log_line line;

		log_begin(&line, MESSAGE_MASTER_FAILED);
		log_text(&line, "at", path);
		log_text(&line, "error",
			"another ostlerd runs with this runtime_directory; "
			"stop that one, or choose another directory");
		log_end(&line);
		return EXIT_RUNNING;
	}
	if (master->lock_fd < 0)
		return begin_failed(path, master->lock_fd);
	result = sys_write_pid(master->lock_fd, (int)getpid());
	return result < 0 ? begin_failed(path, result) : EXIT_OK;
}

static void say_rootless(void)
{
	if (sys_is_root())
		return;
	log_say(MESSAGE_ROOTLESS,
		"all workers run as this user, not as users of their own");
	log_say(MESSAGE_ROOTLESS,
		"ports below net.ipv4.ip_unprivileged_port_start are refused");
}

/* The table before the core is sized: complaints go where logs go. */
static struct table *first_table(const char *file)
{
	struct arena *arena = arena_create(0);
	struct table *table = NULL;
	struct diags diags;
	char buffer[1800];
	struct text_builder text;

	if (arena == NULL)
		return NULL;
	diags_init(&diags, arena);
	if (!load_table(file, &table, &diags))
		table = NULL;
	for (size_t i = 0; i < diags.n; i++) {
		text_builder_init(&text, buffer, sizeof(buffer));
		diag_put(&text, &diags.items[i]);
		log_say(diags.items[i].severity == DIAG_ERROR
				? MESSAGE_CONFIG_ERROR
				: MESSAGE_CONFIG_WARNING,
			buffer);
	}
	arena_destroy(arena);
	return table;
}

static void say_started(struct master *master)
{
	struct log_line line;

	log_begin(&line, MESSAGE_MASTER_STARTED);
	log_text(&line, "version", OSTLER_VERSION);
	log_number(&line, "pid", (uint64_t)getpid());
	log_number(&line, "services", master->services_high);
	log_number(&line, "workers_max", master->limits.workers_max);
	log_text(&line, "spawn",
		spawner_method(master->spawner) == SPAWN_FORK ? "fork"
							      : "clone");
	log_end(&line);
	manager_ready(master);
}

/* In a container that was made by hand it may be missing. */
static int need_proc(void)
{
	if (sys_exists("/proc/self/fd") == 1)
		return EXIT_OK;
	log_say(MESSAGE_MASTER_FAILED,
		"/proc is not mounted: sockets get their owners by it");
	return begin_failed("/proc", -ENOENT);
}

static int start(struct master *master, struct table *table)
{
	int code = begin_size(master, table);

	if (code == EXIT_OK)
		code = need_proc();
	if (code == EXIT_OK)
		code = lock_directory(master, table->runtime_directory);
	if (code != EXIT_OK) {
		table_destroy(table);
		return code;
	}
	code = control_create(master);
	if (code < 0) {
		table_destroy(table);
		return begin_failed("control.sock", code);
	}
	say_rootless();
	code = begin_table(master, table);
	passed_finish();
	return code;
}

/* Nothing is closed or removed: somebody else goes on with all of it. */
_Noreturn static void leave_open(void)
{
	log_flush();
	_exit(EXIT_MACHINE);
}

/* From a master that died. */
static int take_over(struct master *master, struct holdings *holdings)
{
	if (!keep_arrive(master, holdings))
		leave_open();
	master_round(master); /* on trial */
	keep_settle(master);
	return EXIT_OK;
}

/* From the files, or where another master was. */
static int begin(struct master *master, const struct options *options)
{
	struct holdings holdings;
	struct table *table;
	int code;
	int kept;

	if (upgrade_is_arriving()) {
		if (!upgrade_arrive(master))
			leave_open();
		master_round(master); /* on trial */
		upgrade_settle(master);
		return EXIT_OK;
	}
	holdings_init(&holdings);
	kept = keep_socket_open(master, &holdings);
	if (kept < 0)
		return begin_failed("keeper", kept);
	if (kept > 0 && keep_has_state(&holdings))
		return take_over(master, &holdings);
	keep_offer(&holdings);
	table = first_table(options->config);
	code = table == NULL ? EXIT_CONFIG : start(master, table);
	if (code == EXIT_OK) {
		keep_renew(master);
		if (!master->stopping)
			say_started(master);
	}
	return code;
}

static int serve(const struct options *options)
{
	struct master master;
	const char *what;
	int code;

	(void)umask(022); /* whatever it was: our modes mean what they say */
	code = sys_open_standard();
	log_init();
	passed_begin();
	manager_begin();
	store_begin();
	if (code < 0)
		return begin_failed("/dev/null", code);
	code = master_open(&master, options, &what);
	if (code < 0)
		return begin_failed(what, code);
	code = begin(&master, options);
	if (code == EXIT_OK)
		code = master_run(&master);
	else
		manager_failed(code);
	master_finish(&master);
	log_flush();
	return code;
}

/* Process 1 is the one whose death would end everybody else. */
static bool is_keeper(const struct options *options)
{
	if (upgrade_is_arriving() || keep_socket_is_ours())
		return false;
	return options->keep == KEEP_YES ||
	       (options->keep == KEEP_DEFAULT && getpid() == 1);
}

int main(int argc, char **argv)
{
	struct options options = {.personality = &personality_native,
		.config = DEFAULT_CONFIG,
		.spawn_method = SPAWN_AUTO};

	upgrade_begin(argv);
	if (postfix_is_meant(argc, argv))
		return postfix_main(argc, argv);
	switch (parse_arguments(argc, argv, &options)) {
	case MODE_CHECK:
		return load_check(options.config);
	case MODE_SETTINGS:
		print_settings();
		return EXIT_OK;
	case MODE_VERSION:
		printf("ostlerd %s\n", OSTLER_VERSION);
		return EXIT_OK;
	case MODE_HELP:
		fputs(usage, stdout);
		return EXIT_OK;
	case MODE_WRONG:
		fputs(usage, stderr);
		return EXIT_USAGE;
	case MODE_REHEARSE:
		/* Nobody takes down what was made: that is a master's end. */
		_exit(upgrade_rehearse(&options));
	case MODE_SERVE:
		break;
	}
	return is_keeper(&options) ? keeper_run(argc, argv) : serve(&options);
}
