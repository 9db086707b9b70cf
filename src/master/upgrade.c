/* SPDX-License-Identifier: MIT */
#include "master/upgrade.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "base/text.h"
#include "master/control.h"
#include "master/edition.h"
#include "master/handover.h"
#include "master/handover_lines.h"
#include "master/holdings.h"
#include "master/hooks.h"
#include "master/keep.h"
#include "master/keep_socket.h"
#include "master/listeners.h"
#include "master/log.h"
#include "master/master.h"
#include "master/molds.h"
#include "master/personality.h"
#include "master/preview.h"
#include "master/reload.h"
#include "master/trial.h"
#include "master/wake.h"
#include "sys/child.h"
#include "sys/fd.h"
#include "sys/image.h"
#include "sys/loop.h"
#include "sys/spawn.h"
#include "table/table.h"

#define LOOK_NS (5 * NS_PER_MS) /* while starts end */
#define CALM_NS NS_PER_S	/* for what can be done without */
#define GUARD_TIMES 2		/* the guardian waits longer than we do */
#define SAID_MAX 300		/* of who cannot rehearse */

enum phase {
	PHASE_NONE,
	PHASE_ASKED,
	PHASE_REHEARSAL, /* another process reads a copy of our state */
	PHASE_CALM,	 /* starts are held; the last ones end */
};

static struct {
	enum phase phase;
	char *path; /* owned */
	char *text; /* owned: what is rehearsed */
	size_t text_n;
	struct rehearsal rehearsal;
	bool heard;
	uint64_t until_ns;
	uint64_t calm_ns; /* from then on only what must be is waited for */
} now = {.rehearsal = {.pidfd = -1, .said = -1}};

static struct upgrade_result last;
static bool untold; /* to who waits for it */
static char problem_room[SAID_MAX + 200];

const struct upgrade_result *upgrade_result(void)
{
	return &last;
}

void upgrade_ended(const struct upgrade_result *result)
{
	last = *result;
	untold = true;
}

bool upgrade_is_running(void)
{
	return now.phase != PHASE_NONE;
}

bool upgrade_is_ours(int pid)
{
	return now.phase == PHASE_REHEARSAL && now.rehearsal.pid == pid;
}

static void end_rehearsal(struct master *master)
{
	struct child_end end;

	if (now.rehearsal.pidfd < 0)
		return;
	(void)loop_remove(master->loop, now.rehearsal.pidfd);
	if (now.rehearsal.pid != 0)
		sys_rehearsal_kill(&now.rehearsal);
	/* If it still runs it is reaped as a stranger, later. */
	(void)sys_child_reap(now.rehearsal.pidfd, &end);
	fd_close(&now.rehearsal.pidfd);
	fd_close(&now.rehearsal.said);
	free(now.text);
	now.text = NULL;
}

static uint64_t patience_ns(const struct master *master)
{
	return master->edition->table->upgrade_timeout_ns;
}

static void refuse(struct master *master, const char *problem)
{
	struct log_line line;

	end_rehearsal(master);
	log_begin(&line, MESSAGE_UPGRADE_FAILED);
	log_text(&line, "binary", now.path == NULL ? "" : now.path);
	log_text(&line, "error", problem);
	log_end(&line);
	free(now.path);
	now.path = NULL;
	now.phase = PHASE_NONE;
	master->held = false;
	upgrade_ended(&(struct upgrade_result){.problem = problem});
}

static void refuse_for(struct master *master, const char *what, int error)
{
	(void)snprintf(problem_room, sizeof(problem_room), "%s: %s", what,
		strerror(error));
	refuse(master, problem_room);
}

/* ---- another process rehearses -------------------------------------------- */

static int start_rehearsal(struct master *master)
{
	char option[] = "--rehearse";
	char *argv[] = {now.path, option, NULL};
	AUTO_CLOSE int input = -1;
	int result = handover_text(master, &now.text, &now.text_n);

	if (result < 0)
		return result;
	input = sys_memory_file(now.text, now.text_n);
	if (input < 0)
		return input;
	result = sys_rehearse(now.path, argv, environ, input, &now.rehearsal);
	if (result < 0)
		return result;
	now.phase = PHASE_REHEARSAL;
	return loop_add(master->loop, now.rehearsal.pidfd, LOOP_IN,
		tag_make(TAG_REHEARSAL, 0, 0));
}

static const char *why_not(const struct master *master, const char *path)
{
	const char *problem;

	if (!master->personality->upgrades)
		return "Postfix's master is not upgraded in place: stop it, and start the other one";
	if (master->stopping)
		return "the master is stopping";
	if (master->edition == NULL)
		return "the master has not begun to serve";
	/* What we are was run from there already, with the same rights. */
	if (sys_image_check(
		    path, strcmp(path, upgrade_binary()) == 0, &problem) < 0)
		return problem;
	return NULL;
}

