/* SPDX-License-Identifier: MIT */
#include "master/postfix_main.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/number.h"
#include "base/text.h"
#include "conf/maincf.h"
#include "conf/postfix_report.h"
#include "master/begin.h"
#include "master/control.h"
#include "master/exit.h"
#include "master/load.h"
#include "master/log.h"
#include "master/manager.h"
#include "master/master.h"
#include "master/postfix_shell.h"
#include "master/postfix_start.h"
#include "sys/clock.h"
#include "sys/daemon.h"
#include "sys/fd.h"
#include "sys/path.h"
#include "table/table.h"

#define DEFAULT_DIRECTORY "/etc/postfix"
#define PERSONALITY_OPTION "--postfix"
#define EXIT_TIME_MAX_S 2147483647u

struct command_line {
	const char *directory; /* NULL: from the environment */
	uint64_t exit_s;       /* 0: never */
	bool debugger, debug, verbose;
	bool init, stdout_kept, test, monitor, check;
	bool bad;
	enum spawn_method method;
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

bool postfix_is_meant(int argc, char **argv)
{
	return strcmp(base_name(argv[0]), "master") == 0 ||
	       (argc > 1 && strcmp(argv[1], PERSONALITY_OPTION) == 0);
}

static void take_exit_time(struct command_line *line, const char *word)
{
	const struct number_limits seconds = {1, EXIT_TIME_MAX_S};

	if (number_parse(text_of(word), seconds, &line->exit_s) != NUMBER_OK)
		line->bad = true;
}

static void take_option(struct command_line *line, int letter)
{
	switch (letter) {
	case 'c':
		line->directory = optarg;
		break;
	case 'D':
		line->debugger = true;
		break;
	case 'd':
		line->debug = true;
		break;
	case 'e':
		take_exit_time(line, optarg);
		break;
	case 'i':
		line->init = true;
		break;
	case 's':
		line->stdout_kept = true;
		break;
	case 't':
		line->test = true;
		break;
	case 'v':
		line->verbose = true;
		break;
	case 'w':
		line->monitor = true;
		break;
	case 'k':
		line->check = true;
		break;
	case 'p':
		line->bad = line->bad || !begin_method(optarg, &line->method);
		break;
	default:
		line->bad = true;
		break;
	}
}

static struct command_line parse(int argc, char **argv)
{
	static const struct option longs[] = {
		{"postfix", no_argument, NULL, 'P'},
		{"check", no_argument, NULL, 'k'},
		{"spawn", required_argument, NULL, 'p'},
		{NULL, 0, NULL, 0},
	};
	struct command_line line = {.method = SPAWN_AUTO,
		.debugger = getenv("MAIL_DEBUG") != NULL,
		.verbose = getenv("MAIL_VERBOSE") != NULL};
	int letter;

	while ((letter = getopt_long(argc, argv, "c:Dde:istvw", longs, NULL)) !=
		-1)
		if (letter != 'P')
			take_option(&line, letter);
	if (optind < argc ||
		(line.init && (line.debugger || line.debug || line.monitor)))
		line.bad = true;
	return line;
}

/* ---- before main.cf is read ----------------------------------------------- */

/* Whoever started us told where his own log goes. */
static void open_first_log(const char *name)
{
	const char *tag = getenv("MAIL_LOGTAG");
	const char *service = getenv("POSTLOG_SERVICE");
	const char *host = getenv("POSTLOG_HOSTNAME");
	char label[256] = "";
	char text[128];

	if (host != NULL)
		snprintf(label, sizeof(label), "%.*s", (int)strcspn(host, "."),
			host);
	snprintf(text, sizeof(text), "%s/%s", tag == NULL ? "postfix" : tag,
		name);
	log_open(&(struct log_setup){
		.target = service == NULL ? LOG_SYSLOG : LOG_POSTLOG,
		.tag = text,
		.facility = log_facility("mail"),
		.postlog_socket = service,
		.postlog_file = "",
		.postlog_host = label,
		.postfix = true});
}

static char *absolute(const char *directory)
{
	char *path = realpath(directory, NULL);

	return path == NULL ? strdup(directory) : path;
}

/* The environment as all of Postfix's programs want it. 0 or -ENOMEM. */
static int find_directory(
	struct postfix_master *postfix, const struct command_line *line)
{
	const char *directory = line->directory;
	char *files[2] = {NULL, NULL};

