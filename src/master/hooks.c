/* SPDX-License-Identifier: MIT */
#include "master/hooks.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/number.h"
#include "base/text.h"
#include "master/edition.h"
#include "master/log.h"
#include "master/master.h"
#include "master/order.h"
#include "sys/child.h"
#include "sys/fd.h"
#include "sys/loop.h"
#include "sys/path.h"
#include "sys/spawn.h"
#include "table/table.h"

#define RUNNING_MAX 4
#define WAITING_MAX 64
#define LOOK_NS (20 * NS_PER_MS) /* while the spawner has no room */
#define EVENT_ROOM 32
#define SERVICE_ROOM 64
#define TEXT_ROOM 1024

/* What a person wants to be woken for, and that it is over. */
static const bool worth[MESSAGES] = {
	[MESSAGE_ADOPTED] = true,
	[MESSAGE_KEEPER_LOST] = true,
	[MESSAGE_UPGRADED] = true,
	[MESSAGE_UPGRADE_FAILED] = true,
	[MESSAGE_CANARY_GOOD] = true,
	[MESSAGE_CANARY_INCONCLUSIVE] = true,
	[MESSAGE_ROLLED_BACK] = true,
	[MESSAGE_ROLL_STALLED] = true,
	[MESSAGE_THROTTLED] = true,
	[MESSAGE_RECOVERED] = true,
	[MESSAGE_SERVICE_DEAF] = true,
	[MESSAGE_WORKER_STUCK] = true,
};

struct tale {
	char event[EVENT_ROOM];
	char service[SERVICE_ROOM]; /* or "" */
	char text[TEXT_ROOM];
};

struct teller {
	int pid; /* 0: nobody */
	int pidfd;
	uint32_t serial;
	uint64_t until_ns;
	int stage; /* where its start failed; 0 */
	int error;
	bool late;
	char event[EVENT_ROOM];
};

static struct {
	struct tale waiting[WAITING_MAX]; /* a ring */
	unsigned first;
	unsigned n;
	uint64_t lost; /* that were dropped and not said yet */
	struct teller tellers[RUNNING_MAX];
	uint32_t serial;
	uint64_t retry_ns;
} hooks;

/* ---- what is heard ------------------------------------------------------------- */

static void copy(char *out, size_t room, struct text text)
{
	(void)snprintf(out, room, "%.*s", (int)text.n, text.bytes);
}

static void find_service(struct text words, struct tale *out)
{
	struct text word;

	while (words.n > 0 && text_cut(&words, ' ', &word))
		if (text_starts_with(word, "service=")) {
			word.bytes += strlen("service=");
			word.n -= strlen("service=");
			copy(out->service, sizeof(out->service), word);
			return;
		}
}

/* LINE is "event key=value ...". The oldest gives way. */
static void hear(enum message message, struct text line)
{
	struct text event;
	struct tale *tale;

	if (!worth[message] || !text_cut(&line, ' ', &event))
		return;
	if (hooks.n == WAITING_MAX) {
		hooks.first = (hooks.first + 1) % WAITING_MAX;
		hooks.n--;
		hooks.lost++;
	}
	tale = &hooks.waiting[(hooks.first + hooks.n++) % WAITING_MAX];
	*tale = (struct tale){.event = ""};
	copy(tale->event, sizeof(tale->event), event);
	if (line.n == 0)
		return;
	copy(tale->text, sizeof(tale->text), line);
	find_service(line, tale);
}

void hooks_begin(void)
{
	log_listen(hear);
}

/* ---- who is told ---------------------------------------------------------------- */

static struct teller *free_teller(void)
{
	for (unsigned i = 0; i < RUNNING_MAX; i++)
		if (hooks.tellers[i].pid == 0)
			return &hooks.tellers[i];
	return NULL;
}

static struct teller *teller_of(int pid)
{
	for (unsigned i = 0; i < RUNNING_MAX; i++)
		if (pid > 0 && hooks.tellers[i].pid == pid)
			return &hooks.tellers[i];
	return NULL;
}