void upgrade_request(struct master *master, const char *path)
{
	const char *problem;

	if (upgrade_is_running())
		return; /* who asks waits for the one that is under way */
	if (path == NULL)
		path = upgrade_binary();
	now.path = strdup(path);
	problem = now.path == NULL ? "no memory" : why_not(master, path);
	if (problem != NULL) {
		refuse(master, problem);
		return;
	}
	now.phase = PHASE_ASKED;
}

/* Between two rounds: the core has heard all that we have. */
static void begin(struct master *master)
{
	int result;

	now.heard = false;
	now.until_ns = master->now_ns + patience_ns(master);
	result = start_rehearsal(master);
	if (result < 0)
		refuse_for(master, "it cannot be rehearsed", -result);
}

void upgrade_heard(void)
{
	now.heard = true;
}

/* What it said is a stranger's, and goes to the log and to terminals. */
static void refuse_rehearsed(
	struct master *master, const char *how, struct text said)
{
	struct text_builder text;

	text_builder_init(&text, problem_room, sizeof(problem_room));
	text_put(&text, how);
	said = text_trim(said);
	if (said.n > SAID_MAX / 4)
		said.n = SAID_MAX / 4;
	if (said.n > 0)
		text_put(&text, ": ");
	text_put_printable(&text, said);
	refuse(master, problem_room);
}

/* True: it would go on just as we would. */
static bool hear_rehearsal(struct master *master)
{
	struct child_end end = {.code = -1};
	AUTO_FREE char *said = NULL;
	size_t said_n = 0;
	bool well;
	int result;

	/* It is over, and so is what it has started. */
	sys_rehearsal_kill(&now.rehearsal);
	result = sys_child_reap(now.rehearsal.pidfd, &end);
	now.rehearsal.pid = 0;
	if (result == 1)
		result = sys_memory_read(
			now.rehearsal.said, &said, &said_n, HANDOVER_MAX);
	if (result < 0) {
		refuse_for(master, "its rehearsal cannot be heard", -result);
		return false;
	}
	well = end.code == 0 && end.signal == 0;
	if (well && said_n == now.text_n && memcmp(said, now.text, said_n) == 0)
		return true;
	if (well)
		said_n = 0; /* it may be all of the state */
	refuse_rehearsed(master,
		well ? "it makes something else of our state"
		     : "it cannot go on with our state",
		(struct text){said, said_n});
	return false;
}

static void be_calm(struct master *master)
{
	end_rehearsal(master);
	now.phase = PHASE_CALM;
	now.until_ns = master->now_ns + patience_ns(master);
	now.calm_ns = master->now_ns + CALM_NS;
	master->held = true;
}

/* ---- the change ------------------------------------------------------------- */

static bool is_calm(const struct master *master)
{
	if (spawn_busy(master->spawner) > 0 || molds_ordered() > 0 ||
		master->inbox.n > 0 || reload_is_running(master) ||
		!keep_socket_is_heard(master) || trial_name(master) != NULL ||
		preview_pid(master) != 0 || master->child_signal)
		return false;
	return master->now_ns >= now.calm_ns ||
	       (control_is_quiet(master) && !hooks_busy() &&
		       wakes_deadline(master) == LOOP_FOREVER &&
		       listeners_deadline() == LOOP_FOREVER &&
		       !log_is_waiting());
}

/* All that the other program is handed, beside the descriptors with names. */
struct luggage {
	int state, list, back; /* owned */
	struct holdings holdings;
	char word[256]; /* for its environment */
	char **envp;	/* owned */
	char *cause;	/* the digits at the end of WORD */
};

static void drop_luggage(struct luggage *luggage)
{
	(void)holdings_inherit(&luggage->holdings, false);
	holdings_finish(&luggage->holdings, false);
	fd_close(&luggage->state);
	fd_close(&luggage->list);
	fd_close(&luggage->back);
	free(luggage->envp);
}

static int pack_state(const struct master *master, struct luggage *luggage)
{
	AUTO_FREE char *text = NULL;
	size_t n;
	int result = handover_text(master, &text, &n);

	if (result == 0)
		result = luggage->state = sys_memory_file(text, n);
	return result < 0 ? result : 0;
}

static int pack(const struct master *master, struct luggage *luggage)
{
	int result;

	*luggage = (struct luggage){.state = -1, .list = -1, .back = -1};
	holdings_init(&luggage->holdings);
	result = pack_state(master, luggage);
	if (result < 0)
		return result;
	handover_hold(master, &luggage->holdings);
	luggage->list = holdings_write(&luggage->holdings);
	if (luggage->list < 0)
		return luggage->list;
	luggage->back = sys_image_self();
	if (luggage->back < 0)
		return luggage->back;
	holdings_add(&luggage->holdings, luggage->state, "luggage");
	holdings_add(&luggage->holdings, luggage->list, "luggage");
	holdings_add(&luggage->holdings, luggage->back, "luggage");
	if (luggage->holdings.failed)
		return -ENOMEM;
	return holdings_inherit(&luggage->holdings, true);
}

