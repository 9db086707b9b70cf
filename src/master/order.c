/* SPDX-License-Identifier: MIT */
#include "master/order.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/number.h"
#include "base/prng.h"
#include "base/text.h"
#include "core/view.h"
#include "master/edition.h"
#include "master/master.h"
#include "master/personality.h"
#include "master/services.h"
#include "master/trial.h"
#include "master_proto.h"
#include "proto/mold.h"
#include "proto/page.h"
#include "sys/creds.h"
#include "sys/path.h"
#include "table/service.h"
#include "table/table.h"

_Static_assert(TABLE_LISTENERS_MOST + MASTER_LISTEN_FD <= SPAWN_FDS_MAX,
	"a start hands over all of a service's listeners");

#define MOLD_PLACES 4 /* more than a worker has beside its listeners */

#define MAX_USE_EXACT 8

void order_put_fds(const struct master *master, const struct birth *birth,
	const int standard[3], struct order *out)
{
	const struct service_state *service =
		service_of(master, birth->service);
	const int *flow = master->flow[0] >= 0 ? master->flow : service->flow;
	unsigned n = 0;

	for (unsigned i = 0; i < 3; i++)
		out->fds[n++] = standard[i];
	assert(n == MASTER_FLOW_READ);
	for (unsigned i = 0; i < 2; i++)
		out->fds[n++] = flow[i] >= 0 ? flow[i] : master->null_fd;
	assert(n == MASTER_STATUS_FD);
	out->fds[n++] = birth->channel;
	assert(n == MASTER_LISTEN_FD);
	assert(service->listeners_n <= TABLE_LISTENERS_MOST);
	for (unsigned i = 0; i < service->listeners_n; i++)
		out->fds[n++] = service->listeners[i].fd;
	if (birth->page >= 0 && n < SPAWN_FDS_MAX)
		out->fds[n++] = birth->page;
	out->spawn.fds = out->fds;
	out->spawn.fds_n = n;
}

static const char *transport(const struct service *row)
{
	switch (row->endpoints[0].kind) {
	case ENDPOINT_INET:
		return MASTER_XPORT_NAME_INET;
	case ENDPOINT_UNIX:
		break;
	case ENDPOINT_FIFO:
		return MASTER_XPORT_NAME_FIFO;
	case ENDPOINT_DGRAM:
		return MASTER_XPORT_NAME_UNIX_DGRAM;
	}
	for (unsigned i = 1; i < row->endpoints_n; i++)
		if (row->endpoints[i].kind == ENDPOINT_INET)
			return MASTER_XPORT_NAME_INET;
	return MASTER_XPORT_NAME_UNIX;
}

struct environment {
	struct order *order;
	struct text_builder text;
	unsigned n;
};

/* The operator's word for a name is the last one. */
static bool is_set(const struct environment *env, const char *assignment)
{
	size_t name_n = (size_t)(strchr(assignment, '=') - assignment) + 1;

	for (unsigned i = 0; i < env->n; i++)
		if (strncmp(env->order->environment[i], assignment, name_n) ==
			0)
			return true;
	return false;
}

static void add(struct environment *env, const char *assignment)
{
	if (env->n < ORDER_ENVIRONMENT_MAX && !is_set(env, assignment))
		env->order->environment[env->n++] = assignment;
}

/* The text so far is one assignment; the next one follows its NUL. */
static void add_text(struct environment *env, size_t from)
{
	assert(!env->text.overflow);
	add(env, env->text.bytes + from);
	text_put_char(&env->text, '\0');
}

static void add_number(
	struct environment *env, const char *name, uint64_t number)
{
	size_t from = env->text.n;

	text_put_format(
		&env->text, "%s=%llu", name, (unsigned long long)number);
	add_text(env, from);
}

static void add_string(
	struct environment *env, const char *name, const char *value)
{
	size_t from = env->text.n;

	text_put_format(&env->text, "%s=%s", name, value);
	add_text(env, from);
}

/* The last descriptor of all, if there was a number left for it. */
static void put_page(struct environment *env, const struct birth *birth)
{
	unsigned last = env->order->spawn.fds_n - 1;
	size_t from = env->text.n;

	if (birth->page < 0 || env->order->fds[last] != birth->page)
		return;
	text_put_format(&env->text, OSTLER__PAGE_ENVIRONMENT "=%u:%u", last,
		birth->page_place);
	add_text(env, from);
}

static void add_seconds(
	struct environment *env, const char *name, uint64_t time_ns)
{
	size_t from = env->text.n;

	if (time_ns == 0)
		return;
	text_put_format(&env->text, "%s=", name);
	number_put_seconds(&env->text, time_ns);
	add_text(env, from);
}

/* Not all are to be used up at once; but a few clients are meant to the one. */
static uint64_t max_use(const struct service *row, uint32_t generation)
{
	return row->max_use > MAX_USE_EXACT
		       ? prng_less(row->max_use, generation)
		       : row->max_use;
}

/* Spares that left by themselves would only be started again: we trim. */
static uint64_t max_idle_ns(
	const struct service *row, const struct view_service *now)
{
	return now->spare_min > 0 && row->policy.trim_interval_ns > 0
		       ? 0
		       : row->max_idle_ns;
}

/* A bouncer turns everybody away as it is told to. */
static void put_sources(struct environment *env, const struct service *row,
	const struct birth *birth)
{
	if (birth->kind == KIND_BOUNCER ||
		(row->source_limit == 0 && row->prefix_limit == 0))
		return;
	add_number(env, "OSTLER_SOURCE_LIMIT", row->source_limit);
	add_number(env, "OSTLER_PREFIX_LIMIT", row->prefix_limit);
	add_number(env, "OSTLER_PREFIX_IPV4", row->prefix_ipv4);
	add_number(env, "OSTLER_PREFIX_IPV6", row->prefix_ipv6);
}