	if (directory != NULL && setenv("MAIL_CONFIG", directory, 1) < 0)
		return -ENOMEM;
	if (directory == NULL)
		directory = getenv("MAIL_CONFIG");
	if (directory == NULL)
		directory = DEFAULT_DIRECTORY;
	postfix->directory =
		directory[0] == '/' ? strdup(directory) : absolute(directory);
	if (postfix->directory == NULL ||
		asprintf(&files[0], "%s/main.cf", postfix->directory) < 0 ||
		asprintf(&files[1], "%s/master.cf", postfix->directory) < 0)
		return -ENOMEM;
	postfix->main_file = files[0];
	postfix->master_file = files[1];
	return 0;
}

/* Signals of ours are not inherited; SIGPIPE is none of a worker's. */
static uint64_t ignored_signals(void)
{
	static const int ours[] = {SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGBUS,
		SIGSEGV, SIGTERM, SIGCHLD, SIGALRM};
	uint64_t ignored = sys_ignored_signals();

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		ignored &= ~(UINT64_C(1) << (ours[i] - 1));
	return ignored | UINT64_C(1) << (SIGPIPE - 1);
}

/* ---- the configuration ----------------------------------------------------- */

static void say_fatals(const struct postfix_master *postfix,
	const struct postfix_log *log, const struct diags *diags)
{
	const size_t skip = strlen("fatal: ");
	bool said_any = false;

	for (const struct postfix_said *said = log->first; said != NULL;
		said = said->next) {
		if (said->severity != POSTFIX_FATAL)
			continue;
		(void)postfix_fatal(postfix, "%s", said->text + skip);
		said_any = true;
	}
	if (!said_any)
		(void)postfix_fatal(postfix, "%s",
			diags->n > 0 ? diags->items[0].problem
				     : "not enough memory");
}

/* NULL, and it was said why. */
static struct table *first_table(struct postfix_master *postfix)
{
	struct arena *arena = arena_create(0);
	struct table *table = NULL;
	struct postfix_log log = {.arena = arena};
	const struct maincf *main;
	struct diags diags;

	if (arena == NULL)
		return NULL;
	diags_init(&diags, arena);
	postfix_settle_now(postfix);
	/* main.cf says where to complain of master.cf. */
	main = postfix_read_main(postfix, arena, &diags, &log);
	if (main != NULL) {
		postfix_open_log(postfix, main);
		log = (struct postfix_log){.arena = arena};
		diags_init(&diags, arena);
	}
	if (main == NULL || !postfix_read(postfix, &table, &diags, &log))
		table = NULL;
	postfix_say_remarks(&log);
	if (table == NULL)
		say_fatals(postfix, &log, &diags);
	arena_destroy(arena);
	return table;
}

/* Every complaint on stdout, as `ostlerd --check` has it. */
static int check(struct postfix_master *postfix)
{
	struct arena *arena = arena_create(0);
	struct table *table = NULL;
	struct diags diags;
	bool good;

	if (arena == NULL)
		return EXIT_MACHINE;
	diags_init(&diags, arena);
	good = postfix_read(postfix, &table, &diags, NULL);
	load_print(&diags);
	if (good)
		printf("%s: %u services, no errors\n", postfix->master_file,
			table->services_n);
	table_destroy(table);
	arena_destroy(arena);
	return good ? EXIT_OK : EXIT_CONFIG;
}

/* ---- serving ---------------------------------------------------------------- */

/* Values that only a new start can change, by name. 0 or -ENOMEM. */
static int set_pins(
	struct postfix_master *postfix, const struct postfix_conf *conf)
{
	static const enum postfix_setting_id ids[POSTFIX_PINS] = {
		POSTFIX_queue_directory, POSTFIX_inet_protocols,
		POSTFIX_inet_interfaces};

