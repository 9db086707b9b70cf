/* SPDX-License-Identifier: MIT */
#include "master/molds.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "base/text.h"
#include "core/action.h"
#include "master/channel.h"
#include "master/edition.h"
#include "master/hooks.h"
#include "master/keep.h"
#include "master/log.h"
#include "master/master.h"
#include "master/order.h"
#include "master/page.h"
#include "master/personality.h"
#include "master/reload.h"
#include "master/services.h"
#include "master/upgrade.h"
#include "master/workers.h"
#include "master_proto.h"
#include "proto/mold.h"
#include "sys/channel.h"
#include "sys/child.h"
#include "sys/creds.h"
#include "sys/fd.h"
#include "sys/loop.h"
#include "sys/net.h"
#include "sys/path.h"
#include "sys/process.h"

#define PATIENCE_NS NS_PER_S
#define HUNT_NS NS_PER_S	   /* between two looks, while all is well */
#define AGAIN_NS (100 * NS_PER_MS) /* and while there were some */
#define AGAIN_MAX 50		   /* what cannot be killed stays */
#define CHILDREN_MAX 1024
#define ELDERS_MAX 64

static struct {
	uint32_t n;		/* orders that are out */
	uint64_t first_ns;	/* none of them is over before */
	bool hunt;		/* look for children that nobody ordered */
	uint64_t hunt_ns;	/* ... from then on */
	uint64_t hunted_ns;	/* when that was done last */
	unsigned killed;	/* looks in a row that found some */
	int elders[ELDERS_MAX]; /* our children from before we were us */
	int elders_n;		/* -1: too many, or who knows */
} all;

void molds_begin(void)
{
	all.elders_n = sys_children(all.elders, ELDERS_MAX);
	if (all.elders_n > ELDERS_MAX)
		all.elders_n = -1;
}

uint32_t molds_ordered(void)
{
	return all.n;
}

bool molds_elders(char out[MOLDS_ELDERS_ROOM])
{
	struct text_builder text;

	text_builder_init(&text, out, MOLDS_ELDERS_ROOM);
	for (int i = 0; i < all.elders_n; i++)
		text_put_format(&text, "%s%d", i > 0 ? " " : "", all.elders[i]);
	return all.elders_n >= 0;
}

bool molds_set_elders(const char *words)
{
	struct text rest = text_of(words);
	struct text word;
	uint64_t pid;

	all.elders_n = words == NULL ? -1 : 0;
	while (rest.n > 0 && text_cut(&rest, ' ', &word)) {
		if (all.elders_n == ELDERS_MAX ||
			number_parse(word, (struct number_limits){1, INT32_MAX},
				&pid) != NUMBER_OK)
			return false;
		all.elders[all.elders_n++] = (int)pid;
	}
	return true;
}

static void want_hunt(const struct master *master);

/* ------------------------------------------------------------- orders */

/* What was made for this worker alone; the rest the mold has. */
static size_t put_words(const struct order *order, char *out, size_t room)
{
	const char *made = order->text;
	size_t n = 0;

	for (unsigned i = 0; order->environment[i] != NULL; i++) {
		const char *word = order->environment[i];
		size_t word_n = strlen(word) + 1;

		if (word < made || word >= made + sizeof(order->text) ||
			n + word_n > room)
			continue;
		memcpy(out + n, word, word_n);
		n += word_n;
	}
	return n;
}

static int send_order(struct master *master, uint32_t slot,
	const struct worker_record *mold, int end)
{
	const struct worker_record *worker = &master->workers[slot];
	struct birth birth = {.service = worker->service,
		.generation = worker->serial,
		.channel = end,
		.stress = worker->stress};
	char words[OSTLER__ORDER_BYTES];
	struct order order;
	unsigned fds_n;
	size_t n;

	page_enter(master, slot);
	birth.page = page_of_worker(master, slot, &birth.page_place);
	master->personality->order(master, &birth, &order);
	n = put_words(&order, words, sizeof(words));
	fds_n = order.spawn.fds_n - MASTER_STATUS_FD;
	return sys_channel_send(
		mold->channel, words, n, order.fds + MASTER_STATUS_FD, fds_n);
}

