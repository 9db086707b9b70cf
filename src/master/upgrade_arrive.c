/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "base/text.h"
#include "master/adopt.h"
#include "master/exit.h"
#include "master/handover.h"
#include "master/handover_lines.h"
#include "master/holdings.h"
#include "master/keep.h"
#include "master/log.h"
#include "master/manager.h"
#include "master/master.h"
#include "master/upgrade.h"
#include "sys/fd.h"
#include "sys/image.h"
#include "sys/notify.h"

/*
 * The new program, or the old one again: it goes on with a state. Until
 * upgrade_settle() every descriptor that it was given stays one that an exec
 * leaves open, and no worker is started.
 */
#define PATH_ROOM 4096
#define VERSION_ROOM 64

static struct {
	bool here; /* there is a state to go on with */
	int state, list, back;
	struct guardian guardian;
	uint64_t patience_ns;
	int cause;		/* why it is the old one again; 0: it is not */
	char word[256];		/* as it came, for another turn */
	char **envp;		/* owned: with the word */
	char *const *argv;	/* borrowed from main() */
	char binary[PATH_ROOM]; /* as we were started */
	/* Who wrote the state, by its own words. */
	char before[VERSION_ROOM];
	char before_binary[PATH_ROOM];
	int before_pid;
	bool rehearses;
} arrival;

char *const *upgrade_arguments(void)
{
	return arrival.argv;
}

const char *upgrade_binary(void)
{
	/* Who was started by descriptor has no name of its own. */
	return (arrival.rehearses || arrival.cause != 0) &&
			       arrival.before_binary[0] != '\0'
		       ? arrival.before_binary
		       : arrival.binary;
}

const char *upgrade_version(void)
{
	return arrival.rehearses ? arrival.before : OSTLER_VERSION;
}

int upgrade_pid(void)
{
	return arrival.rehearses ? arrival.before_pid : (int)getpid();
}

bool upgrade_is_same_process(void)
{
	return arrival.before_pid == (int)getpid();
}

bool upgrade_is_arriving(void)
{
	return arrival.here;
}

bool upgrade_is_guardian(int pid)
{
	return arrival.guardian.pid == pid && pid != 0;
}

void upgrade_before(const char *version, const char *binary, int pid)
{
	(void)snprintf(arrival.before, sizeof(arrival.before), "%s", version);
	(void)snprintf(arrival.before_binary, sizeof(arrival.before_binary),
		"%s", binary == NULL ? "" : binary);
	arrival.before_pid = pid;
}

/* "key=number ", in this order and no other. */
static bool take_number(struct text *rest, const char *key, uint64_t *out)
{
	struct text word, name;

	return text_cut(rest, ' ', &word) && text_cut(&word, '=', &name) &&
	       text_is(name, key) &&
	       number_parse(word, (struct number_limits){0, UINT64_MAX}, out) ==
		       NUMBER_OK;
}

static bool read_label(const char *label)
{
	static const char *const keys[] = {"state", "list", "back", "guardian"};
	struct text rest = text_of(label);
	uint64_t numbers[4];
	uint64_t tell, cause;

	for (unsigned i = 0; i < 4; i++)
		if (!take_number(&rest, keys[i], &numbers[i]) ||
			numbers[i] > INT32_MAX)
			return false;
	if (!take_number(&rest, "tell", &tell) || tell > INT32_MAX ||
		!take_number(&rest, "patience", &arrival.patience_ns) ||
		!take_number(&rest, "cause", &cause) || cause > 99)
		return false;
	arrival.state = (int)numbers[0];
	arrival.list = (int)numbers[1];
	arrival.back = (int)numbers[2];
	arrival.guardian = (struct guardian){
		.pid = (int)numbers[3], .tell = tell == 0 ? -1 : (int)tell};
	arrival.cause = (int)cause;
	return true;
}

/* The environment as it came, for who comes if we fail. */
static bool keep_environment(const char *label)
{
	size_t n = 0;
	size_t kept = 0;

	(void)snprintf(arrival.word, sizeof(arrival.word),
		UPGRADE_ENVIRONMENT "=%s", label);
	(void)unsetenv(UPGRADE_ENVIRONMENT); /* cannot fail */
	while (environ[n] != NULL)
		n++;
	arrival.envp = calloc(n + 2, sizeof(*arrival.envp));
	if (arrival.envp == NULL)
		return false;
	while (kept < n) {
		arrival.envp[kept] = environ[kept];
		kept++;
	}
	arrival.envp[kept] = arrival.word;
	return true;
}

static void be_ready_to_fail(void)
{
	const struct image_call call = {
		.fd = arrival.back, .argv = arrival.argv, .envp = arrival.envp};

	/* Whoever fails again is the guardian's business. */
	if (arrival.cause == 0)
		(void)sys_fallback_arm(&call,
			arrival.word + strlen(arrival.word) -
				IMAGE_CAUSE_DIGITS,
			arrival.patience_ns);
}