bool hooks_is_ours(int pid)
{
	return teller_of(pid) != NULL;
}

static uint64_t tag_of(const struct teller *teller)
{
	return tag_make(
		TAG_HOOK, (uint32_t)(teller - hooks.tellers), teller->serial);
}

static void begin_failure(
	struct log_line *line, const char *event, const char *problem)
{
	log_begin(line, MESSAGE_HOOK_FAILED);
	log_text(line, "event", event);
	log_text(line, "error", problem);
}

static int spawn(struct master *master, const struct tale *tale,
	uint64_t cookie, struct spawned *out)
{
	const struct edition *edition = master->edition;
	const struct identity *as = &edition->identities[edition->hook];
	char event[sizeof("OSTLER_EVENT=") + EVENT_ROOM];
	char text[sizeof("OSTLER_TEXT=") + TEXT_ROOM];
	char service[sizeof("OSTLER_SERVICE=") + SERVICE_ROOM];
	const char *const environment[] = {"PATH=" ORDER_PATH, "LANG=C", event,
		text, tale->service[0] == '\0' ? NULL : service, NULL};
	const int fds[] = {master->null_fd, master->null_fd, master->null_fd};
	/* We raised ours; who uses select() would not survive that. */
	const struct spawn_limit limit = {
		RLIMIT_NOFILE, master->nofile_soft, master->nofile};

	(void)snprintf(event, sizeof(event), "OSTLER_EVENT=%s", tale->event);
	(void)snprintf(text, sizeof(text), "OSTLER_TEXT=%s", tale->text);
	(void)snprintf(
		service, sizeof(service), "OSTLER_SERVICE=%s", tale->service);
	return spawn_start(master->spawner,
		&(struct spawn_order){.path = edition->table->hook[0],
			.argv = edition->table->hook,
			.envp = environment,
			.directory = "/",
			.umask = 022,
			.switch_user = sys_is_root(),
			.uid = as->uid,
			.gid = as->gid,
			.groups = as->groups,
			.groups_n = as->n,
			.limits = &limit,
			.limits_n = 1,
			.fds = fds,
			.fds_n = 3,
			.new_session = true},
		cookie, out);
}

/* -EBUSY: the spawner has no room, and nothing was done. */
static int start(struct master *master, const struct tale *tale)
{
	struct teller *teller = free_teller();
	struct spawned spawned;
	struct log_line line;
	int result;

	*teller = (struct teller){.pidfd = -1,
		.serial = ++hooks.serial,
		.until_ns = master->now_ns +
			    master->edition->table->hook_timeout_ns};
	result = spawn(master, tale, tag_of(teller), &spawned);
	if (result == -EBUSY)
		return result;
	if (result < 0) {
		begin_failure(&line, tale->event, strerror(-result));
		log_end(&line);
		return 0;
	}
	memcpy(teller->event, tale->event, sizeof(teller->event));
	teller->pid = spawned.pid;
	teller->pidfd = spawned.pidfd;
	/* SIGCHLD comes as well. */
	(void)loop_add(master->loop, teller->pidfd, LOOP_IN, tag_of(teller));
	return 0;
}

bool hooks_collect(uint64_t cookie, int stage, int error)
{
	struct teller *teller;

	if (tag_kind(cookie) != TAG_HOOK)
		return false;
	teller = &hooks.tellers[tag_index(cookie)];
	if (teller->pid != 0 && teller->serial == tag_serial(cookie)) {
		teller->stage = stage;
		teller->error = error;
	}
	return true;
}

static void say_end(const struct teller *teller, const struct child_end *end)
{
	struct log_line line;

	if (teller->late)
		begin_failure(&line, teller->event, "it took too long");
	else if (teller->stage != SPAWN_DONE)
		begin_failure(&line, teller->event, strerror(teller->error));
	else if (end->signal != 0 || end->code != 0)
		begin_failure(&line, teller->event, "it ended badly");
	else
		return;
	if (teller->stage == SPAWN_DONE && end->signal != 0)
		log_number(&line, "signal", (uint64_t)end->signal);
	else if (teller->stage == SPAWN_DONE)
		log_number(&line, "status", (uint64_t)end->code);
	else
		log_text(&line, "stage", spawn_stage_name(teller->stage));
	log_end(&line);
}