static int try_order(
	struct master *master, uint32_t slot, const struct worker_record *mold)
{
	bool owned = false;
	int end = -1;
	int result = worker_open_channel(master, slot, &end, &owned);

	if (result == 0)
		result = send_order(master, slot, mold, end);
	if (owned)
		fd_close(&end);
	return result;
}

void molds_order(
	struct master *master, uint32_t slot, const struct action *action)
{
	struct worker_record *worker = &master->workers[slot];
	const struct worker_record *mold =
		worker_at(master, action->mold_slot, action->mold_serial);
	uint64_t until_ns = master->now_ns + PATIENCE_NS;

	worker->ordered = true;
	worker->ordered_until_ns = until_ns;
	worker->started_ns = master->now_ns;
	if (all.n++ == 0 || until_ns < all.first_ns)
		all.first_ns = until_ns;
	if (mold == NULL || mold->channel < 0 ||
		try_order(master, slot, mold) < 0)
		molds_give_up(master, slot);
}

void molds_give_up(struct master *master, uint32_t slot)
{
	struct worker_record *worker = &master->workers[slot];

	service_of(master, worker->service)->gossip.bad_order++;
	inbox_put_worker(
		&master->inbox, EVENT_ORDER_FAILED, slot, worker->serial);
	/* For all who hold a copy: whoever comes all the same must leave. */
	if (worker->channel >= 0)
		(void)sys_shutdown(worker->channel, SHUT_RDWR);
	worker->ordered = false;
	all.n--;
	want_hunt(master);
	worker_forget(master, slot);
}

/* ------------------------------------------------------- who comes of it */

static uid_t user_of(const struct master *master, uint32_t service)
{
	const struct service_state *state = service_of(master, service);

	if (!sys_is_root() ||
		(state->row->user == NULL && state->row->group == NULL))
		return getuid();
	return edition_as(state->edition, state->row)->uid;
}

/* Its pidfd, or -1: whoever spoke is not one whom a mold has made for us. */
static int identify(const struct master *master, uint32_t service,
	const struct channel_message *message)
{
	AUTO_CLOSE int pidfd = -1;
	uid_t user;

	if (!message->has_credentials || message->pid <= 1 ||
		message->pid == reload_pid(master) ||
		worker_by_pid(master, message->pid) != UINT32_MAX)
		return -1;
	pidfd = sys_child_open(message->pid);
	if (pidfd < 0 || !sys_child_is_ours(pidfd) ||
		sys_process_user(message->pid, &user) < 0 ||
		user != user_of(master, service))
		return -1;
	return fd_take(&pidfd);
}

bool molds_admit(struct master *master, uint32_t slot,
	const struct channel_message *message)
{
	struct worker_record *worker = &master->workers[slot];
	uint32_t serial = worker->serial;
	int pidfd = identify(master, worker->service, message);

	if (pidfd < 0) {
		molds_give_up(master, slot);
		return false;
	}
	worker->ordered = false;
	all.n--;
	worker->pid = message->pid;
	worker->pidfd = pidfd;
	keep_process(master, slot);
	if (loop_add(master->loop, pidfd, LOOP_IN,
		    tag_make(TAG_PIDFD, slot, serial)) < 0)
		(void)sys_child_signal(pidfd, SIGKILL);
	if (master->now_ns >= all.hunted_ns + HUNT_NS)
		want_hunt(master);
	inbox_put_worker(&master->inbox, EVENT_STARTED, slot, serial);
	return true;
}

bool molds_heard(struct master *master, uint32_t slot, const char *bytes,
	const struct channel_message *message)
{
	const struct worker_record *mold = &master->workers[slot];
	unsigned generation;
	int pid;

	if (message->truncated ||
		!ostler__mold_decode(bytes, message->size, &pid, &generation) ||
		pid != mold->pid || generation != mold->serial)
		return false;
	inbox_put_worker(&master->inbox, EVENT_READY, slot, mold->serial);
	return true;
}