	for (unsigned i = 0; i < POSTFIX_PINS; i++) {
		const char *value = strdup(maincf_text(conf->main, ids[i]));

		if (value == NULL)
			return -ENOMEM;
		postfix->pins[i] = (struct maincf_pin){ids[i], value};
	}
	return 0;
}

static void run_debugger(const struct postfix_conf *conf)
{
	const char *command = maincf_text(conf->main, POSTFIX_debugger_command);

	if (command[0] == '\0')
		log_words(LOG_WARNING, "-D: debugger_command is empty");
	else if (system(command) != 0)
		log_words(LOG_WARNING, "-D: %s: failed", command);
}

/* By what is in force: another reload may have come already. */
static void say_started(struct master *master)
{
	const struct maincf *main = postfix_conf_of(master)->main;

	log_words(LOG_INFO, "daemon started -- version %s, configuration %s",
		maincf_text(main, POSTFIX_mail_version),
		master->postfix->directory);
	manager_begin();
	manager_ready(master);
}

/* All that TABLE, which is taken, needs. 0, or 1 and it was said why not. */
static int open_all(struct master *master, struct table *table)
{
	const struct postfix_master *postfix = master->postfix;
	int result;

	if (begin_size(master, table) != EXIT_OK) {
		table_destroy(table);
		return postfix_fatal(postfix,
			"not enough descriptors or memory for all services of "
			"%s: the line before has the figures",
			postfix->master_file);
	}
	if (control_create(master) < 0)
		log_words(LOG_WARNING,
			"no control socket in %s: `ostler` "
			"will not find this master",
			master->runtime_directory);
	result = sys_pipe(master->flow, true);
	if (result < 0) {
		table_destroy(table);
		return postfix_fatal(postfix, "pipe: %s", strerror(-result));
	}
	return begin_table(master, table) == EXIT_OK ? 0 : 1;
}

/* Serve as MASTER, which is open, until the end. */
static int run(struct master *master, struct table *table,
	const struct command_line *line, struct monitor *monitor)
{
	if (open_all(master, table) != 0) {
		postfix_rescue_lines(master);
		control_retract(master);
		return 1;
	}
	say_started(master);
	fd_close(&master->postfix->stderr_fd);
	sys_monitor_release(monitor);
	if (line->exit_s != 0)
		master->exit_ns = clock_now_ns() + line->exit_s * NS_PER_S;
	while (!master->done)
		master_round(master);
	log_words_direct(LOG_INFO, "master exit time has arrived");
	control_retract(master);
	log_finish();
	/* Workers see the end of their channels, and finish their clients. */
	_exit(0);
}

static int serve(struct postfix_master *postfix,
	const struct command_line *line, struct monitor *monitor)
{
	struct options options = {.personality = &personality_postfix,
		.config = postfix->master_file,
		.spawn_method = line->method};
	const struct postfix_conf *conf;
	static struct master master; /* there is one, until the end */
	struct table *table = first_table(postfix);
	const char *what = "";
	int data_lock = -1;
	int pid_lock = -1;
	int result;

	if (table == NULL)
		return 1;
	conf = postfix_conf_in(table);
	if (postfix_check_users(postfix, conf->main) != 0 ||
		postfix_lock(postfix, conf->main, &pid_lock, &data_lock) != 0)
		return 1;
	if (postfix_keep_environment(postfix, conf) < 0 ||
		set_pins(postfix, conf) < 0)
		return postfix_fatal(postfix, "not enough memory");
	if (line->debugger)
		run_debugger(conf);
	result = master_open(&master, &options, &what);
	if (result < 0)
		return postfix_fatal(
			postfix, "%s: %s", what, strerror(-result));
	master.postfix = postfix;
	master.lock_fd = pid_lock;
	return run(&master, table, line, monitor);
}

/* Into the background, as far as was asked for. 0 or -errno. */
static int detach(
	struct postfix_master *postfix, const struct command_line *line)
{
	int result = 0;