static void put_environment(const struct service *row,
	const struct view_service *now, const struct birth *birth,
	struct order *out)
{
	struct environment env = {.order = out};
	const char *zone = getenv("TZ");
	size_t from;

	text_builder_init(&env.text, out->text, sizeof(out->text));
	for (unsigned i = 0; i < row->environment_n; i++)
		add(&env, row->environment[i]);
	text_put_format(&env.text, MASTER_GEN_NAME "=%o", birth->generation);
	add_text(&env, 0);
	add_string(&env, "OSTLER_SERVICE", row->name);
	add_number(&env, "OSTLER_SOCKETS", row->endpoints_n);
	add_string(&env, "OSTLER_TRANSPORT", transport(row));
	add_number(&env, "OSTLER_MAX_USE", max_use(row, birth->generation));
	add_number(&env, "OSTLER_CLIENTS_PER_WORKER", row->clients_per_worker);
	add_number(&env, "OSTLER_PROCESS_LIMIT", now->limit);
	if (birth->stress)
		add_string(&env, "OSTLER_STRESS", "1");
	from = env.text.n;
	text_put(&env.text, "OSTLER_MAX_IDLE=");
	number_put_seconds(&env.text, max_idle_ns(row, now));
	add_text(&env, from);
	put_page(&env, birth);
	put_sources(&env, row, birth);
	add_seconds(
		&env, "OSTLER_REQUEST_TIME_LIMIT", row->policy.request_time_ns);
	add_seconds(&env, "OSTLER_LIVENESS", row->policy.liveness_ns);
	add_string(&env, "PATH", ORDER_PATH);
	add_string(&env, "LANG", "C");
	if (zone != NULL && strlen(zone) < 128)
		add_string(&env, "TZ", zone);
	out->environment[env.n] = NULL;
	out->spawn.envp = out->environment;
}

/*
 * It is to be a worker in all but the serving: it has nothing to serve at,
 * even if it is no mold at all. What it opens itself must be beyond all that a
 * worker is given, the page for one.
 */
static void make_mold(const struct master *master, struct order *out)
{
	unsigned end = out->spawn.fds_n + MOLD_PLACES;
	unsigned n = 0;

	if (end > SPAWN_FDS_MAX)
		end = SPAWN_FDS_MAX;
	for (unsigned i = MASTER_LISTEN_FD; i < end; i++)
		out->fds[i] = master->null_fd;
	out->spawn.fds_n = end;
	while (out->environment[n] != NULL)
		n++;
	if (n == ORDER_ENVIRONMENT_MAX)
		return; /* then it is not asked, and says so */
	(void)snprintf(out->mold, sizeof(out->mold),
		OSTLER__MOLD_ENVIRONMENT "=%u", end);
	out->environment[n] = out->mold;
	out->environment[n + 1] = NULL;
}

static void put_limits(const struct master *master,
	const struct service_limits *limits, struct order *out)
{
	const struct {
		int resource;
		uint64_t value;
	} all[] = {
		{RLIMIT_CORE, limits->core_bytes},
		{RLIMIT_NOFILE, limits->nofile},
		{RLIMIT_NPROC, limits->nproc},
		{RLIMIT_AS, limits->as_bytes},
		{RLIMIT_FSIZE, limits->fsize_bytes},
		{RLIMIT_CPU, limits->cpu_seconds},
		{RLIMIT_STACK, limits->stack_bytes},
	};
	unsigned n = 0;

	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		uint64_t value = all[i].value;

		if (value == RLIMIT_UNSET)
			continue;
		if (value == RLIMIT_NONE)
			value = UINT64_MAX;
		out->limits[n++] =
			(struct spawn_limit){all[i].resource, value, value};
	}
	/* We raised ours; who uses select() would not survive that. */
	if (limits->nofile == RLIMIT_UNSET)
		out->limits[n++] = (struct spawn_limit){
			RLIMIT_NOFILE, master->nofile_soft, master->nofile};
	out->spawn.limits = out->limits;
	out->spawn.limits_n = n;
}

void order_make(const struct master *master, const struct birth *birth,
	struct order *out)
{
	const struct service_state *state = service_of(master, birth->service);
	const struct service *row = trial_row(state, birth->canary);
	const struct identity *as =
		edition_as(trial_edition(state, birth->canary), row);
	const char *const *argv =
		birth->kind == KIND_BOUNCER ? row->bounce : row->command;
	/* As it was scaled, if it was. */
	struct view_service now = {.limit = row->policy.process_limit,
		.spare_min = row->policy.spare_min};

	out->spawn = (struct spawn_order){
		.path = birth->kind == KIND_BOUNCER ? argv[0] : row->path,
		.program = birth->kind == KIND_BOUNCER
				   ? NULL
				   : trial_program(state, birth->canary),
		.argv = argv,
		.directory = row->directory,
		.umask = row->umask,
		/* Without root it can only be ourselves: that was checked. */
		.switch_user = sys_is_root() &&
			       (row->user != NULL || row->group != NULL),
		.uid = as->uid,
		.gid = as->gid,
		.groups = as->groups,
		.groups_n = as->n,
		.new_session = true,
	};
	order_put_fds(master, birth,
		(const int[3]){master->null_fd, master->null_fd, STDERR_FILENO},
		out);
	(void)core_view_service(
		master->core, birth->service, master->now_ns, &now);
	put_environment(row, &now, birth, out);
	put_limits(master, &row->limits, out);
	if (birth->kind == KIND_MOLD)
		make_mold(master, out);
}