void molds_hear(struct master *master)
{
	for (uint32_t slot = 0; slot < master->workers_high && all.n > 0;
		slot++)
		if (master->workers[slot].ordered)
			channel_drain(master, slot);
}

/* ------------------------------------------- children that nobody ordered */

static bool is_known(const struct master *master, int pid)
{
	for (int i = 0; i < all.elders_n; i++)
		if (all.elders[i] == pid)
			return true;
	return pid == reload_pid(master) || upgrade_is_ours(pid) ||
	       upgrade_is_guardian(pid) || hooks_is_ours(pid) ||
	       worker_by_pid(master, pid) != UINT32_MAX;
}

/* Whoever can have made it: the molds of the services of that user. */
static void blame(struct master *master, uid_t user)
{
	for (uint32_t slot = 0; slot < master->workers_high; slot++) {
		const struct worker_record *worker = &master->workers[slot];

		if (worker->serial != 0 && worker->kind == KIND_MOLD &&
			user_of(master, worker->service) == user)
			inbox_put_worker(&master->inbox, EVENT_STOPPED, slot,
				worker->serial);
	}
}

/* True if it was one, and lives no longer; it is reaped as a stranger. */
static bool kill_stranger(struct master *master, int pid)
{
	AUTO_CLOSE int pidfd = -1;
	struct process process;
	uid_t user;

	if (is_known(master, pid) || sys_process(pid, &process) < 0 ||
		process.state == 'Z' || process.parent != (int)getpid() ||
		sys_process_user(pid, &user) < 0)
		return false;
	pidfd = sys_child_open(pid);
	if (pidfd < 0 || !sys_child_is_ours(pidfd) ||
		sys_child_signal(pidfd, SIGKILL) < 0)
		return false;
	blame(master, user);
	return true;
}

/*
 * Not while an order is out: who comes of it is not known yet. As PID 1 we are
 * given children that are no mold's; those are left alone.
 */
static void hunt(struct master *master)
{
	static int children[CHILDREN_MAX];
	bool found = false;
	int n;

	all.hunt = false;
	all.hunted_ns = master->now_ns;
	if (all.elders_n < 0 || getpid() == 1)
		return;
	n = sys_children(children, CHILDREN_MAX);
	for (int i = 0; i < n && i < CHILDREN_MAX; i++)
		found = kill_stranger(master, children[i]) || found;
	all.killed = found ? all.killed + 1 : 0;
	if (!found || all.killed == AGAIN_MAX)
		return;
	all.hunt = true; /* until there are none */
	all.hunt_ns = master->now_ns + AGAIN_NS;
}

static void want_hunt(const struct master *master)
{
	if (!all.hunt || master->now_ns < all.hunt_ns)
		all.hunt_ns = master->now_ns;
	all.hunt = true;
}

void molds_ended(struct master *master)
{
	want_hunt(master);
}

static void expire(struct master *master)
{
	uint64_t first_ns = UINT64_MAX;

	for (uint32_t slot = 0; slot < master->workers_high; slot++) {
		const struct worker_record *worker = &master->workers[slot];

		if (!worker->ordered)
			continue;
		if (worker->ordered_until_ns <= master->now_ns)
			molds_give_up(master, slot);
		else if (worker->ordered_until_ns < first_ns)
			first_ns = worker->ordered_until_ns;
	}
	all.first_ns = first_ns;
}

void molds_expire(struct master *master)
{
	if (all.n > 0 && master->now_ns >= all.first_ns)
		expire(master);
	if (all.hunt && all.n == 0 && master->now_ns >= all.hunt_ns)
		hunt(master);
}

uint64_t molds_deadline(void)
{
	if (all.n > 0)
		return all.first_ns;
	return all.hunt ? all.hunt_ns : LOOP_FOREVER;
}