/* Our environment, and a word for who comes. */
static int write_label(struct luggage *luggage, uint64_t timeout_ns,
	const struct guardian *guardian)
{
	size_t n = 0;

	(void)snprintf(luggage->word, sizeof(luggage->word),
		UPGRADE_ENVIRONMENT
		"=state=%d list=%d back=%d guardian=%d tell=%d patience=%llu "
		"cause=00",
		luggage->state, luggage->list, luggage->back, guardian->pid,
		guardian->pid == 0 ? 0 : guardian->tell,
		(unsigned long long)timeout_ns);
	luggage->cause =
		luggage->word + strlen(luggage->word) - IMAGE_CAUSE_DIGITS;
	while (environ[n] != NULL)
		n++;
	free(luggage->envp);
	luggage->envp = calloc(n + 2, sizeof(*luggage->envp));
	if (luggage->envp == NULL)
		return -ENOMEM;
	memcpy(luggage->envp, environ, n * sizeof(*environ));
	luggage->envp[n] = luggage->word;
	return 0;
}

/* A keeper is one, and two would be one too many. */
static int start_guardian(struct master *master, struct luggage *luggage,
	uint64_t timeout_ns, struct guardian *guardian)
{
	int result = write_label(
		luggage, timeout_ns, &(struct guardian){.tell = -1});
	const struct image_call call = {.fd = luggage->back,
		.argv = upgrade_arguments(),
		.envp = luggage->envp};

	if (result == 0 && keep_socket_trial(master, GUARD_TIMES * timeout_ns))
		return 0;
	if (result == 0)
		result = sys_guardian_start(&call, luggage->cause,
			GUARD_TIMES * timeout_ns, guardian);
	if (result < 0)
		return result;
	result = write_label(luggage, timeout_ns, guardian);
	return result < 0 ? result : fd_inherit(guardian->tell, true);
}

/* Comes back only if it did not come to it. */
static void change(struct master *master)
{
	struct luggage luggage;
	struct guardian guardian = {.tell = -1};
	uint64_t timeout_ns = patience_ns(master);
	const char *what = "the state cannot be handed over";
	int result = pack(master, &luggage);

	if (result == 0) {
		what = "there is no guardian";
		result =
			start_guardian(master, &luggage, timeout_ns, &guardian);
	}
	if (result == 0) {
		what = "it cannot be started";
		hooks_end(master);
		log_flush();
		result = sys_image_become(&(struct image_call){.path = now.path,
			.argv = upgrade_arguments(),
			.envp = luggage.envp});
	}
	sys_guardian_release(&guardian);
	drop_luggage(&luggage);
	keep_renew(master); /* it is no trial any more */
	refuse_for(master, what, -result);
}

static void refuse_busy(struct master *master)
{
	const char *name = trial_name(master);

	if (name == NULL) {
		refuse(master, "starts or a reload take too long; try again");
		return;
	}
	(void)snprintf(problem_room, sizeof(problem_room),
		"canaries of %.100s are on trial; try again after the verdict, "
		"or take the change back",
		name);
	refuse(master, problem_room);
}

static void go_on(struct master *master)
{
	if (master->stopping)
		refuse(master, "the master is stopping");
	else if (now.phase == PHASE_ASKED) {
		if (master->inbox.n == 0)
			begin(master);
	} else if (now.phase == PHASE_REHEARSAL && now.heard) {
		if (hear_rehearsal(master))
			be_calm(master);
	} else if (now.phase == PHASE_CALM && is_calm(master))
		change(master);
	else if (master->now_ns >= now.until_ns && now.phase == PHASE_CALM)
		refuse_busy(master);
	else if (master->now_ns >= now.until_ns)
		refuse(master, "its rehearsal takes too long");
}

/* Not at once: who asked may be in the middle of asking. */
void upgrade_go_on(struct master *master)
{
	/* Who has just come must be settled before he goes. */
	if (now.phase != PHASE_NONE && !upgrade_is_arriving())
		go_on(master);
	if (!untold)
		return;
	untold = false;
	control_tell_upgrades(master);
}

uint64_t upgrade_deadline(const struct master *master)
{
	if (untold)
		return master->now_ns;
	switch (now.phase) {
	case PHASE_NONE:
		break;
	case PHASE_ASKED:
		return master->now_ns;
	case PHASE_REHEARSAL:
		return now.until_ns;
	case PHASE_CALM:
		return master->now_ns + LOOK_NS;
	}
	return LOOP_FOREVER;
}