static void take_end(struct master *master, struct teller *teller)
{
	struct child_end end = {.code = 0};
	int result = sys_child_reap(teller->pidfd, &end);

	(void)loop_remove(master->loop, teller->pidfd);
	if (result == 0)
		return; /* somebody traces it; SIGCHLD tells when it is ours */
	fd_close(&teller->pidfd);
	teller->pid = 0;
	if (result == 1)
		say_end(teller, &end);
}

void hooks_ready(struct master *master, uint32_t index, uint32_t serial)
{
	struct teller *teller = &hooks.tellers[index];

	if (teller->pid != 0 && teller->serial == serial)
		take_end(master, teller);
}

void hooks_ended(struct master *master, int pid)
{
	take_end(master, teller_of(pid));
}

/* ---- when ------------------------------------------------------------------------- */

bool hooks_busy(void)
{
	if (hooks.n > 0)
		return true;
	for (unsigned i = 0; i < RUNNING_MAX; i++)
		if (hooks.tellers[i].pid != 0)
			return true;
	return false;
}

static void say_lost(void)
{
	struct log_line line;

	if (hooks.lost == 0)
		return;
	log_begin(&line, MESSAGE_HOOK_LOST);
	log_number(&line, "events", hooks.lost);
	log_end(&line);
	hooks.lost = 0;
}

static void start_waiting(struct master *master)
{
	hooks.retry_ns = 0;
	while (hooks.n > 0 && free_teller() != NULL) {
		if (start(master, &hooks.waiting[hooks.first]) == -EBUSY) {
			hooks.retry_ns = master->now_ns + LOOK_NS;
			return;
		}
		hooks.first = (hooks.first + 1) % WAITING_MAX;
		hooks.n--;
		say_lost();
	}
}

static void end_late(struct master *master)
{
	for (unsigned i = 0; i < RUNNING_MAX; i++) {
		struct teller *teller = &hooks.tellers[i];

		if (teller->pid == 0 || teller->late ||
			master->now_ns < teller->until_ns)
			continue;
		teller->late = true;
		(void)sys_child_kill_group(teller->pidfd);
	}
}

void hooks_go_on(struct master *master)
{
	end_late(master);
	if (hooks.n == 0 || master->edition == NULL ||
		master->now_ns < hooks.retry_ns)
		return;
	if (master->edition->hook == UINT32_MAX) {
		hooks.n = 0;
		hooks.lost = 0;
		return;
	}
	start_waiting(master);
}

uint64_t hooks_deadline(const struct master *master)
{
	uint64_t at_ns = LOOP_FOREVER;

	if (hooks.n > 0 && master->edition != NULL && free_teller() != NULL)
		at_ns = hooks.retry_ns;
	for (unsigned i = 0; i < RUNNING_MAX; i++) {
		const struct teller *teller = &hooks.tellers[i];

		if (teller->pid != 0 && !teller->late &&
			teller->until_ns < at_ns)
			at_ns = teller->until_ns;
	}
	return at_ns;
}

void hooks_end(struct master *master)
{
	struct log_line line;

	for (unsigned i = 0; i < RUNNING_MAX; i++) {
		struct teller *teller = &hooks.tellers[i];

		if (teller->pid == 0)
			continue;
		(void)sys_child_kill_group(teller->pidfd);
		(void)loop_remove(master->loop, teller->pidfd);
		fd_close(&teller->pidfd);
		teller->pid = 0;
		begin_failure(&line, teller->event, "the master ends");
		log_end(&line);
	}
	hooks.lost += hooks.n;
	hooks.n = 0;
	if (master->edition != NULL && master->edition->hook != UINT32_MAX)
		say_lost();
}