	/* Who starts us by hand or by script reads why we cannot start. */
	if (line->monitor || line->stdout_kept || line->init ||
		isatty(STDERR_FILENO))
		postfix->stderr_fd = fd_above(STDERR_FILENO, 3);
	if (!line->debug)
		result = sys_null_standard(line->stdout_kept || line->init);
	if (result == 0 && !line->init && !line->debug && !line->debugger)
		result = sys_new_session();
	return result;
}

static int start(
	struct postfix_master *postfix, const struct command_line *line)
{
	struct monitor monitor = {.fd = -1};
	int result = line->monitor ? sys_monitor_start(&monitor) : 0;

	if (result == 1)
		return 0;
	if (result == -ECHILD || result == -ETIMEDOUT)
		return postfix_fatal(postfix, "daemon initialization failure "
					      "-- see logs for details");
	if (result < 0)
		return postfix_fatal(postfix, "fork: %s", strerror(-result));
	result = detach(postfix, line);
	if (result < 0)
		return postfix_fatal(
			postfix, "/dev/null: %s", strerror(-result));
	result = serve(postfix, line, &monitor);
	log_finish();
	return result;
}

static int test(struct postfix_master *postfix)
{
	struct arena *arena = arena_create(0);
	struct postfix_log log = {.arena = arena};
	const struct maincf *main;
	struct diags diags;
	int result = 1;

	if (arena == NULL)
		return 1;
	diags_init(&diags, arena);
	main = postfix_read_main(postfix, arena, &diags, &log);
	if (main != NULL) {
		postfix_open_log(postfix, main);
		result = postfix_test(postfix, main);
	} else {
		say_fatals(postfix, &log, &diags);
	}
	arena_destroy(arena);
	return result;
}

int postfix_main(int argc, char **argv)
{
	const char *name = base_name(argv[0]);
	static struct postfix_master postfix; /* as the master is */
	struct command_line line;

	postfix.stderr_fd = -1;
	(void)umask(077);
	postfix.ignored = ignored_signals();
	(void)signal(SIGPIPE, SIG_IGN); /* who reads stderr may be gone */
	postfix.name = argc > 1 && strcmp(argv[1], PERSONALITY_OPTION) == 0
			       ? "master"
			       : name;
	if (sys_open_standard() < 0 || sys_close_from(3) < 0)
		return 1;
	log_init();
	line = parse(argc, argv);
	if (line.bad)
		fprintf(stderr,
			"usage: %s [-c config_dir] [-D] [-d] [-e "
			"exit_time] [-i] [-s] [-t] [-v] [-w]\n"
			"       %s [--postfix] --check [-c "
			"config_dir]\n",
			argv[0], argv[0]);
	if (find_directory(&postfix, &line) < 0)
		return 1;
	if (line.check && !line.bad)
		return check(&postfix);
	open_first_log(postfix.name);
	if (!sys_is_root())
		return postfix_fatal(&postfix, "the master command is reserved "
					       "for the superuser");
	if (line.init && getpid() != 1)
		return postfix_fatal(
			&postfix, "-i is allowed only for PID 1 process");
	if (line.bad)
		return postfix_fatal(&postfix,
			"usage: %s [-c config_dir] [-D (debug)] [-d (don't "
			"detach from terminal)] [-e exit_time] [-t (test)] "
			"[-v] [-w (wait for initialization)]",
			argv[0]);
	if (line.test && line.monitor)
		return postfix_fatal(&postfix,
			"the -t and -w options cannot be used together");
	postfix.birth = (struct postfix_birth){
		.debug = line.debug, .verbose = line.verbose};
	postfix.init = line.init;
	return line.test ? test(&postfix) : start(&postfix, &line);
}
