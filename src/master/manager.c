/* SPDX-License-Identifier: MIT */
#include "master/manager.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"
#include "core/view.h"
#include "master/exit.h"
#include "master/master.h"
#include "master/reload.h"
#include "master/rolls.h"
#include "master/services.h"
#include "sys/clock.h"
#include "sys/loop.h"
#include "sys/notify.h"
#include "table/service.h"

#define NS_PER_US UINT64_C(1000)
#define RETRY_NS (100 * NS_PER_MS) /* its queue was full */

/* Figures change all the time, and each line costs somebody a wake-up. */
#define STATUS_PAUSE_NS NS_PER_S

/*
 * While we stop by deadlines of our own, the manager's are none of our
 * workers'. But it need not wait for a master that hangs.
 */
#define EXTEND_EVERY_NS (5 * NS_PER_S)
#define EXTEND_BY_NS (20 * NS_PER_S)

/*
 * A reload is over when the old workers have gone, too. But they may have
 * clients for hours, and the manager gives up waiting before that.
 */
#define ROLL_LOOK_NS (50 * NS_PER_MS)
#define ROLL_MAX_NS (30 * NS_PER_S)

/* What it has not heard of yet, in the order in which it will. */
enum owed {
	OWED_RELOADING = 1,
	OWED_READY = 2,
	OWED_STOPPING = 4,
};

static struct {
	bool wanted;
	bool serving; /* READY=1 was meant to be said once */
	bool reloading;
	bool stopping;
	unsigned owed;
	int error;	       /* the last one; 0: none was noted */
	uint64_t reloads;      /* that have ended, of which it has heard */
	uint64_t roll_look_ns; /* not before */
	uint64_t roll_until_ns;
	uint64_t retry_ns;    /* 0: nothing waits */
	uint64_t watchdog_ns; /* half of what it allows; 0: it does not look */
	uint64_t watchdog_at_ns; /* the next sign of life */
	uint64_t extend_at_ns;
	uint64_t status_at_ns; /* not before */
	char status[200];      /* as it has heard it */
} manager;

void manager_begin(void)
{
	manager.wanted = sys_notify_wanted();
	manager.watchdog_ns = manager.wanted ? sys_watchdog_ns() / 2 : 0;
}

void manager_note_error(int error)
{
	manager.error = error;
}

void manager_failed(int code)
{
	char buffer[160];
	struct text_builder text;

	text_builder_init(&text, buffer, sizeof(buffer));
	text_put(&text, "STATUS=not started: the log says why");
	text_put_format(&text, "\nEXIT_STATUS=%d", code);
	if (code == EXIT_CONFIG)
		manager.error = EINVAL;
	if (manager.error != 0)
		text_put_format(&text, "\nERRNO=%d", manager.error);
	(void)sys_notify(buffer); /* nobody may be listening */
}

/* ---- the phase ---------------------------------------------------------------- */

static bool say(const char *lines)
{
	int result = sys_notify(lines);

	/* About anything else nothing can be done. */
	return result != -EAGAIN && result != -ENOBUFS;
}

static bool say_reloading(void)
{
	char buffer[80];
	struct text_builder text;

	text_builder_init(&text, buffer, sizeof(buffer));
	text_put(&text, "RELOADING=1\nMONOTONIC_USEC=");
	text_put_number(&text, clock_now_ns() / NS_PER_US);
	return say(buffer);
}

static bool say_extended(const char *phase, uint64_t now_ns)
{
	char buffer[80];
	struct text_builder text;

	manager.extend_at_ns = now_ns + EXTEND_EVERY_NS;
	text_builder_init(&text, buffer, sizeof(buffer));
	text_put(&text, phase);
	text_put(&text, "EXTEND_TIMEOUT_USEC=");
	text_put_number(&text, EXTEND_BY_NS / NS_PER_US);
	return say(buffer);
}

static bool say_phase(enum owed phase, uint64_t now_ns)
{
	switch (phase) {
	case OWED_RELOADING:
		return say_reloading();
	case OWED_READY:
		return say("READY=1");
	case OWED_STOPPING:
		return say_extended("STOPPING=1\n", now_ns);
	}
	return true;
}

static void pay(uint64_t now_ns)
{
	static const enum owed order[] = {
		OWED_RELOADING, OWED_READY, OWED_STOPPING};

	if (manager.retry_ns > now_ns)
		return;
	manager.retry_ns = 0;
	for (unsigned i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if ((manager.owed & order[i]) == 0)
			continue;
		if (!say_phase(order[i], now_ns)) {
			manager.retry_ns = now_ns + RETRY_NS;
			return;
		}
		manager.owed &= ~(unsigned)order[i];
	}
}

static bool is_rolling(const struct master *master)
{
	if (master->now_ns >= manager.roll_until_ns)
		return false;
	if (master->now_ns < manager.roll_look_ns)
		return true;
	manager.roll_look_ns = master->now_ns + ROLL_LOOK_NS;
	return rolls_under_way(master);
}