void upgrade_begin(char **argv)
{
	const char *label = getenv(UPGRADE_ENVIRONMENT);

	arrival.argv = argv;
	if (sys_image_name(arrival.binary, sizeof(arrival.binary)) < 0)
		arrival.binary[0] = '\0';
	if (label == NULL)
		return;
	arrival.here = read_label(label) && keep_environment(label);
	if (arrival.here)
		be_ready_to_fail();
	else
		(void)unsetenv(UPGRADE_ENVIRONMENT);
}

static bool go_on_with(
	struct master *master, struct holdings *holdings, const char **problem)
{
	AUTO_FREE char *bytes = NULL;
	size_t n;

	*problem = "the state cannot be read";
	if (sys_memory_read(arrival.state, &bytes, &n, HANDOVER_MAX) < 0 ||
		!holdings_read(holdings, arrival.list))
		return false;
	return adopt(master, (struct text){bytes, n}, holdings, problem);
}

bool upgrade_arrive(struct master *master)
{
	struct holdings holdings = {.items = NULL};
	const char *problem;
	struct log_line line;
	bool good = go_on_with(master, &holdings, &problem);

	if (good) {
		/* What nobody took may still be another's to take. */
		holdings_finish(&holdings, false);
		master->child_signal = true;
		return true;
	}
	log_begin(&line, MESSAGE_UPGRADE_FAILED);
	log_text(&line, "binary", arrival.binary);
	log_text(&line, "error", problem);
	log_end(&line);
	(void)sys_fallback_now(IMAGE_CAUSE_REFUSED);
	return false;
}

/* From now on no exec finds them open. */
static void close_behind(void)
{
	struct holdings again;

	if (holdings_read(&again, arrival.list))
		(void)holdings_inherit(&again, false);
	holdings_finish(&again, false);
	fd_close(&arrival.state);
	fd_close(&arrival.list);
	fd_close(&arrival.back);
	free(arrival.envp);
	arrival.envp = NULL;
	arrival.here = false;
}

/* Another process than before: whoever goes by our number must hear of it. */
static void be_another(struct master *master)
{
	char text[64];

	if (upgrade_is_same_process())
		return;
	if (master->lock_fd >= 0)
		(void)sys_write_pid(master->lock_fd, (int)getpid());
	(void)snprintf(text, sizeof(text), "MAINPID=%d", (int)getpid());
	(void)sys_notify(text); /* nobody may be listening */
}

static const char *problem_of(int cause)
{
	static char problem[160];

	if (cause == IMAGE_CAUSE_REFUSED)
		return "the new program refused our state; the old one goes on";
	if (cause == IMAGE_CAUSE_LOST)
		return "the new program died or hung before it could go back; the old one goes on as another process";
	(void)snprintf(problem, sizeof(problem),
		"the new program %s; the old one goes on",
		cause == IMAGE_CAUSE_SILENCE ? "hung" : "crashed");
	return problem;
}

static void say(const struct upgrade_result *result)
{
	struct log_line line;

	log_begin(&line,
		result->good ? MESSAGE_UPGRADED : MESSAGE_UPGRADE_FAILED);
	if (!result->good)
		log_text(&line, "error", result->problem);
	log_text(&line, "before", result->before);
	log_text(&line, "version", result->after);
	log_number(&line, "pid", (uint64_t)getpid());
	log_number(&line, "pid_before", (uint64_t)result->pid_before);
	log_end(&line);
}

void upgrade_settle(struct master *master)
{
	struct upgrade_result result = {.good = arrival.cause == 0,
		.before = arrival.before,
		.after = OSTLER_VERSION,
		.pid_before = arrival.before_pid};

	if (!arrival.here)
		return;
	/* First: to go back is no way any more once he is gone. */
	sys_fallback_disarm();
	/* Not before he is gone: or there would be two of us. */
	if (upgrade_is_same_process())
		sys_guardian_release(&arrival.guardian);
	arrival.guardian = (struct guardian){.tell = -1};
	close_behind();
	be_another(master);
	master->held = false;
	keep_renew(master);
	if (!result.good)
		result.problem = problem_of(arrival.cause);
	say(&result);
	manager_ready(master);
	upgrade_ended(&result);
}

int upgrade_rehearse(const struct options *options)
{
	static struct master master;
	AUTO_FREE char *given = NULL;
	AUTO_FREE char *made = NULL;
	const char *problem = "descriptor 3 is no state";
	size_t n;

	arrival.rehearses = true;
	if (sys_memory_read(3, &given, &n, HANDOVER_MAX) == 0 &&
		master_prepare(&master, options) == 0 &&
		adopt_load(&master, (struct text){given, n}, &problem) &&
		handover_text(&master, &made, &n) == 0) {
		(void)fwrite(made, 1, n, stdout);
		return fflush(stdout) == 0 ? EXIT_OK : EXIT_MACHINE;
	}
	printf("%s\n", problem);
	(void)fflush(stdout); /* then nobody hears why */
	return EXIT_CONFIG;
}
