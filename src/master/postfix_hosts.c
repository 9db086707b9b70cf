/* SPDX-License-Identifier: MIT */
#include "master/postfix_hosts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "conf/postfix_network.h"
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
	if (find(hosts, host) < hosts->n || hosts->n == POSTFIX_HOSTS_MAX)
		return;
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

static void forget(struct postfix_hosts *hosts)
{
	for (unsigned i = 0; i < hosts->n; i++)
		free(hosts->names[i]);
	free(hosts->answers);
	hosts->answers = NULL;
	hosts->n = 0;
}

bool postfix_hosts_ask(struct master *master)
{
	struct postfix_hosts *hosts = &master->postfix->hosts;

	forget(hosts);
	collect_all(master->postfix);
	if (hosts->n == 0)
		return false;
	hosts->answers = calloc(hosts->n, sizeof(*hosts->answers));
	if (hosts->answers == NULL ||
		sys_hosts_start((const char *const *)hosts->names, hosts->n,
			&hosts->asking) < 0)
		return false;
	if (loop_add(master->loop, sys_hosts_fd(hosts->asking), LOOP_IN,
		    tag_make(TAG_LOOKUP, 0, 0)) == 0)
		return true;
	sys_hosts_cancel(hosts->asking);
	hosts->asking = NULL;
	return false;
}

bool postfix_hosts_heard(struct master *master)
{
	struct postfix_hosts *hosts = &master->postfix->hosts;

	return hosts->asking == NULL ||
	       sys_hosts_read(hosts->asking, hosts->answers) != -EAGAIN;
}

void postfix_hosts_end(struct master *master)
{
	struct postfix_hosts *hosts = &master->postfix->hosts;

	if (hosts->asking == NULL)
		return;
	(void)loop_remove(master->loop, sys_hosts_fd(hosts->asking));
	sys_hosts_cancel(hosts->asking);
	hosts->asking = NULL;
}

int postfix_hosts_pid(const struct master *master)
{
	const struct postfix_hosts *hosts = &master->postfix->hosts;

	return hosts->asking == NULL ? 0 : sys_hosts_pid(hosts->asking);
}