/* A reload may begin and end in one round. */
static void follow_reload(struct master *master)
{
	uint64_t ended = reload_count(master) + reload_failures(master);
	bool running = reload_is_running(master);

	if (running || ended != manager.reloads)
		manager.roll_until_ns = master->now_ns + ROLL_MAX_NS;
	if (!manager.reloading && (running || ended != manager.reloads)) {
		manager.reloading = master->changed = true;
		manager.owed |= OWED_RELOADING;
	}
	if (manager.reloading && !running && !is_rolling(master)) {
		manager.reloading = false;
		master->changed = true;
		manager.owed |= OWED_READY;
	}
	manager.reloads = ended;
}

static void follow_phase(struct master *master)
{
	if (master->stopping && !manager.stopping) {
		manager.stopping = true;
		manager.owed = OWED_STOPPING;
	}
	if (!manager.stopping && manager.serving)
		follow_reload(master);
}

/* ---- figures -------------------------------------------------------------------- */

struct figures {
	unsigned services, throttled, deaf;
	uint64_t taken;
	const char *throttled_name;
};

static void count(const struct master *master, struct figures *out)
{
	struct view_service view;

	for (uint32_t id = 0; id < master->services_high; id++) {
		if (!core_view_service(master->core, id, master->now_ns, &view))
			continue;
		out->services++;
		out->taken += view.taken;
		out->deaf += view.deaf;
		if (view.throttled_ns == 0)
			continue;
		out->throttled++;
		if (out->throttled_name == NULL)
			out->throttled_name = service_name(master, id);
	}
}

static void put_phase(const struct master *master, struct text_builder *out)
{
	if (master->stopping)
		text_put(out, "stopping: ");
	else if (reload_is_running(master))
		text_put(out, "reloading: ");
	else if (manager.reloading)
		text_put(out, "replacing workers: ");
}

static void put_status(const struct master *master, struct text_builder *out)
{
	struct figures figures = {.services = 0};

	count(master, &figures);
	put_phase(master, out);
	text_put_format(out, "%u services, %u workers, %llu taken",
		figures.services, core_view_workers(master->core),
		(unsigned long long)figures.taken);
	if (figures.throttled > 0)
		text_put_format(out, "; throttled: %u (%.40s)",
			figures.throttled, figures.throttled_name);
	if (figures.deaf > 0)
		text_put_format(out, "; deaf: %u", figures.deaf);
	if (!reload_result(master)->good && !master->stopping &&
		!reload_is_running(master))
		text_put(out, "; the last reload was refused");
}

/* Counting goes through all services: less often when there are many. */
static uint64_t status_pause(const struct master *master)
{
	return STATUS_PAUSE_NS + master->services_high * NS_PER_MS;
}

static void tell_status(struct master *master)
{
	char buffer[sizeof("STATUS=") + sizeof(manager.status)] = "";
	struct text_builder text;
	const char *status = buffer + strlen("STATUS=");

	text_builder_init(&text, buffer, sizeof(buffer) - 1);
	text_put(&text, "STATUS=");
	put_status(master, &text);
	master->changed = false;
	manager.status_at_ns = master->now_ns + status_pause(master);
	if (strcmp(status, manager.status) == 0)
		return;
	/* It is not worth another try: the next one is as good. */
	(void)sys_notify(buffer);
	memcpy(manager.status, status, strlen(status) + 1);
}

/* ---- time ------------------------------------------------------------------------- */

void manager_ready(struct master *master)
{
	manager.serving = true;
	manager.owed |= OWED_READY;
	manager.reloads = reload_count(master) + reload_failures(master);
	manager.watchdog_at_ns = master->now_ns + manager.watchdog_ns;
	manager_round(master);
}

void manager_round(struct master *master)
{
	uint64_t now_ns = master->now_ns;

	if (!manager.wanted)
		return;
	follow_phase(master);
	if (manager.owed != 0)
		pay(now_ns);
	if (manager.watchdog_ns != 0 && now_ns >= manager.watchdog_at_ns) {
		manager.watchdog_at_ns =
			now_ns +
			(say("WATCHDOG=1") ? manager.watchdog_ns : RETRY_NS);
	}
	if (manager.stopping && now_ns >= manager.extend_at_ns)
		(void)say_extended("", now_ns);
	if (master->changed && now_ns >= manager.status_at_ns &&
		(manager.serving || manager.stopping))
		tell_status(master);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t manager_deadline(const struct master *master)
{
	uint64_t at_ns = LOOP_FOREVER;

	if (!manager.wanted)
		return LOOP_FOREVER;
	if (manager.owed != 0)
		at_ns = manager.retry_ns;
	if (manager.watchdog_ns != 0)
		at_ns = earlier(at_ns, manager.watchdog_at_ns);
	if (manager.stopping)
		at_ns = earlier(at_ns, manager.extend_at_ns);
	else if (manager.reloading && !reload_is_running(master))
		at_ns = earlier(at_ns, manager.roll_look_ns);
	if (master->changed && (manager.serving || manager.stopping))
		at_ns = earlier(at_ns, manager.status_at_ns);
	return at_ns;
}
