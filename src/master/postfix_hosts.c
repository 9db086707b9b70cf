/* SPDX-License-Identifier: MIT */
#include "master/postfix_hosts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/number.h"
#include "conf/postfix_network.h"
#include "master/log.h"
#include "master/master.h"
#include "master/postfix_shell.h"
#include "sys/loop.h"
#include "sys/net.h"
#include "table/table.h"

struct postfix_address postfix_address_of(const struct machine_address *from)
{
	struct postfix_address address = {
		.family = from->family == NET_IPV4 ? FAMILY_IPV4 : FAMILY_IPV6};

	memcpy(address.bytes, from->bytes, sizeof(address.bytes));
	return address;
}

static unsigned put(const struct machine_address *found, unsigned n,
	struct postfix_address *out, unsigned max)
{
	if (n > max)
		n = max;
	for (unsigned i = 0; i < n; i++)
		out[i] = postfix_address_of(&found[i]);
	return n;
}

#define PATIENCE_NS (60 * NS_PER_S) /* nobody else waits meanwhile */

/* Its number among the names; hosts->n: it is not there. */
static unsigned find(const struct postfix_hosts *hosts, const char *host)
{
	unsigned i = 0;

	while (i < hosts->n && strcmp(hosts->names[i], host) != 0)
		i++;
	return i;
}

static void collect(struct postfix_hosts *hosts, const char *host)
{
	char **names;

	if (find(hosts, host) < hosts->n)
		return;
	names = realloc(hosts->names, (hosts->n + 1) * sizeof(*names));
	if (names == NULL)
		return;
	hosts->names = names;
	hosts->names[hosts->n] = strdup(host);
	hosts->n += hosts->names[hosts->n] != NULL;
}

unsigned postfix_hosts_resolve(void *context, const char *host,
	struct postfix_address *out, unsigned max)
{
	struct postfix_hosts *hosts = context;
	struct machine_address found[POSTFIX_ADDRESSES_MAX];
	unsigned i;

	switch (hosts->way) {
	case HOSTS_NOW:
		return put(found,
			sys_resolve_now(host, found, POSTFIX_ADDRESSES_MAX),
			out, max);
	case HOSTS_COLLECT:
		collect(hosts, host);
		return 0;
	case HOSTS_KNOWN:
		break;
	}
	i = find(hosts, host);
	if (i == hosts->n || hosts->answers == NULL)
		return 0;
	return put(hosts->answers[i].addresses, hosts->answers[i].n, out, max);
}

/* What the files say is of no interest here, good or not. */
static void collect_all(struct postfix_master *postfix)
{
	struct arena *arena = arena_create(0);
	struct table *table = NULL;
	struct diags diags;

	if (arena == NULL)
		return;
	diags_init(&diags, arena);
	postfix->hosts.way = HOSTS_COLLECT;
	if (postfix_read(postfix, &table, &diags, NULL))
		table_destroy(table);
	postfix->hosts.way = HOSTS_KNOWN;
	arena_destroy(arena);
}

static void end_asking(struct master *master)
{
	struct postfix_hosts *hosts = &master->postfix->hosts;

	if (hosts->asking == NULL)
		return;
	(void)loop_remove(master->loop, sys_hosts_fd(hosts->asking));
	sys_hosts_cancel(hosts->asking);
	hosts->asking = NULL;
}

void postfix_hosts_forget(struct master *master)
{
	struct postfix_hosts *hosts = &master->postfix->hosts;

	end_asking(master);
	for (unsigned i = 0; i < hosts->n; i++)
		free(hosts->names[i]);
	free(hosts->names);
	free(hosts->answers);
	hosts->names = NULL;
	hosts->answers = NULL;
	hosts->n = 0;
	hosts->asked = false;
}

/* Whom nobody can be asked about has no address. */
static void start_asking(struct master *master)
{
	struct postfix_hosts *hosts = &master->postfix->hosts;

	hosts->asked = true;
	collect_all(master->postfix);
	if (hosts->n == 0)
		return;
	hosts->answers = calloc(hosts->n, sizeof(*hosts->answers));
	if (hosts->answers == NULL ||
		sys_hosts_start((const char *const *)hosts->names, hosts->n,
			&hosts->asking) < 0) {
		log_words(LOG_WARNING, "no process to look hosts up: names "
				       "have no addresses now; try again");
		return;
	}
	hosts->until_ns = master->now_ns + PATIENCE_NS;
	if (loop_add(master->loop, sys_hosts_fd(hosts->asking), LOOP_IN,
		    tag_make(TAG_LOOKUP, 0, 0)) < 0)
		end_asking(master);
}

/* Without its address a service is refused: here is the reason. */
static void say_unanswered(const struct postfix_hosts *hosts)
{
	for (unsigned i = 0; i < hosts->n; i++) {
		const char *error = hosts->answers[i].error;

		if (hosts->answers[i].n == 0)
			log_words(LOG_WARNING, "host %s: %s", hosts->names[i],
				error[0] != '\0' ? error : "no answer in time");
	}
}

uint64_t postfix_hosts_ask(struct master *master)
{
	struct postfix_hosts *hosts = &master->postfix->hosts;

	if (!hosts->asked)
		start_asking(master);
	if (hosts->asking == NULL)
		return 0;
	if (sys_hosts_read(hosts->asking, hosts->answers) == -EAGAIN &&
		master->now_ns < hosts->until_ns)
		return hosts->until_ns;
	end_asking(master);
	say_unanswered(hosts);
	return 0;
}

int postfix_hosts_pid(const struct master *master)
{
	const struct postfix_hosts *hosts = &master->postfix->hosts;

	return hosts->asking == NULL ? 0 : sys_hosts_pid(hosts->asking);
}
